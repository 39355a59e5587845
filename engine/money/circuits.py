"""A circuit for each provider, shared by all workers.

When a provider fails again and again, one call at a time finds out whether it is back, and the others wait or ask the
next provider. There is no row for a provider that works, so a call costs one look at an empty table.
"""

from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import Float, bindparam, case, cast, delete, func, update
from sqlalchemy import select as plain_select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import Prepared, execute
from engine.errors import AnswerLost, EngineError, ProviderBusy, ProviderDown, ProviderError, RateLimited
from models.tables import Circuit
from models.tables.columns import table

# How many seconds a provider may fail before the next one is asked, if there is one.
PATIENCE = 30.0
# After this many failures in a row the circuit is open.
OPEN_AFTER = 3
# Failures further apart are not in a row. A provider that hangs fails only when its call times out, after ten minutes
# for a picture (`INKLOOM_IMAGE_TIMEOUT`): the one before must still count then.
ROW = timedelta(minutes=15)
# While it is open, the next call is sent after 1, 2, 4 … seconds, at most this many.
LONGEST_PAUSE = 10.0
# A call that finds out takes its time; the next one is sent after so long at the latest.
PROBE = timedelta(seconds=30)
# It answers from this process, and is never down.
_ALWAYS_UP = "offline"


class State(NamedTuple):
    """Failures in a row, the seconds since the first, and the seconds until the next call may try."""

    failures: int
    failing: float
    wait: float

    @property
    def open(self) -> bool:
        return self.failures >= OPEN_AFTER

    @property
    def pausing(self) -> bool:
        """Whether it is open, and not even one call may try yet."""
        return self.open and self.wait > 0


_ROWS = table(Circuit)
_NOW = func.clock_timestamp()
_MINE = _ROWS.c.key == bindparam("circuit")
_FACTS = (
    _ROWS.c.failures,
    cast(func.extract("epoch", _NOW - _ROWS.c.failing_since), Float),
    cast(func.extract("epoch", _ROWS.c.next_call_at - _NOW), Float),
)
_STATE = Prepared(plain_select(*_FACTS).where(_MINE, _ROWS.c.last_failed_at > _NOW - ROW), State)
_TRY = update(_ROWS).where(_MINE, _ROWS.c.next_call_at <= _NOW).values(next_call_at=_NOW + PROBE).returning(_ROWS.c.key)
_CLOSE = delete(_ROWS).where(_MINE)
_in_a_row = _ROWS.c.last_failed_at > _NOW - ROW
_failures = case((_in_a_row, _ROWS.c.failures + 1), else_=1)
_FAILED = Prepared(
    insert(_ROWS)
    .values(
        key=bindparam("circuit"),
        failures=1,
        failing_since=_NOW,
        last_failed_at=_NOW,
        next_call_at=_NOW,
        said=bindparam("said"),
    )
    .on_conflict_do_update(
        index_elements=[_ROWS.c.key],
        set_={
            "failures": _failures,
            "failing_since": case((_in_a_row, _ROWS.c.failing_since), else_=_NOW),
            "last_failed_at": _NOW,
            "next_call_at": _NOW
            + func.make_interval(
                0, 0, 0, 0, 0, 0, func.least(LONGEST_PAUSE, func.power(2.0, func.least(_failures - OPEN_AFTER, 10)))
            ),
            "said": bindparam("said"),
        },
    )
    .returning(*_FACTS),
    State,
)


def key_of(kind: str, provider: str) -> str:
    """A vendor's writer may work while its artist is down."""
    return f"{kind}:{provider}"


async def state_of(session: AsyncSession, kind: str, provider: str) -> State | None:
    """The state of a provider that has failed lately; None if it has not."""
    if provider == _ALWAYS_UP:
        return None
    return await _STATE.one_or_none(session, circuit=key_of(kind, provider))


def refused(provider: str, state: State, *, gives_way: bool) -> ProviderError:
    """Why a call is not sent now."""
    failing = f"{provider} has failed {state.failures} times in a row"
    wait = max(state.wait, 0.5)
    if gives_way and state.failing + wait > PATIENCE:
        return ProviderDown(f"{failing}, for {state.failing:.0f} s.")
    return ProviderBusy(f"{failing}: one call at a time tries it.", retry_after=wait)


async def finds_out(session: AsyncSession, kind: str, provider: str) -> bool:
    """Whether this is the call that finds out whether the provider is back. The next one may try after `PROBE`."""
    return (await execute(session, _TRY, {"circuit": key_of(kind, provider)})).first() is not None


async def settled(session: AsyncSession, kind: str, provider: str, error: EngineError | None) -> State | None:
    """Record how a call to a provider ended that has failed lately, or fails now; returns the state if it failed.

    Any answer shows that the provider is there, a refusal too: only silence and its own failures count. All projects
    share the row, so it has our message alone: a provider's words may quote what one of them sent.
    """
    silent = isinstance(error, ProviderBusy | AnswerLost) and not isinstance(error, RateLimited)
    if provider == _ALWAYS_UP:
        return None
    if error is None or not silent:
        await execute(session, _CLOSE, {"circuit": key_of(kind, provider)})
        return None
    return await _FAILED.one(session, circuit=key_of(kind, provider), said=error.message)

"""A circuit for each model of a provider, shared by all workers.

When a model fails again and again, one call at a time finds out whether it is back, and the others wait or ask the next
provider. There is no row for one that works, so a call costs one look at an empty table.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Float, and_, bindparam, case, cast, delete, func, or_, update
from sqlalchemy import select as plain_select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import Prepared, execute
from engine.digest import digest
from engine.errors import AnswerLost, BadInput, EngineError, ProviderBusy, ProviderDown, ProviderError, RateLimited
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
# A call to a paused provider asks again after so many seconds.
PAUSED_AGAIN = 10.0
# It answers from this process, and is never down.
_ALWAYS_UP = "offline"
# As the column has it.
_LONGEST_KEY = 80


class State(NamedTuple):
    """Failures in a row, the seconds since the first, the seconds until the next call may try, and the last failure."""

    failures: int
    failing: float
    wait: float
    said: str
    # Whether an operator has paused the provider.
    paused: bool = False

    @property
    def open(self) -> bool:
        return self.failures >= OPEN_AFTER

    @property
    def pausing(self) -> bool:
        """Whether not even one call may try yet: it is paused, or open and it is not time."""
        return self.paused or (self.open and self.wait > 0)


_ROWS = table(Circuit)
_NOW = func.clock_timestamp()
_MINE = _ROWS.c.key == bindparam("circuit")
_FACTS = (
    _ROWS.c.failures,
    cast(func.extract("epoch", _NOW - _ROWS.c.failing_since), Float),
    cast(func.extract("epoch", _ROWS.c.next_call_at - _NOW), Float),
    _ROWS.c.said,
    _ROWS.c.paused_at.is_not(None),
)
# A pause of the provider comes before what is known of the model. Both are one look at a table that is mostly empty.
_STATE = Prepared(
    plain_select(*_FACTS)
    .where(
        or_(
            and_(_MINE, _ROWS.c.last_failed_at > _NOW - ROW),
            and_(_ROWS.c.key == bindparam("provider"), _ROWS.c.paused_at.is_not(None)),
        )
    )
    .order_by(_ROWS.c.paused_at.is_(None))
    .limit(1),
    State,
)
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


def key_of(kind: str, provider: str, model: str) -> str:
    """A vendor's writer may work while its artist is down, and one model while another is overloaded or retired."""
    key = f"{kind}:{provider}:{model}"
    return key if len(key) <= _LONGEST_KEY else f"{key[: _LONGEST_KEY - 17]}:{digest(model)[:16]}"


async def state_of(session: AsyncSession, kind: str, provider: str, model: str) -> State | None:
    """The state of a model that has failed lately, or whose provider is paused; None if neither."""
    if provider == _ALWAYS_UP:
        return None
    return await _STATE.one_or_none(session, circuit=key_of(kind, provider, model), provider=_pause_of(kind, provider))


def refused(provider: str, model: str, state: State, *, gives_way: bool) -> ProviderError:
    """Why a call is not sent now."""
    if state.paused:
        paused = f"{provider} was paused by an operator"
        why = f": {state.said}" if state.said else ""
        return (
            ProviderDown(f"{paused}{why}.")
            if gives_way
            else ProviderBusy(f"{paused}, until it is resumed{why}.", retry_after=PAUSED_AGAIN)
        )
    named = f"{provider} ({model})" if model else provider
    failing = f"{named} has failed {state.failures} times in a row"
    last = f" The last failure: {state.said}" if state.said else ""
    wait = max(state.wait, 0.5)
    if gives_way and state.failing + wait > PATIENCE:
        return ProviderDown(f"{failing}, for {state.failing:.0f} s.{last}")
    return ProviderBusy(f"{failing}: one call at a time tries it.{last}", retry_after=wait)


async def finds_out(session: AsyncSession, kind: str, provider: str, model: str) -> bool:
    """Whether this is the call that finds out whether the model is back. The next one may try after `PROBE`."""
    return (await execute(session, _TRY, {"circuit": key_of(kind, provider, model)})).first() is not None


async def settled(
    session: AsyncSession, kind: str, provider: str, model: str, error: EngineError | None
) -> State | None:
    """Record how a call to a model ended that has failed lately, or fails now; returns the state if it failed.

    Any answer shows that the model is there, a refusal too: only silence and its own failures count. All projects
    share the row, so it has our message alone: a provider's words may quote what one of them sent.
    """
    silent = isinstance(error, ProviderBusy | AnswerLost) and not isinstance(error, RateLimited)
    if provider == _ALWAYS_UP:
        return None
    if error is None or not silent:
        await execute(session, _CLOSE, {"circuit": key_of(kind, provider, model)})
        return None
    return await _FAILED.one(session, circuit=key_of(kind, provider, model), said=error.message)


@dataclass(frozen=True)
class Listed:
    """A model that has failed lately, or all models of a provider that is paused."""

    kind: str
    provider: str
    # None: of a pause, which is for all of them.
    model: str | None
    failures: int
    since: datetime
    next_call_at: datetime | None
    said: str
    paused: bool

    @property
    def open(self) -> bool:
        return self.failures >= OPEN_AFTER


async def listed(session: AsyncSession) -> list[Listed]:
    """All pauses and all circuits that count, the oldest first."""
    query = (
        plain_select(_ROWS)
        .where(or_(_ROWS.c.paused_at.is_not(None), _ROWS.c.last_failed_at > _NOW - ROW))
        .order_by(_ROWS.c.failing_since, _ROWS.c.key)
    )
    found = []
    for row in await execute(session, query):
        kind, provider, *model = row.key.split(":", 2)
        paused = row.paused_at is not None
        found.append(
            Listed(
                kind=kind,
                provider=provider,
                model=model[0] if model else None,
                failures=row.failures,
                since=row.paused_at if paused else row.failing_since,
                next_call_at=None if paused else row.next_call_at,
                said=row.said,
                paused=paused,
            )
        )
    return found


async def pause(session: AsyncSession, kind: str, provider: str, why: str) -> bool:
    """Send no further call to a provider until it is resumed; False if it was paused already, whose reason stays.

    Calls that are under way or have their slot are finished, and stored answers are still used. Raises `BadInput`.
    """
    if provider == _ALWAYS_UP:
        raise BadInput("The offline provider answers from the workers themselves: there is nothing to pause.")
    made = await execute(
        session,
        insert(_ROWS)
        .values(
            key=_pause_of(kind, provider),
            failures=0,
            failing_since=_NOW,
            last_failed_at=_NOW,
            next_call_at=_NOW,
            paused_at=_NOW,
            said=why[:500],
        )
        .on_conflict_do_nothing()
        .returning(_ROWS.c.key),
    )
    return made.first() is not None


async def resume(session: AsyncSession, kind: str, provider: str) -> int:
    """End the pause of a provider, and forget what is known of its failures; returns how many rows that were."""
    key = _pause_of(kind, provider)
    gone = delete(_ROWS).where(or_(_ROWS.c.key == key, _ROWS.c.key.startswith(f"{key}:", autoescape=True)))
    return (await execute(session, gone)).rowcount


def _pause_of(kind: str, provider: str) -> str:
    """The key of a pause: a model's has a colon more, also where a provider has no models."""
    return f"{kind}:{provider}"

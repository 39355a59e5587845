"""What a look at the whole installation tells: generations, delays, spending, webhooks, the sweeper. For `/metrics`."""

import logging
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, bindparam, case, func, literal, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import execute
from engine.money.circuits import OPEN_AFTER, ROW
from engine.store.saved import BACKUP
from models.options import GenerationStatus
from models.tables import Circuit, Delay, Delivery, Generation, Hold, ProviderCall, Round, User
from models.tables.columns import table
from models.tables.ledger import CallState
from models.tables.webhooks import DeliveryState

log = logging.getLogger(__name__)

# A scrape must not hold up the database, nor a slow gauge the others: after so many milliseconds it is left out.
_BOUND = text("SET LOCAL statement_timeout = 1000")
_GENERATIONS, _HOLDS, _DELAYS, _CALLS = table(Generation), table(Hold), table(Delay), table(ProviderCall)
_CIRCUITS, _DELIVERIES, _ROUNDS, _USERS = table(Circuit), table(Delivery), table(Round), table(User)
_ROUND = insert(_ROUNDS).values(name=bindparam("name"), count=1, at=func.clock_timestamp())
_ROUND = _ROUND.on_conflict_do_update(
    index_elements=[_ROUNDS.c.name], set_={"count": _ROUNDS.c.count + 1, "at": _ROUND.excluded.at}
)
_SWEEP = "sweep"


def _age(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Seconds since the earliest; 0 if there is none."""
    return func.coalesce(func.extract("epoch", func.clock_timestamp() - func.min(column)), 0)


def _since(moment: ColumnElement[Any]) -> ColumnElement[Any]:
    """Seconds since a moment; 0 if it lies ahead, as after a wrong clock, and NULL if there is none."""
    seconds = func.extract("epoch", func.clock_timestamp() - moment)
    return case((seconds < 0, 0), else_=seconds)


def _by(*columns: ColumnElement[Any], of: ColumnElement[Any] | None = None) -> Select[Any]:
    """How many rows there are of each kind; or something else `of` them."""
    return select(*columns, func.count() if of is None else of).group_by(*columns)


class Family(NamedTuple):
    """A metric: its name, what it says, the names of its labels, and the query of labels and value."""

    name: str
    help: str
    labels: tuple[str, ...]
    query: Select[Any]


_MOVING = (GenerationStatus.REQUESTED, GenerationStatus.RUNNING)
_PROVIDER = (_CALLS.c.provider, _CALLS.c.kind)
FAMILIES = (
    Family(
        "inkloom_generations",
        "Generations by status",
        ("status",),
        _by(_GENERATIONS.c.status),
    ),
    Family(
        "inkloom_generation_oldest_seconds",
        "Age of the oldest generation that is requested or running",
        (),
        select(_age(_GENERATIONS.c.created_at)).where(_GENERATIONS.c.status.in_(_MOVING)),
    ),
    Family(
        "inkloom_decisions_pending",
        "Parts that wait for a person, by reason",
        ("reason",),
        _by(_HOLDS.c.reason).where(_HOLDS.c.released_at.is_(None)),
    ),
    Family(
        "inkloom_decision_oldest_seconds",
        "How long the oldest of them has waited",
        (),
        select(_age(_HOLDS.c.created_at)).where(_HOLDS.c.released_at.is_(None)),
    ),
    Family(
        "inkloom_delays",
        "Parts that wait for something other than a person, by reason; `replay` counts workflows whose tasks fail",
        ("reason",),
        _by(_DELAYS.c.reason),
    ),
    Family(
        "inkloom_delay_oldest_seconds",
        "How long the oldest of them has waited, by reason",
        ("reason",),
        _by(_DELAYS.c.reason, of=_age(_DELAYS.c.created_at)),
    ),
    Family(
        "inkloom_calls_in_flight",
        "Calls that are under way, by provider",
        ("provider", "kind"),
        _by(*_PROVIDER).where(_CALLS.c.state == CallState.SUBMITTED),
    ),
    Family(
        "inkloom_provider_failing",
        "1 for a provider that is asked by one call at a time, because it has failed again and again",
        ("circuit",),
        select(_CIRCUITS.c.key, case((_CIRCUITS.c.failures >= OPEN_AFTER, 1), else_=0)).where(
            _CIRCUITS.c.last_failed_at > func.clock_timestamp() - ROW, _CIRCUITS.c.paused_at.is_(None)
        ),
    ),
    Family(
        "inkloom_provider_paused",
        "1 for a provider that an operator has paused",
        ("circuit",),
        select(_CIRCUITS.c.key, literal(1)).where(_CIRCUITS.c.paused_at.is_not(None)),
    ),
    Family(
        "inkloom_spent_usd",
        "What calls have cost so far, by provider",
        ("provider", "kind"),
        _by(*_PROVIDER, of=func.sum(_CALLS.c.cost_usd)),
    ),
    Family(
        "inkloom_spent_unknown_usd",
        "The most that calls with lost answers may have cost in addition, by provider",
        ("provider", "kind"),
        _by(*_PROVIDER, of=func.sum(_CALLS.c.reserved_usd)).where(_CALLS.c.state == CallState.UNKNOWN),
    ),
    Family(
        "inkloom_webhook_deliveries_pending",
        "Messages to webhooks that have neither arrived nor been given up",
        (),
        select(func.count()).where(_DELIVERIES.c.state == DeliveryState.PENDING),
    ),
    Family(
        "inkloom_webhook_delivery_oldest_seconds",
        "Age of the oldest of them",
        (),
        select(_age(_DELIVERIES.c.created_at)).where(_DELIVERIES.c.state == DeliveryState.PENDING),
    ),
    Family(
        "inkloom_sweeper_rounds",
        "Rounds that the sweeper has finished, over all processes",
        (),
        select(func.coalesce(func.sum(_ROUNDS.c.count), 0)).where(_ROUNDS.c.name == _SWEEP),
    ),
    Family(
        "inkloom_sweeper_last_round_seconds",
        "Time since it finished the last one; 0 if it never has",
        (),
        select(_age(_ROUNDS.c.at)).where(_ROUNDS.c.name == _SWEEP),
    ),
    Family(
        "inkloom_backup_age_seconds",
        "Time since the newest good backup was begun; without one, since the first account was made",
        (),
        select(
            func.coalesce(
                select(_since(func.max(_ROUNDS.c.at))).where(_ROUNDS.c.name == BACKUP).scalar_subquery(),
                select(_since(func.min(_USERS.c.created_at))).scalar_subquery(),
                0,
            )
        ),
    ),
)


async def values_of(session: AsyncSession, seconds: float) -> Mapping[str, list[tuple[tuple[str, ...], float]]]:
    """The values of every family, by its name: labels and number. Families that take long are left out, and all that
    come after so many seconds.
    """
    await execute(session, _BOUND)
    found: dict[str, list[tuple[tuple[str, ...], float]]] = {}
    until = time.monotonic() + seconds
    for family in FAMILIES:
        if time.monotonic() > until:
            log.warning("%s and the gauges after it are left out: there is no time for them", family.name)
            break
        try:
            async with session.begin_nested():
                rows = await execute(session, family.query)
        except DBAPIError as error:
            if error.connection_invalidated:
                raise
            log.warning("the gauge %s is left out: %s", family.name, type(error.orig).__name__)
            continue
        found[family.name] = [(tuple(map(str, row[:-1])), _number(row[-1])) for row in rows]
    return found


async def swept(session: AsyncSession) -> None:
    """Record that the sweeper has finished a round."""
    await execute(session, _ROUND, {"name": _SWEEP})


def _number(value: Any) -> float:
    return float(value if value is not None else Decimal(0))

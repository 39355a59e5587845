"""The hours of a batch, by the clock and the time zones of the database: all processes agree on them."""

from datetime import datetime, time, timedelta

from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from engine.db.session import execute
from engine.errors import BadInput
from models.batches import Hours

_KNOWN = text("SELECT true FROM pg_timezone_names WHERE name = :zone")
_LOCAL = text("SELECT timezone(:zone, clock_timestamp())")
# A local time that the clock skips in spring becomes the moment after the gap.
_MOMENT = text("SELECT timezone(:zone, CAST(:local AS timestamp))")


async def require(session: AsyncSession, hours: Hours | None) -> None:
    """Raise `BadInput` for a time zone that the database does not know."""
    if hours is None or (await execute(session, _KNOWN, {"zone": hours.zone})).first() is not None:
        return
    raise BadInput(f"only_between.zone: there is no time zone {hours.zone!r}. Use a name such as Europe/Berlin or UTC.")


async def opens_at(session: AsyncSession, hours: Hours) -> datetime | None:
    """When the hours begin next; None while they last."""
    local: datetime = (await execute(session, _LOCAL, {"zone": hours.zone})).scalar_one()
    start = next_start(hours, local)
    if start is None:
        return None
    moment: datetime = (await execute(session, _MOMENT, {"zone": hours.zone, "local": start})).scalar_one()
    return moment


def next_start(hours: Hours, local: datetime) -> datetime | None:
    """The local time at which the hours begin next, seen from a local time; None within them."""
    start, end, now = time.fromisoformat(hours.start), time.fromisoformat(hours.end), local.time()
    within = start <= now < end if start < end else now >= start or now < end
    if within:
        return None
    # Outside of hours that include midnight, they always begin later today.
    today = local.replace(hour=start.hour, minute=start.minute, second=0, microsecond=0)
    return today if now < start else today + timedelta(days=1)

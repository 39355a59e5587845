"""How old the newest backup is, for `doctor`: asked of the destination of scheduled backups."""

import asyncio
from datetime import UTC, datetime

from engine.errors import EngineError
from engine.settings import Settings
from inkloom.amounts import agree, amount
from inkloom.backup.opening import newest

NAME = "backups"
PATIENCE = 20.0
# So many periods old, a backup is too old: one may have failed.
LATE = 2


async def found(settings: Settings) -> tuple[bool, str, str]:
    """Whether all is well, what was found, and what to do."""
    if not settings.backup_to:
        return True, "none are scheduled; INKLOOM_BACKUP_TO names where they go", ""
    where = settings.backup_to
    try:
        async with asyncio.timeout(PATIENCE):
            made, ahead = await newest(settings)
    except EngineError as error:
        return False, error.message.removesuffix("."), "fix it, or name another destination in INKLOOM_BACKUP_TO"
    except TimeoutError:
        return False, f"{where} does not answer", "check INKLOOM_BACKUP_TO and the AWS_* variables"
    fix = "look into logs/worker-flow.log in the data folder, or make one now: python -m inkloom backup"
    note = f"; {amount(ahead, 'backup')} there {agree(ahead, 'is', 'are')} dated in the future: a clock was wrong"
    note = note if ahead else ""
    if made is None:
        return False, f"there is none yet in {where}{note}", fix
    hours = max((datetime.now(UTC) - made).total_seconds(), 0) / 3600
    age = f"the newest is {hours:.1f} hours old, in {where}{note}"
    return hours <= LATE * settings.backup_hours, age, fix

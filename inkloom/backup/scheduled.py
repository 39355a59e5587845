"""Scheduled backups: looked at every hour, made when one is due."""

import logging
from dataclasses import dataclass

from engine.db.session import Database
from engine.errors import EngineError
from engine.settings import Settings
from engine.storage import Storage
from engine.store import saved
from inkloom.backup.making import Source, drop_old, is_due, make
from inkloom.backup.opening import opened
from models.sweeps import SweepKind, Swept

log = logging.getLogger(__name__)


@dataclass(frozen=True, repr=False)
class Scheduled:
    """What a worker makes backups of, and the settings that say where, how often and how many."""

    settings: Settings
    database_url: str
    secret: str

    async def round(self, database: Database, storage: Storage, *, dry_run: bool = False) -> Swept:
        """Make a backup if one is due. The caller sees to it that it is the only one.

        The destination itself tells whether one is due: so it is made once, whichever worker looks, and again if the
        destination was lost. One that fails is left to the next round: a full disk outlasts quick retries.
        """
        settings = self.settings
        found = {"due": 0, "new_pictures": 0, "lost_pictures": 0, "old_backups": 0}
        if not settings.backup_to:
            return Swept(kind=SweepKind.BACKUPS, dry_run=dry_run, found=found)
        handled, failed = 0, 0
        try:
            async with opened(settings, None, None) as destination:
                async with database.session() as session:
                    installation = await saved.installation(session)
                if installation is not None:
                    # Another's newest backup would say that none is due here.
                    await destination.require_own(installation)
                found["due"] = int(is_due(await destination.newest(), settings.backup_hours))
                if found["due"] and not dry_run:
                    made = await make(Source(database, self.database_url, storage, self.secret), destination)
                    handled, failed = 1, int(made.saved.lost_count > 0)
                    found["new_pictures"], found["lost_pictures"] = made.saved.new, made.saved.lost_count
                    found["old_backups"] = await drop_old(destination, settings.backup_keep)
        except EngineError as error:
            log.warning("the backup failed: %s", error.message)
            failed = 1
        return Swept(kind=SweepKind.BACKUPS, dry_run=dry_run, found=found, handled=handled, failed=failed)

"""Migrates the database to this version, while the one before it may still be running."""

import logging
import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg.errors import DeadlockDetected, LockNotAvailable
from sqlalchemy.exc import OperationalError

from engine.errors import BadInput, EngineError
from engine.settings import Settings

log = logging.getLogger(__name__)

ROOT = Path(__file__).parent.parent
# A revision waits for the locks of tables for two seconds at a time (`migrations/env.py`), again and again for this
# many seconds. In between, those who waited behind it have their turn.
PATIENCE = 300.0
PAUSE = 1.0


def upgrade(settings: Settings, *, patience: float = PATIENCE, pause: float = PAUSE) -> str:
    """Run every migration that is missing; returns the revision that the database is at.

    Raises `EngineError` if another session holds a lock that one of them needs for longer than `patience` seconds.
    """
    if settings.database_url is None:
        raise BadInput("init-db needs INKLOOM_DATABASE_URL. `up` and `run` take care of the embedded Postgres.")
    config = Config(str(ROOT / "alembic.ini"))
    config.attributes["url"] = settings.database_url
    config.set_main_option("script_location", str(ROOT / "migrations").replace("%", "%%"))
    deadline = time.monotonic() + patience
    while True:
        try:
            command.upgrade(config, "head")
        except OperationalError as error:
            # Postgres ends a migration at once, too, whose lock another session needs that holds its next one.
            if not isinstance(error.orig, LockNotAvailable | DeadlockDetected):
                raise
            if time.monotonic() > deadline:
                raise EngineError(
                    f"The database cannot be migrated: for {patience:.0f} s another session has held a table that a"
                    " migration changes. End that session (pg_stat_activity lists them), and run init-db again."
                    " Migrations that are done stay done."
                ) from error
            log.warning("a migration waits for a table that another session holds; trying again")
            time.sleep(pause)
        else:
            return ScriptDirectory.from_config(config).get_current_head() or ""

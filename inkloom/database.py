"""Migrates the database to this version, while the one before it may still be running."""

import logging
import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg.errors import DeadlockDetected, LockNotAvailable
from sqlalchemy import create_engine, pool, text
from sqlalchemy.exc import OperationalError

from engine.db.session import driver_url
from engine.errors import BadInput, EngineError
from engine.settings import Settings

log = logging.getLogger(__name__)

ROOT = Path(__file__).parent.parent
# A revision waits for the locks of tables for two seconds at a time (`migrations/env.py`), again and again for this
# many seconds. In between, those who waited behind it have their turn.
PATIENCE = 300.0
PAUSE = 1.0
# The oldest revision whose version works with the tables as the newest migration leaves them. Raise it with a migration
# that takes away or renames what the version before reads or writes; docs/upgrade.md says so to those who upgrade.
WORKS_FROM = "0018"
# With it begins the comment of `alembic_version`, which says that to versions that do not know the newest revision.
NOTE = "works from "


def upgrade(settings: Settings, *, patience: float = PATIENCE, pause: float = PAUSE) -> str:
    """Run every migration that is missing; returns the revision that the database is at.

    That of a later version is left as it is, if that version says that this one works with it: so containers of the
    version before start again in the middle of a rollout, and a rollback needs no downgrade.

    Raises `EngineError` if a later version migrated the database and this one does not work with it, or if another
    session holds a lock that a migration needs for longer than `patience` seconds.
    """
    if settings.database_url is None:
        raise BadInput("init-db needs INKLOOM_DATABASE_URL. `up` and `run` take care of the embedded Postgres.")
    config = Config(str(ROOT / "alembic.ini"))
    config.attributes["url"] = settings.database_url
    config.set_main_option("script_location", str(ROOT / "migrations").replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    ours = {script.revision for script in scripts.walk_revisions()}
    if (at := _later(settings.database_url, ours)) is not None:
        return at
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
            return scripts.get_current_head() or ""


def _later(url: str, ours: set[str]) -> str | None:
    """The revision that a later version migrated the database to; None if it is one of `ours`, or there is none yet.

    Raises `EngineError` if this version does not work with it.
    """
    engine = create_engine(driver_url(url), poolclass=pool.NullPool)
    with engine.connect() as connection:
        if connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
            return None
        note = connection.scalar(text("SELECT obj_description('alembic_version'::regclass)")) or ""
        at = connection.scalar(text("SELECT version_num FROM alembic_version"))
    if at is None or at in ours:
        return None
    if note.startswith(NOTE) and note.removeprefix(NOTE) in ours:
        log.warning("the database was migrated to %s by a later version, which this one works with", at)
        return str(at)
    raise EngineError(
        f"A later version of Inkloom migrated this database (to {at}; this one knows {max(ours)}), and this version"
        " does not work with it. Install that version again, or restore the backup that was made before the upgrade."
    )

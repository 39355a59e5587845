"""Migrates the database to this version."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from engine.errors import BadInput
from engine.settings import Settings

ROOT = Path(__file__).parent.parent


def upgrade(settings: Settings) -> str:
    """Run every migration that is missing; returns the revision that the database is at."""
    if settings.database_url is None:
        raise BadInput("init-db needs INKLOOM_DATABASE_URL. `up` and `run` take care of the embedded Postgres.")
    config = Config(str(ROOT / "alembic.ini"))
    config.attributes["url"] = settings.database_url
    config.set_main_option("script_location", str(ROOT / "migrations").replace("%", "%%"))
    command.upgrade(config, "head")
    return ScriptDirectory.from_config(config).get_current_head() or ""

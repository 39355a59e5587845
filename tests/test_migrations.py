"""Migrations go up, down and up again, and end where the tables are."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from engine.db.session import driver_url
from engine.settings import Settings
from inkloom.database import upgrade
from inkloom.local.stack import Endpoints
from tests.support.servers import empty_database

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.integration


def alembic(url: str, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "alembic", *words],
        cwd=ROOT,
        env={**os.environ, "INKLOOM_DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def test_up_down_up_and_no_difference_left(endpoints: Endpoints) -> None:
    """A difference between migrations and tables, or a downgrade that forgets something, fails here."""
    url = await empty_database(endpoints.database_url, "migrated")
    alembic(url, "upgrade", "head")
    assert "No new upgrade operations" in alembic(url, "check")
    alembic(url, "downgrade", "base")
    engine = create_async_engine(driver_url(url))
    async with engine.connect() as connection:
        left = await connection.execute(
            text("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S')")
        )
        assert list(left.scalars()) == ["alembic_version"]
    await engine.dispose()
    alembic(url, "upgrade", "head")
    assert "No new upgrade operations" in alembic(url, "check")


async def test_init_db_twice_at_once_is_init_db_once(endpoints: Endpoints) -> None:
    """Two processes that start together migrate one after the other."""
    url = await empty_database(endpoints.database_url, "raced")
    environment = {**os.environ, "INKLOOM_DATABASE_URL": url}
    racers = await asyncio.gather(
        *(
            asyncio.create_subprocess_exec(sys.executable, "-m", "inkloom", "init-db", cwd=ROOT, env=environment)
            for _ in range(2)
        )
    )
    assert [await racer.wait() for racer in racers] == [0, 0]
    newest = max(path.name[:4] for path in (ROOT / "migrations" / "versions").glob("0*.py"))
    assert upgrade(Settings(database_url=url)) == newest

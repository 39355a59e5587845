"""Migrations go up, down and up again, and end where the tables are."""

import asyncio
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from engine.db.session import driver_url
from engine.errors import EngineError
from engine.settings import Settings
from inkloom.database import NOTE, WORKS_FROM, upgrade
from tests.support.servers import empty_database

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.integration


async def alembic(url: str, run: Callable[..., object], *words: str) -> None:
    """One of alembic's commands. In a thread: it connects by itself, and blocks."""
    config = Config(str(ROOT / "alembic.ini"))
    config.attributes["url"] = url
    config.set_main_option("script_location", str(ROOT / "migrations"))
    await asyncio.to_thread(run, config, *words)


async def test_up_down_up_and_no_difference_left(database_url: str) -> None:
    """A difference between migrations and tables, or a downgrade that forgets something, fails here.

    `check` raises where the tables differ.
    """
    url = await empty_database(database_url, "migrated")
    await alembic(url, command.upgrade, "head")
    await alembic(url, command.check)
    await alembic(url, command.downgrade, "base")
    engine = create_async_engine(driver_url(url))
    async with engine.connect() as connection:
        left = await connection.execute(
            text("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S')")
        )
        assert list(left.scalars()) == ["alembic_version"]
    await engine.dispose()
    await alembic(url, command.upgrade, "head")
    await alembic(url, command.check)


async def test_init_db_twice_at_once_is_init_db_once(database_url: str) -> None:
    """Two processes that start together migrate one after the other."""
    url = await empty_database(database_url, "raced")
    environment = {**os.environ, "INKLOOM_DATABASE_URL": url}
    racers = await asyncio.gather(
        *(
            asyncio.create_subprocess_exec(sys.executable, "-m", "inkloom", "init-db", cwd=ROOT, env=environment)
            for _ in range(2)
        )
    )
    assert [await racer.wait() for racer in racers] == [0, 0]
    assert upgrade(Settings(database_url=url)) == newest()


# Rows of one story as version 0013 wrote them; nothing that they refer to is there.
_BEFORE = r"""
SET session_replication_role = replica;
INSERT INTO chapters (id, project_id, position, titles)
    VALUES (:id, :id, 1, '{"de": {"text": "Hafen", "hand": true}}');
INSERT INTO scenes (id, project_id, chapter_id, position, first, last, state, hand, basis)
    VALUES (:id, :id, :id, 1, 1, 1, 'outlined', '["summary"]',
        '{"panels": {"hand": "released"}, "words": {"hand": "x"}}');
INSERT INTO pages (id, project_id, chapter_id, number, layout, lettering)
    VALUES (:id, :id, :id, 1, '{"hand": true}', '[{"text": "\"hand\": now", "hand": true}]');
INSERT INTO events (project_id, seq, type) VALUES (:id, 1, 'chapter.kept');
"""
_ROWS = "SELECT titles, scenes.*, layout, lettering, type FROM chapters, scenes, pages, events"


async def test_manual_edits_are_renamed_in_rows_that_are_there(database_url: str) -> None:
    """Migration 0014 renames columns and keys, but no text of a story that looks like a key, and goes back."""
    url = await empty_database(database_url, "renamed")
    await alembic(url, command.upgrade, "0013")
    engine = create_async_engine(driver_url(url))

    async def read(edits: str) -> list[object]:
        async with engine.connect() as connection:
            row = (await connection.execute(text(_ROWS))).one()._mapping
            return [row[name] for name in ("titles", edits, "basis", "layout", "lettering", "type")]

    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(_BEFORE.replace(":id", f"'{UUID(int=1)}'").encode())
    written = await read("hand")
    await alembic(url, command.upgrade, "0014")
    assert await read("manual_edits") == [
        {"de": {"text": "Hafen", "manual": True}},
        ["summary"],
        {"panels": {"manual_edits": "released"}, "words": {"hand": "x"}},
        {"manual": True},
        [{"text": '"hand": now', "manual": True}],
        "version.created",
    ]
    await alembic(url, command.downgrade, "0013")
    assert await read("hand") == written
    await engine.dispose()


# Rows as version 0017 wrote them: calls with their owner in the key, and parts that wait for money.
_MONEY = """
SET session_replication_role = replica;
INSERT INTO provider_calls
    (id, project_id, call_key, attempt, state, kind, provider, model, purpose, holder, submitted_at)
    VALUES (:id, :id, 'k', 1, 'submitted', 'llm', 'openai', '', 'Dialogue', 'h', now()),
        (:other, :id, 'l', 1, 'confirmed', 'llm', 'openai', '', 'Dialogue', 'h', now());
"""
_HOLD = """
INSERT INTO holds (id, project_id, generation_id, workflow_id, purpose, target_id, reason, message)
    VALUES (gen_random_uuid(), :id, :id, '{n}', 'draft', :id, '{reason}', '{message}');
"""


async def test_calls_and_holds_of_0017_stay_what_they_were(database_url: str) -> None:
    """Migration 0018 leaves the calls as they are, and reads from a hold's words whose budget is used up."""
    url = await empty_database(database_url, "moneyed")
    await alembic(url, command.upgrade, "0017")
    whose = ["generation", "project", "batch"]
    said = [
        f"The next call may cost 0.0400 USD, but of the {one}''s budget of 5.00 USD only 0.0100 are left."
        for one in whose
    ]
    written = _MONEY.replace(":other", f"'{UUID(int=2)}'")
    for number, (reason, message) in enumerate(
        [*(("budget", one) for one in said), ("budget", "?"), ("refused", said[0])]
    ):
        written += _HOLD.format(n=number, reason=reason, message=message)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(written.replace(":id", f"'{UUID(int=1)}'").encode())
        calls = "SELECT id, project_id, call_key, attempt, state, submitted_at FROM provider_calls ORDER BY id"
        before = await (await connection.execute(calls)).fetchall()
        await alembic(url, command.upgrade, "0018")
        assert await (await connection.execute(calls)).fetchall() == before
        rows = await connection.execute("SELECT budget FROM holds ORDER BY workflow_id")
        assert [row[0] for row in await rows.fetchall()] == [*whose, None, None]
        await alembic(url, command.downgrade, "0017")
        assert await (await connection.execute(calls)).fetchall() == before
    await alembic(url, command.upgrade, "0018")


async def test_a_migration_that_waits_for_a_table_keeps_no_reader_waiting(database_url: str) -> None:
    """One idle transaction, as any tool leaves it: the migration waits, and those who only read do not wait behind it.

    What was migrated before stays migrated. When the transaction ends, the rest follows.
    """
    url = await empty_database(database_url, "waiting")
    await alembic(url, command.upgrade, "0013")
    settings = Settings(database_url=url)
    async with await psycopg.AsyncConnection.connect(url) as idle, await psycopg.AsyncConnection.connect(url) as reader:
        await reader.set_autocommit(True)
        await idle.execute("SELECT count(*) FROM generations")
        with pytest.raises(EngineError, match="End that session"):
            await asyncio.to_thread(upgrade, settings, patience=0)
        version = await (await reader.execute("SELECT version_num FROM alembic_version")).fetchone()
        assert version is not None
        assert "0013" < version[0] < newest()
        migrating = asyncio.create_task(asyncio.to_thread(upgrade, settings, patience=600, pause=0.5))
        waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        async with asyncio.timeout(60):
            while True:
                if (await (await reader.execute(waits)).fetchone()) != (0,):
                    break
                await asyncio.sleep(0.05)
        # Far longer than the migration waits at a time, far shorter than the transaction stays open.
        await reader.execute("SET statement_timeout = '30s'")
        await reader.execute("SELECT count(*) FROM generations")
        assert not migrating.done()
        await idle.rollback()
        assert await asyncio.wait_for(migrating, 60) == newest()


async def test_a_migration_in_a_deadlock_with_the_version_before_is_tried_again(database_url: str) -> None:
    """A transaction uses two tables in the other order than the migration: Postgres ends the migration, not the work.

    It is tried again, and done when the transaction has ended.
    """
    url = await empty_database(database_url, "deadlocked")
    await alembic(url, command.upgrade, "0014")
    async with await psycopg.AsyncConnection.connect(url) as working, await psycopg.AsyncConnection.connect(url) as see:
        await see.set_autocommit(True)
        # Only the migration looks for deadlocks, so it is the one that Postgres ends.
        await working.execute("SET deadlock_timeout = '10min'")
        await working.execute("LOCK TABLE generations IN ROW EXCLUSIVE MODE")
        upgrading = asyncio.create_task(asyncio.to_thread(upgrade, Settings(database_url=url), patience=600, pause=0.1))
        waits = "SELECT count(*) FROM pg_locks WHERE relation = 'generations'::regclass AND NOT granted"
        async with asyncio.timeout(60):
            while True:
                if (await (await see.execute(waits)).fetchone()) != (0,):
                    break
                await asyncio.sleep(0.02)
            # The migration holds this table, and waits for the other one.
            await working.execute("SELECT count(*) FROM provider_calls")
        await working.rollback()
        assert await asyncio.wait_for(upgrading, 60) == newest()


@pytest.mark.parametrize(
    ("note", "works"),
    [
        (f"{NOTE}{WORKS_FROM}", True),
        (f"{NOTE}{{newest}}", True),
        (f"{NOTE}0999", False),
        ("", False),
    ],
    ids=["an older one still works", "this one works", "only later ones work", "nothing is said"],
)
async def test_a_later_version_says_whether_this_one_works_with_its_database(
    database_url: str, note: str, works: bool
) -> None:
    """A container of the version before that starts again during a rollout, and a rollback."""
    url = await empty_database(database_url, f"later_{uuid4().hex[:8]}")
    settings = Settings(database_url=url)
    await asyncio.to_thread(upgrade, settings)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        said = "SELECT obj_description('alembic_version'::regclass)"
        assert await (await connection.execute(said)).fetchone() == (f"{NOTE}{WORKS_FROM}",)
        await connection.execute("UPDATE alembic_version SET version_num = '0999'")
        words = note.format(newest=newest()) or None
        await connection.execute(sql.SQL("COMMENT ON TABLE alembic_version IS {}").format(sql.Literal(words)))
    if works:
        assert await asyncio.to_thread(upgrade, settings) == "0999"
    else:
        with pytest.raises(EngineError, match=f"to 0999; this one knows {newest()}"):
            await asyncio.to_thread(upgrade, settings)


async def test_the_version_before_works_with_what_migrations_leave() -> None:
    """Nothing that it reads or writes is taken away by a migration after the one that `WORKS_FROM` names.

    A column that is added has a default or may be empty, or its inserts would fail.
    """
    for path in sorted((ROOT / "migrations" / "versions").glob("0*.py")):
        if path.name[:4] <= WORKS_FROM:
            continue
        upgrades = path.read_text().split("def downgrade")[0]
        assert not re.search(r"op\.drop_(column|table)|op\.rename|new_column_name|DROP |RENAME ", upgrades), path.name
        for column in re.findall(r"op\.add_column\(.*", upgrades):
            assert "nullable=False" not in column or "server_default" in column, (path.name, column)


def newest() -> str:
    return max(path.name[:4] for path in (ROOT / "migrations" / "versions").glob("0*.py"))

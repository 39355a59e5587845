"""Any password works everywhere, and none is in the arguments of a program."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url, text

from engine.db.address import conninfo
from engine.db.session import Database, execute
from engine.live.relay import connected
from engine.settings import Settings
from inkloom.admin.psql import environment, psql_program
from inkloom.backup.tools import dump, restore, tool
from inkloom.local.postgres_address import answers

pytestmark = pytest.mark.integration

PASSWORDS = ("a b", "50%", "%41", "a@b", "a/b", "a'b", "a\\b", "a:b?c#d", " ends ", "a+b&c=d", "ü")


@pytest.fixture(params=PASSWORDS)
async def password(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[tuple[str, str]]:
    """A role with that password; its name, and the password."""
    name, given = f"role_{uuid4().hex[:12]}", request.param
    async with await psycopg.AsyncConnection.connect(conninfo(database_url), autocommit=True) as connection:
        role = sql.Identifier(name)
        await connection.execute(sql.SQL("CREATE ROLE {} SUPERUSER LOGIN PASSWORD {}").format(role, sql.Literal(given)))
        yield name, given
        await connection.execute(sql.SQL("DROP ROLE {}").format(role))


def addresses(database_url: str, name: str, password: str) -> set[str]:
    """The spellings of an address with this password: encoded, as the settings put it together, and, where it is not
    ambiguous, as it is.
    """
    bare = make_url(database_url)._replace(username=name, password=None).render_as_string()
    settings = Settings(database_url=bare, database_password=password)
    encoded = bare.replace(f"{name}@", f"{name}:{quote(password, safe='')}@", 1)
    found = {str(settings.database_url), encoded}
    if not set(password) & set("%@/:?#+"):
        found.add(bare.replace(f"{name}@", f"{name}:{password}@", 1))
    return found


async def test_any_password_works_everywhere(database_url: str, password: tuple[str, str], tmp_path: Path) -> None:
    """In the engine, outside its pool, in pg_dump and in psql."""
    for number, url in enumerate(addresses(database_url, *password)):
        database = Database(url, pool_size=1)
        async with database.session() as session:
            assert (await execute(session, text("SELECT current_user"))).scalar_one() == password[0]
            server = int((await execute(session, text("SHOW server_version_num"))).scalar_one()) // 10_000
        async with database.engine.connect() as connection:
            await connection.execution_options(isolation_level="REPEATABLE READ")
            snapshot = (await connection.execute(text("SELECT pg_export_snapshot()"))).scalar_one()
            await dump(tool("pg_dump", server), url, snapshot, tmp_path / f"{number}.dump")
        await database.close()
        assert (tmp_path / f"{number}.dump").stat().st_size > 1000
        assert await answers(url)
        async with await connected(conninfo(url)) as listening:
            await listening.execute("SELECT 1")
        with environment(url) as env:
            said = await asyncio.to_thread(psql, env)
        assert said.strip() == password[0]


def psql(env: dict[str, str]) -> str:
    command = [str(psql_program()), "-XAtc", "SELECT current_user"]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("command", ["dump", "restore"])
async def test_no_secret_is_an_argument(tmp_path: Path, command: str) -> None:
    """The program that is started here writes down what every account of the machine could see of it."""
    program = tmp_path / "program"
    program.write_text(
        f'#!/bin/sh\ntr "\\0" "\\n" < /proc/$$/cmdline > {tmp_path}/seen\ncat "$PGSERVICEFILE"'
        f' > {tmp_path}/service\necho "$PGPASSWORD" > {tmp_path}/password\n'
    )
    program.chmod(0o755)
    url = "postgresql://ada:firstly%20said@db.example.org/comics?sslpassword=secondly%20said&oauth_client_secret=third"
    if command == "dump":
        await dump(program, url, "a snapshot", tmp_path / "dump")
    else:
        await restore(program, url, tmp_path / "dump")
    seen = (tmp_path / "seen").read_text()
    assert "--dbname=dbname=comics" in seen
    assert not any(word in seen for word in ("said", "third", "db.example.org"))
    assert (tmp_path / "password").read_text() == "firstly said\n"
    assert "sslpassword=secondly said\noauth_client_secret=third\n" in (tmp_path / "service").read_text()

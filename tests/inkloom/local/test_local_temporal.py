import os
import signal
import socket
import sqlite3
import stat
import sys
from contextlib import closing
from http.client import HTTPConnection
from ipaddress import ip_address
from pathlib import Path

import psutil
import pytest

from inkloom.local import temporal_binary
from inkloom.local.errors import StackError
from inkloom.local.temporal import Ports, Temporal, serves
from inkloom.local.temporal_binary import OLDEST, cache, find, obtain, packaged

pytestmark = pytest.mark.integration


def server(data: Path, *, last: Ports | None = None, promised: bool = False) -> Temporal:
    data.mkdir(parents=True, exist_ok=True)
    return Temporal(data, data / "log", namespace="ours", ui_port=0, last=last, promised=promised)


def fake(folder: Path, version: str, name: str = "temporal") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\necho 'temporal version {version}'\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


async def test_ports_and_namespace_stay(data: Path) -> None:
    first = server(data)
    process = await first.launch()
    ports = first.ports
    assert serves(ports, "ours")
    assert not serves(ports, "somebody else's")

    other = server(data, last=ports)
    found = await other.orphan()
    assert found is not None
    assert found.identity == process.identity
    assert other.ports == ports

    os.kill(process.pid, signal.SIGKILL)
    assert await process.ended(5)
    process = await first.launch()
    assert first.ports == ports
    await first.end(process)

    # A taken port: another one for those who were not told yet, a clear failure for those who were.
    with socket.create_server(("127.0.0.1", ports.frontend)):
        second = server(data, last=ports)
        process = await second.launch()
        assert second.ports.frontend != ports.frontend
        assert second.ports.http == ports.http
        await second.end(process)
        with pytest.raises(StackError, match=r"(?s)did not start.*log"):
            await server(data, last=ports, promised=True).launch()


@pytest.mark.parametrize("place", [0, 0.5], ids=["at the beginning", "in the middle"])
async def test_a_damaged_database_is_put_aside_and_made_anew(data: Path, place: float) -> None:
    """Open generations start again from Postgres, so the loss is harmless; that it happened is reported."""
    first = server(data)
    await first.end(await first.launch())
    database = data / "temporal" / "temporal.db"
    with closing(sqlite3.connect(database)) as connection:
        # Otherwise the pages in the log repair what is damaged.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(database.read_bytes())
    at = int(len(content) * place) // 4096 * 4096
    content[at : at + 8192] = b"\x5a" * 8192
    database.write_bytes(content)
    told: list[str] = []
    again = Temporal(data, data / "log", namespace="ours", ui_port=0, last=first.ports, report=told.append)
    process = await again.launch()
    assert await again.healthy()
    await again.end(process)
    assert len(told) == 1
    assert "Nothing is lost" in told[0]
    aside = [path for path in database.parent.glob("temporal.db.2*") if not path.name.endswith(("-wal", "-shm"))]
    assert [path.read_bytes() for path in aside] == [bytes(content)]


@pytest.mark.parametrize(("said", "kept"), [("no space left", True), ("database disk image is malformed", False)])
async def test_what_an_earlier_server_said_puts_no_database_aside(data: Path, said: str, kept: bool) -> None:
    """A server that is started again appends to the log of the one before it; only its own words count."""
    database = data / "temporal" / "temporal.db"
    database.parent.mkdir(parents=True)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE good (id)")
    (data / "log").write_text("database disk image is malformed\n")
    program = data / "temporal-server"
    program.write_text(f"#!/bin/sh\necho '{said}'\nexit 1\n")
    program.chmod(0o700)
    failing = server(data, promised=True)
    failing._program = program
    with pytest.raises(StackError, match="did not start"):
        await failing.launch()
    assert database.exists() is kept


def page(ports: Ports, method: str, path: str, host: str) -> int:
    """The status of what a web page's form can send: a host, an origin, and a body without a preflight."""
    connection = HTTPConnection("127.0.0.1", ports.http, timeout=5)
    headers = {"Host": host, "Origin": "http://evil.example", "Content-Type": "text/plain"}
    try:
        connection.request(method, f"/api/v1/namespaces/{path}", b"{}" if method == "POST" else None, headers)
        return connection.getresponse().status
    finally:
        connection.close()


async def test_no_web_page_commands_it(data: Path) -> None:
    """Its HTTP API is on another port each time, and answers to one name that no page can send."""
    first = server(data)
    process = await first.launch()
    try:
        ports = first.ports
        hosts = (f"127.0.0.1:{ports.http}", f"localhost:{ports.http}", "evil.example", "", f"x.{ports.http_host}")
        for host in hosts:
            assert page(ports, "GET", "ours", host) in (400, 403), host
            assert page(ports, "POST", "ours/batch-operations/b1", host) in (400, 403), host
        assert page(ports, "GET", "ours", ports.http_host) == 200
        listening = {one.laddr for one in psutil.Process(process.pid).net_connections("tcp") if one.status == "LISTEN"}
        assert {address.ip for address in listening} == {"127.0.0.1", ports.ui_host}
        assert ip_address(ports.ui_host).is_loopback
        assert [address.port for address in listening if address.ip == ports.ui_host] == [ports.ui]
        assert ports.frontend in {address.port for address in listening}
    finally:
        await first.end(process)
    others = [server(data / str(number)).ports for number in range(3)]
    assert len({ports.http, *(other.http for other in others)}) > 1
    assert len({ports.http_host, *(other.http_host for other in others)}) == 4
    assert 7243 not in {ports.http, *(other.http for other in others)}
    assert 8233 not in {ports.ui, *(other.ui for other in others)}
    # On Linux the whole network of loopback is ours, so that the UI has an address that no page can guess.
    assert sys.platform != "linux" or len({ports.ui_host, *(other.ui_host for other in others)}) > 1


@pytest.mark.parametrize("unknown", ["http_host", "ui_host"])
async def test_one_that_pages_can_reach_is_not_taken_over(data: Path, unknown: str) -> None:
    """As those of earlier versions could be."""
    first = server(data)
    process = await first.launch()
    other = server(data, last=first.ports.model_copy(update={unknown: ""}))
    assert other.ports.frontend == first.ports.frontend
    assert await other.orphan() is None
    assert await process.ended(5)


async def test_it_knows_none_of_our_keys(data: Path, secrets_around: set[str]) -> None:
    first = server(data)
    process = await first.launch()
    given = psutil.Process(process.pid).environ()
    await first.end(process)
    assert not [name for name, value in given.items() if value in secrets_around]
    assert {"PATH", "GOGC"} <= set(given)


def test_the_lock_file_brings_a_server_that_is_recent_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an empty PATH: nothing has to be installed on the machine."""
    monkeypatch.setenv("PATH", "/nowhere")
    found = find()
    assert found is not None
    assert (found.path, found.origin) == (packaged(), "from the lock file")
    assert found.server >= OLDEST


def test_a_newer_one_on_path_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older one does not, and the wheel's program is the same one when its folder is on PATH."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:{os.environ['PATH']}")
    for version, wins in (("1.29.9", False), ("1.24.2", False), ("9.0.0", True)):
        other = fake(tmp_path / "path", f"1.0.0 (Server {version}, UI 2.28.0)")
        found = find()
        assert found is not None
        assert (found.path == other, found.origin == "on PATH") == (wins, wins), version
    monkeypatch.setenv("PATH", str(packaged().parent))
    found = find()
    assert found is not None
    assert found.origin == "from the lock file"


async def test_without_the_wheel_the_machine_is_looked_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PATH, then the cache folder, then a refusal that says what to do."""
    monkeypatch.setattr(temporal_binary, "packaged", lambda: tmp_path / "no wheel" / "temporal")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/usr/bin:/bin")
    with pytest.raises(StackError, match=r"make setup.*TEMPORAL_ADDRESS"):
        await obtain()
    old = fake(tmp_path / "path", "1.0.0 (Server 1.24.2, UI 2.28.0)")
    kept = fake(cache(), "0.0.0-DEV (Server 1.28.1, UI 2.42.1)")
    with pytest.raises(StackError, match=r"server 1\.29 or newer"):
        await obtain()
    fake(cache(), "0.0.0-DEV (Server 1.29.1, UI 2.42.1)")
    assert (await obtain()).path == kept == tmp_path / "cache" / "inkloom" / "bin" / "temporal"
    fake(tmp_path / "path", "1.6.0 (Server 1.30.0, UI 2.44.0)")
    assert (await obtain()).path == old

import os
import signal
import socket
import stat
from pathlib import Path

import pytest

from inkloom.local import temporal_binary
from inkloom.local.errors import StackError
from inkloom.local.temporal import Ports, Temporal, serves
from inkloom.local.temporal_binary import cache, find, obtain

pytestmark = pytest.mark.integration


def server(data: Path, *, last: Ports | None = None, promised: bool = False) -> Temporal:
    data.mkdir(exist_ok=True)
    return Temporal(data, data / "log", namespace="ours", ui_port=0, report=print, last=last, promised=promised)


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
    assert serves(ports.http, "ours")
    assert not serves(ports.http, "somebody else's")

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


def test_the_first_recent_one_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:{os.environ['PATH']}")
    assert cache() == tmp_path / "cache" / "inkloom" / "bin"
    fake(tmp_path / "path", "1.0.0 (Server 1.24.2, UI 2.28.0)")
    kept = fake(cache(), "0.0.0-DEV (Server 1.29.1, UI 2.42.1)")
    found = find()
    assert found is not None
    assert found.path == kept
    newer = fake(tmp_path / "path", "1.6.0 (Server 1.30.0, UI 2.44.0)")
    found = find()
    assert found is not None
    assert (found.path, found.origin) == (newer, "on PATH")


async def test_it_is_built_when_it_cannot_be_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `go` that stands in for seven minutes of compiling; the download fails at a proxy that is not there."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setattr(temporal_binary, "TELL_EVERY", 0.1)
    fake(tmp_path / "made", "0.0.0-DEV (Server 1.29.1, UI 2.42.1)")
    go = fake(tmp_path / "path", "", "go")
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/usr/bin:/bin")
    said: list[str] = []

    go.write_text("#!/bin/sh\necho 'no such module' >&2; exit 3\n")
    with pytest.raises(StackError, match=r"(?s)download failed.*no such module.*TEMPORAL_ADDRESS"):
        await obtain(said.append)

    go.write_text(f'#!/bin/sh\nsleep 0.4; cp "{tmp_path}/made/temporal" "$GOBIN/temporal"\n')
    program = await obtain(said.append)
    assert program.path == cache() / "temporal"
    assert program.server == (1, 29, 1)
    assert any("about 7 minutes" in line for line in said)
    assert any("still building" in line for line in said)
    assert sorted(found.name for found in cache().iterdir()) == [".lock", "temporal"]


async def test_a_download_that_stands_still_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(temporal_binary, "STALLED", 1.0)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(StackError, match=r"stood still.*no `go`"):
            await obtain(print)

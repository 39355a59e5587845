import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from engine.settings import Settings
from inkloom.local import supervisor
from inkloom.local.commands import Commands, environment
from inkloom.local.errors import StackError
from inkloom.local.ports import answers as port_answers
from inkloom.local.ports import next_free
from inkloom.local.postgres_address import answers
from inkloom.local.processes import Identity, identify
from inkloom.local.stack import Endpoints, Stack
from inkloom.local.state import State, StateFile
from inkloom.local.temporal_binary import find
from models import search_attributes

pytestmark = [pytest.mark.integration, pytest.mark.slow]
ROOT = Path(__file__).parents[3]
SUPERVISOR = """
import asyncio, json, pathlib, sys
from engine.settings import Settings
from inkloom.local.commands import Commands
from inkloom.local.signals import cancelled_by_signals
from inkloom.local.stack import Stack
LIVES = (sys.executable, "-c", "import time; time.sleep(600)")
commands = Commands(migrate=(sys.executable, "-c", ""), workers={"worker-flow": LIVES}, api=LIVES)
settings = Settings(data=pathlib.Path(sys.argv[1]), temporal_ui_port=0)
async def main():
    with cancelled_by_signals():
        async with Stack(settings, api=False, report=print, commands=commands):
            print("ready", flush=True)
            await asyncio.sleep(600)
try:
    asyncio.run(main())
except asyncio.CancelledError:
    print("stopped")
"""


def serverless(data: Path) -> Settings:
    """Servers that are somebody else's: quick to start where they do not matter."""
    return Settings(data=data, api_port=0, database_url="postgresql://nowhere/x", temporal_address="127.0.0.1:1")


def embedded(data: Path) -> Settings:
    return Settings(data=data, api_port=0, temporal_ui_port=0, database_url=None, temporal_address=None)


def pids(data: Path) -> dict[str, Identity]:
    return {role: child.identity for role, child in StateFile(data).read().children.items()}


async def until(true: Callable[[], bool | Awaitable[bool]], patience: float = 15.0) -> None:
    deadline = time.monotonic() + patience
    while True:
        found = true()
        if found if isinstance(found, bool) else await found:
            return
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.05)


async def query(endpoints: Endpoints, statement: bytes) -> list[tuple[object, ...]]:
    async with await psycopg.AsyncConnection.connect(endpoints.database_url, autocommit=True) as connection:
        cursor = await connection.execute(statement)
        return list(await cursor.fetchall()) if cursor.description else []


def temporal(endpoints: Endpoints, *words: str) -> str:
    program = find()
    assert program is not None
    command = [str(program.path), *words, "--address", endpoints.temporal_address, "--output", "json"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def leave_behind(data: Path, state: str) -> None:
    data.mkdir()
    (data / "stack.json").write_text(state)


def begin(*command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def ready(supervisor: subprocess.Popen[str]) -> bool:
    return any(line == "ready\n" for line in supervisor.stdout or ())


async def test_kept_alive_and_kept_safe(data: Path, commands: Commands) -> None:
    said: list[str] = []
    stack = Stack(embedded(data), api=True, report=said.append, commands=commands)
    async with stack as endpoints:
        first = pids(data)
        assert endpoints.api_url
        assert endpoints.temporal_ui
        assert endpoints.temporal_ui == f"{endpoints.api_url}/temporal/"
        ports = StateFile(data).read().temporal
        assert ports is not None
        assert await port_answers(ports.ui, ports.ui_host)
        await query(endpoints, b"CREATE TABLE kept AS SELECT 7 AS n")
        listed = json.loads(await asyncio.to_thread(temporal, endpoints, "operator", "search-attribute", "list"))
        assert set(search_attributes.ALL) <= set(json.dumps(listed).replace('"', " ").split())
        started = ("workflow", "start", "--task-queue", "q", "--type", "t", "--workflow-id", "kept")
        await asyncio.to_thread(temporal, endpoints, *started)

        killed = ("postgres", "temporal", "worker-draw", "api")
        for role in killed:
            os.kill(first[role].pid, signal.SIGKILL)
        await until(lambda: all(pids(data)[role] != first[role] and pids(data)[role].alive() for role in killed))
        await until(lambda: answers(endpoints.database_url))
        await until(lambda: port_answers(int(endpoints.temporal_address.rpartition(":")[2])))
        await until(lambda: port_answers(int((endpoints.api_url or "").rpartition(":")[2])))
        assert pids(data)["worker-flow"] == first["worker-flow"]
        assert await query(endpoints, b"SELECT n FROM kept") == [(7,)]
        assert any("worker-draw: ended (killed by SIGKILL)" in line for line in said)
    last = pids(data)
    assert not last
    # Its port is kept, unless another process has taken it: other tests start servers, too.
    taken = await port_answers(int(endpoints.temporal_address.rpartition(":")[2]))
    async with Stack(embedded(data), api=False, report=said.append, commands=commands) as again:
        assert again.temporal_address == endpoints.temporal_address or taken
        assert again.database_url == endpoints.database_url
        assert again.api_url is None
        assert await query(again, b"SELECT n FROM kept") == [(7,)]
        assert "kept" in await asyncio.to_thread(temporal, again, "workflow", "describe", "--workflow-id", "kept")
    assert (data / "logs" / "postgres.log.1").exists()
    assert not await answers(endpoints.database_url)


async def test_orphans_are_adopted_or_replaced(data: Path, commands: Commands) -> None:
    with begin(sys.executable, "-u", "-c", SUPERVISOR, str(data)) as supervisor:
        assert await asyncio.to_thread(ready, supervisor)
        first = pids(data)
        said: list[str] = []
        attached = Stack(embedded(data), api=False, report=said.append, commands=commands)
        endpoints = await attached.start()
        assert pids(data) == first
        assert any(f"Attached to the stack that process {supervisor.pid} runs" in line for line in said)

        supervisor.kill()
        supervisor.wait()
    await until(lambda: StateFile(data).read().ready and "worker-draw" in pids(data))
    second = pids(data)
    assert second["postgres"] == first["postgres"]
    assert second["temporal"] == first["temporal"]
    assert second["worker-flow"] != first["worker-flow"]
    assert not first["worker-flow"].alive()
    assert await answers(endpoints.database_url)
    # Those that were adopted are kept alive, too.
    os.kill(second["postgres"].pid, signal.SIGKILL)
    await until(lambda: pids(data)["postgres"] != second["postgres"])
    await until(lambda: answers(endpoints.database_url))
    await attached.stop()
    assert not any(who.alive() for who in (*first.values(), *second.values()))


async def test_ctrl_c_ends_everything(data: Path) -> None:
    with begin(sys.executable, "-u", "-c", SUPERVISOR, str(data)) as supervisor:
        assert await asyncio.to_thread(ready, supervisor)
        first = pids(data)
        supervisor.send_signal(signal.SIGINT)
        await asyncio.sleep(0.2)
        # An impatient one must not leave half of it running.
        supervisor.send_signal(signal.SIGINT)
        said = (await asyncio.to_thread(supervisor.communicate))[0]
    assert "stopped" in said
    assert supervisor.returncode == 0
    assert len(first) == 4
    assert not any(who.alive() for who in first.values())


async def test_the_last_one_turns_off_the_lights(data: Path, commands: Commands) -> None:
    one, two, three = (Stack(serverless(data), api=api, report=print, commands=commands) for api in (False, True, True))
    assert (await one.start()).api_url is None
    first = pids(data)
    told = await two.start()
    assert told.api_url
    assert (await three.start()).api_url == told.api_url
    assert first.items() <= pids(data).items()

    await one.stop()
    await until(lambda: StateFile(data).read().ready)
    await until(lambda: all(pids(data)[role] != first[role] for role in commands.workers))
    assert not any(who.alive() for who in first.values())

    # The API goes with the one that looked after it; the next one brings it back where it was.
    await two.stop()
    await until(lambda: port_answers(int((told.api_url or "").rpartition(":")[2])))
    await until(lambda: StateFile(data).read().ready)
    last = pids(data)
    await three.stop()
    await three.stop()
    assert not any(who.alive() for who in last.values())
    assert StateFile(data).read().owner is None


async def test_all_at_once(data: Path, commands: Commands) -> None:
    stacks = [Stack(serverless(data), api=True, report=print, commands=commands) for _ in range(4)]
    urls = {(await stack).api_url for stack in [asyncio.create_task(stack.start()) for stack in stacks]}
    assert len(urls) == 1
    running = pids(data)
    late = Stack(serverless(data), api=False, report=print, commands=commands)
    stopping = [asyncio.create_task(stack.stop()) for stack in stacks]
    await asyncio.sleep(0)
    await late.start()
    await asyncio.gather(*stopping)
    await until(lambda: StateFile(data).read().ready)
    assert all(pids(data)[role].alive() for role in commands.workers)
    running |= pids(data)
    await late.stop()
    assert not any(who.alive() for who in running.values())


async def test_a_pid_used_again_is_left_alone(data: Path, commands: Commands) -> None:
    with begin("sleep", "60") as stranger:
        born = identify(stranger.pid)
        assert born is not None
        claim = {"role": "worker-flow", "pid": stranger.pid, "started": "another boot:7", "command": ["sleep"]}
        stale = {"owner": {"pid": stranger.pid, "started": "another boot:7"}, "ready": True}
        text = json.dumps(stale | {"children": {"worker-flow": claim, "api": claim, "postgres": claim}})
        assert State.model_validate_json(text).children
        leave_behind(data, text)
        try:
            async with Stack(serverless(data), api=True, report=print, commands=commands) as endpoints:
                assert endpoints.api_url
            assert stranger.poll() is None
        finally:
            stranger.kill()


async def test_a_child_that_cannot_live_is_reported(
    data: Path, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_PAUSE", 0.02)
    said: list[str] = []
    dies = (sys.executable, "-c", "raise SystemExit('the reason why')")
    broken = Commands(migrate=commands.migrate, workers={**commands.workers, "worker-flow": dies}, api=commands.api)
    async with Stack(serverless(data), api=False, report=said.append, commands=broken):
        await until(lambda: any("keeps ending" in line for line in said))
        complaint = next(line for line in said if "keeps ending" in line)
        assert "the reason why" in complaint
        assert str(data / "logs" / "worker-flow.log") in complaint
        before = pids(data)["worker-flow"]
        await until(lambda: pids(data)["worker-flow"] != before)
        assert sum("keeps ending" in line for line in said) == 1


async def test_a_failed_migration_ends_everything(data: Path, commands: Commands) -> None:
    fails = Commands(migrate=(sys.executable, "-c", "raise SystemExit('no such column')"), workers=commands.workers)
    with pytest.raises(StackError, match=r"(?s)migrate failed \(exit code 1\).*no such column"):
        await Stack(embedded(data), api=False, report=print, commands=fails).start()
    assert StateFile(data).read() == State(
        temporal=StateFile(data).read().temporal,
        servers=StateFile(data).read().servers,
        postgres_folder=StateFile(data).read().postgres_folder,
        postgres_sockets=StateFile(data).read().postgres_sockets,
    )


async def test_other_servers_do_not_mix(data: Path, commands: Commands) -> None:
    other = serverless(data).model_copy(update={"temporal_address": "127.0.0.1:2"})
    async with Stack(serverless(data), api=False, report=print, commands=commands):
        with pytest.raises(StackError, match="TEMPORAL_ADDRESS"):
            await Stack(other, api=False, report=print, commands=commands).start()
        assert all(who.alive() for role, who in pids(data).items() if role in commands.workers)


async def test_a_taken_port_is_explained(data: Path, commands: Commands) -> None:
    """Before anything else is started."""
    said: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = serverless(data).model_copy(update={"api_port": taken.getsockname()[1]})
        with pytest.raises(StackError, match="INKLOOM_API_PORT"):
            await Stack(settings, api=True, report=said.append, commands=commands).start()
    assert (said, pids(data)) == ([], {})


async def test_a_second_one_says_that_its_port_is_not_used(data: Path, commands: Commands) -> None:
    """The API of a folder stays where the first one put it."""
    said: list[str] = []
    async with Stack(serverless(data), api=True, report=print, commands=commands) as first:
        wanted = next_free(0)
        settings = serverless(data).model_copy(update={"api_port": wanted})
        async with Stack(settings, api=True, report=said.append, commands=commands) as second:
            assert second.api_url == first.api_url
    assert any(f"instead of {wanted}" in line for line in said)


async def test_a_folder_that_cannot_be_is_explained(commands: Commands) -> None:
    # Root may write anywhere; nobody may make a folder inside a file.
    settings = embedded(Path(__file__) / "folder")
    with pytest.raises(StackError, match="INKLOOM_DATA"):
        await Stack(settings, api=False, report=print, commands=commands).start()


def test_children_are_told_what_we_were_told(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INKLOOM_STORAGE", "pictures here")
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "ours")
    monkeypatch.setenv("INKLOOM_PRICES", '{"openai/own": {"input": 0.5}}')
    monkeypatch.setenv("OPENAI_API_KEY", "sk-ours")
    settings = Settings(data=Path("relative"), api_port=next_free(0), allow_remote=True)
    told = environment(settings, data, database_url="postgresql://x", temporal_address="h:1")
    monkeypatch.setattr(os, "environ", told)
    seen = Settings()
    assert seen.data == data
    assert seen.database_url == "postgresql://x"
    assert seen.temporal_address == "h:1"
    assert seen.temporal_namespace == "ours"
    assert seen.prices == settings.prices
    assert seen.openai_api_key == SecretStr("sk-ours")
    assert seen.api_port == settings.api_port
    assert seen.allow_remote is True
    assert seen.storage == str(Path("pictures here").absolute())


def test_the_embedded_server_gets_workers_of_no_build(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It keeps none: whatever the shell says, one version is there, and serves everything."""
    monkeypatch.setenv("INKLOOM_BUILD", "7")
    assert environment(Settings(), data, temporal_address="h:1")["INKLOOM_BUILD"] == ""
    assert environment(Settings(temporal_address="h:1"), data)["INKLOOM_BUILD"] == "7"

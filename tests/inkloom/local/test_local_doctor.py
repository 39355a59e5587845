import socket
from pathlib import Path

import pytest

from engine.settings import Settings
from inkloom.local.doctor import Check, checks
from inkloom.local.programs import Commands
from inkloom.local.supervise import Stack

pytestmark = pytest.mark.integration


async def by_name(settings: Settings) -> dict[str, Check]:
    return {check.name: check for check in await checks(settings)}


def settings(data: Path, **more: object) -> Settings:
    return Settings.model_validate({"data": data, "api_port": 0, "database_url": None, "temporal_address": None} | more)


def exists(data: Path) -> bool:
    return data.exists()


async def test_a_healthy_machine(data: Path) -> None:
    found = await by_name(settings(data))
    assert [check for check in found.values() if not check.ok] == []
    assert "made at the first start" in found["data folder"].detail
    assert not exists(data)


async def test_everything_wrong_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        servers = {"database_url": "postgresql://127.0.0.1:9/x", "temporal_address": "127.0.0.1:9"}
        found = await by_name(settings(Path(__file__) / "x", api_port=port, temporal_ui_port=port, **servers))
    wrong = {name for name, check in found.items() if not check.ok}
    expected = {"data folder", "API port", "Temporal program", "Postgres server", "Temporal server"}
    assert wrong == expected
    assert all(found[name].fix for name in wrong)
    assert "next free one" in found["Temporal UI port"].detail


async def test_our_own_stack_is_no_trouble(data: Path, commands: Commands) -> None:
    servers = {"database_url": "postgresql://nowhere/x", "temporal_address": "127.0.0.1:9"}
    async with Stack(settings(data, **servers), api=True, report=print, commands=commands) as endpoints:
        assert endpoints.api_url
        port = int(endpoints.api_url.rpartition(":")[2])
        found = await by_name(settings(data, api_port=port, **servers))
    assert "supervised by process" in found["data folder"].detail
    assert found["API port"].detail == f"{port}, in use by the running stack"

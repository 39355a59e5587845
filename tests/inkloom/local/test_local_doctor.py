import shutil
import socket
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, update
from sqlmodel import col

from engine.db.session import Database
from engine.settings import Settings
from engine.store import delays
from inkloom.local import doctor, temporal_binary
from inkloom.local.commands import Commands
from inkloom.local.doctor import Check, checks
from inkloom.local.stack import Stack
from models.options import DelayReason
from models.tables import Delay
from tests.conftest import Order
from tests.s3_server import BUCKET, KEYS, PATIENCE, S3Server

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
    monkeypatch.setattr(temporal_binary, "packaged", lambda: tmp_path / "temporal")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        servers = {
            "database_url": "postgresql://127.0.0.1:9/x",
            "temporal_address": "127.0.0.1:9",
            "storage": "ftp://x",
        }
        found = await by_name(settings(Path(__file__) / "x", api_port=port, temporal_ui_port=port, **servers))
    wrong = {name for name, check in found.items() if not check.ok}
    assert wrong == {"data folder", "API port", "Postgres server", "Temporal server", "storage"}
    assert all(found[name].fix for name in wrong)
    assert "next free one" in found["Temporal UI port"].detail


async def test_programs_are_needed_where_no_server_is_named(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the container image, which has neither server, and Postgres's clients for backups alone."""
    monkeypatch.setenv("PATH", str(data.parent))
    monkeypatch.setenv("XDG_CACHE_HOME", str(data.parent))
    monkeypatch.setattr(temporal_binary, "packaged", lambda: data / "temporal")
    monkeypatch.setattr(doctor, "programs", dict)
    found = await by_name(settings(data))
    assert (found["Temporal program"].ok, found["Postgres programs"].ok) == (False, False)
    assert "make setup" in found["Postgres programs"].fix
    servers = {"database_url": "postgresql://127.0.0.1:9/x", "temporal_address": "127.0.0.1:9"}
    found = await by_name(settings(data, **servers))
    assert found["Temporal program"].ok
    assert "backups need pg_dump and pg_restore" in found["Postgres programs"].detail
    for name in ("pg_dump", "pg_restore"):
        (data.parent / name).touch(mode=0o755)
    found = await by_name(settings(data, **servers))
    assert found["Postgres programs"].detail.endswith("pg_dump")
    assert found["Postgres programs"].ok


async def test_memory_for_children_is_counted_and_too_little_of_it_said(data: Path) -> None:
    """Pictures of 400 megapixels take more than most machines have."""
    found = (await by_name(settings(data)))["memory"]
    assert "for child processes" in found.detail
    large = (await by_name(settings(data, max_picture_pixels=400_000_000)))["memory"]
    assert "with 6,503 MB for uploaded pictures" in large.detail
    assert "INKLOOM_MAX_PICTURE_PIXELS" in large.fix


@pytest.mark.parametrize("place", ["folder", "folder/that/will/be/made"])
async def test_a_folder_for_pictures_is_tried_and_left_as_it_was(data: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / "folder").mkdir()
    found = await by_name(settings(data, storage=str(tmp_path / place)))
    assert found["storage"].ok
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == ["folder"]  # noqa: ASYNC240 - a test


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs two disks")  # noqa: S108 - only looked at
async def test_the_fuller_disk_counts(data: Path) -> None:
    """That of the pictures, which is the one that fills up, or that of everything else."""
    shared = Path("/dev/shm/pictures of no one")  # noqa: S108 - only looked at
    fuller = min((data.parent.parent, shared.parent), key=lambda folder: shutil.disk_usage(folder).free)
    found = (await by_name(settings(data, storage=str(shared))))["disk space"]
    assert found.detail.endswith(str(shared if fuller == shared.parent else data))


@pytest.mark.slow
@pytest.mark.timeout(PATIENCE)
async def test_a_bucket_for_pictures_is_asked(data: Path, s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the keys of the environment; wrong ones are found out before anything is paid for."""
    for name, value in (("ACCESS_KEY_ID", KEYS[0]), ("SECRET_ACCESS_KEY", KEYS[1]), ("ENDPOINT_URL", s3.url)):
        monkeypatch.setenv(f"AWS_{name}", value)
    address = settings(data, storage=f"s3://{BUCKET}/prefix", aws_region="us-east-1")
    assert (await by_name(address))["storage"] == Check("storage", True, f"s3://{BUCKET}/prefix can be used")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    wrong = (await by_name(address))["storage"]
    assert not wrong.ok
    assert "Check AWS_ACCESS_KEY_ID" in wrong.detail
    assert "INKLOOM_STORAGE" in wrong.fix
    assert "hunter2" not in str(wrong)


async def test_our_own_stack_is_no_trouble(data: Path, commands: Commands) -> None:
    servers = {"database_url": "postgresql://nowhere/x", "temporal_address": "127.0.0.1:9"}
    async with Stack(settings(data, **servers), api=True, report=print, commands=commands) as endpoints:
        assert endpoints.api_url
        port = int(endpoints.api_url.rpartition(":")[2])
        found = await by_name(settings(data, api_port=port, **servers))
    assert "supervised by process" in found["data folder"].detail
    assert found["API port"].detail == f"{port}, in use by the running stack"


async def test_what_generations_wait_for_is_found(
    data: Path, database: Database, database_url: str, order: Order
) -> None:
    """The oldest of each reason, with the provider's words and what to do; a short delay is none."""
    run = (await order()).run
    named = settings(data, database_url=database_url)
    delay = delays.Waiting(
        project_id=run.project_id,
        generation_id=run.generation_id,
        part=f"generation-{run.generation_id}/draw",
        target_id=run.chapter_id,
        purpose="draw_panel",
        reason=DelayReason.NO_WORKER,
        message="No worker serves the queue images-local.",
        said="nobody there",
    )
    async with database.session() as session:
        await delays.record(session, delay)
    assert (await by_name(named))["waiting generations"].ok
    async with database.session() as session:
        earlier = func.clock_timestamp() - timedelta(minutes=5)
        await session.exec(update(Delay).where(col(Delay.part) == delay.part).values(created_at=earlier))
    check = (await by_name(named))["waiting generations"]
    assert not check.ok
    assert "no_worker for 300 s: No worker serves the queue images-local. nobody there" in check.detail
    assert "look why the worker does not run" in check.fix

"""`sweep` from the command line, and what becomes of the schedules when Temporal loses its data."""

import asyncio
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.settings import Settings
from inkloom.local.stack import Stack
from inkloom.schedules import schedule_id
from inkloom.worker import connect
from models.sweeps import SweepKind
from tests.support.command_line import inkloom, inkloom_here


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="inkloom-tests-") as folder:
        # Under root, Postgres runs as somebody else, who must be able to enter.
        Path(folder).chmod(0o755)
        yield Path(folder) / "data"


@pytest.mark.unit
def test_an_unknown_kind_is_refused_with_those_that_there_are() -> None:
    ran = inkloom_here("sweep", "--kind", "nothing")
    assert ran.returncode == 2
    assert ran.stdout == ""


@pytest.mark.workflow
@pytest.mark.slow
async def test_sweeps_by_hand_and_schedules_that_come_back(data: Path) -> None:
    """Every kind once, counted; after Temporal's database is gone, the next workers schedule all of them again."""
    ran = await asyncio.to_thread(inkloom, "sweep", "--dry-run", "--json", INKLOOM_DATA=str(data))
    assert ran.returncode == 0, ran.stderr
    swept = json.loads(ran.stdout.splitlines()[-1])["sweeps"]
    assert [one["kind"] for one in swept] == list(SweepKind)
    assert all(one["dry_run"] and not one["handled"] for one in swept)
    for part in (data / "temporal").glob("temporal.db*"):
        part.unlink()
    settings = Settings(data=data, temporal_ui_port=0)
    async with Stack(settings, api=False, report=print) as endpoints:
        client = await connect(endpoints.temporal_address, settings.temporal_namespace)
        async with asyncio.timeout(90):
            while True:
                there = {one.id async for one in await client.list_schedules()}
                if there == {schedule_id(kind) for kind in SweepKind}:
                    break
                await asyncio.sleep(0.5)

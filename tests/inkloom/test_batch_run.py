"""`batch` from a folder to written chapters; the same command again; decisions from another terminal."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from engine.db.session import Database
from engine.errors import BadInput
from engine.settings import Settings
from engine.storage.folder import FolderStorage
from inkloom.batch_folder import read_folder
from inkloom.batch_plan import Actions, Chapter
from inkloom.batch_run import Runner
from inkloom.local.stack import Endpoints
from models.options import GenerationOptions
from tests.working import Painter, Writer, workers

pytestmark = pytest.mark.workflow

SCRIPT = GenerationOptions(until="script")
Run = Callable[..., Awaitable[int]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    stories = tmp_path / "stories"
    stories.mkdir()
    for number in range(1, 4):
        (stories / f"tale-{number}.txt").write_text(
            f"Tale {number} of {tmp_path.name}\n\nIt rained.\n\n“Again?” said Mara.\n"
        )
    return stories


@pytest.fixture
def run(folder: Path, tmp_path: Path, settings: Settings, endpoints: Endpoints) -> Run:
    """Run the command as far as its servers have been started."""
    mine = settings.model_copy(update={"storage": str(tmp_path / "pictures")})

    async def command(options: GenerationOptions = SCRIPT, *, series: bool = False, **actions: Any) -> int:
        found = read_folder(folder)
        chapters = [Chapter(one, None if one.story is None else options) for one in found.manuscripts]
        out = tmp_path / "out"
        out.mkdir(exist_ok=True)
        runner = Runner(mine, found, chapters, out, series=series, actions=Actions(**actions), hours=None)
        return await runner.run(endpoints, machine=True)

    return command


def reported(tmp_path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((tmp_path / "out" / "report.json").read_text())
    return found


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "pictures")


async def test_a_folder_becomes_chapters(
    run: Run,
    folder: Path,
    tmp_path: Path,
    client: Client,
    database: Database,
    storage: FolderStorage,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A broken file fails by itself; the same command again makes nothing twice, and says the same."""
    (folder / "broken.txt").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    writer = Writer()
    async with workers(client, database, storage, writer, Painter()):
        assert await run(series=True) == 3
        report = reported(tmp_path)
        assert json.loads(capsys.readouterr().out) == report
        states = {item["file"]: item["state"] for item in report["items"]}
        made = {f"tale-{number}.txt": "completed" for number in range(1, 4)}
        assert states == made | {"broken.txt": "failed"}
        assert len({item["project_id"] for item in report["items"] if item["project_id"]}) == 1
        for number in range(1, 4):
            assert (tmp_path / "out" / f"tale-{number}" / "script.json").is_file()
        asked = len(writer.asked)
        (folder / "broken.txt").unlink()
        assert await run(series=True) == 0
        assert len(writer.asked) == asked
        assert {item["state"] for item in reported(tmp_path)["items"]} == {"completed"}


async def test_it_goes_on_where_it_was_left(
    run: Run, folder: Path, tmp_path: Path, client: Client, database: Database, storage: FolderStorage
) -> None:
    """Stopped in the middle, also by force; other options meanwhile are told apart from the open batch."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def wait(request: Any) -> None:
        begun.set()
        await go_on.wait()

    writer = Writer(wait)
    async with workers(client, database, storage, writer, Painter()):
        first: asyncio.Future[int] = asyncio.ensure_future(run(at_a_time=1))
        await begun.wait()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        with pytest.raises(BadInput, match="other manuscripts or options"):
            await run(GenerationOptions(until="script", max_panels=3))
        go_on.set()
        assert await run(at_a_time=2) == 0
    report = reported(tmp_path)
    assert {item["attempts"] for item in report["items"]} == {1}
    assert len({item["project_id"] for item in report["items"]}) == 3


async def test_two_terminals_work_on_one_batch(
    run: Run, tmp_path: Path, client: Client, database: Database, storage: FolderStorage
) -> None:
    async with workers(client, database, storage, Writer(), Painter()):
        assert list(await asyncio.gather(run(), run())) == [0, 0]
    assert {item["attempts"] for item in reported(tmp_path)["items"]} == {1}

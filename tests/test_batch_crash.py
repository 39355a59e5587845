"""A batch goes on where everything was killed, and hears decisions with every worker down."""

import asyncio
import json
import random
import signal
from pathlib import Path
from typing import Any

import pytest

from scripts.kill_matrix import TREE, Command, story_of
from tests.support.command_line import inkloom
from tests.support.folders import enterable_folder

pytestmark = [pytest.mark.workflow, pytest.mark.slow, pytest.mark.timeout(600)]

STORIES = 5


def ran(folder: Path, data: Path, *options: str) -> dict[str, Any]:
    """A decision from another terminal, and how the batch stands after it."""
    done = inkloom("batch", folder, *options, "--json", INKLOOM_DATA=str(data))
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def starts(data: Path) -> int:
    """How often workers have begun to serve, by their logs."""
    return sum(log.read_text().count("serving ") for log in (data / "logs").glob("worker-*.log"))


async def test_the_same_command_goes_on(tmp_path: Path) -> None:
    """Killed with its servers after the first chapter, paused and resumed while nothing runs, and then finished."""
    folder, out = tmp_path / "stories", tmp_path / "out"
    folder.mkdir()
    for number in range(STORIES):
        (folder / f"story-{number}.txt").write_text(story_of(number, random.Random(number)))
    with enterable_folder() as data:

        def started() -> Command:
            return Command(folder, out, data, "--at-a-time", "2", verb="batch")

        command = started()
        # How long the rest takes is guessed once the first chapter is done.
        kill = await asyncio.to_thread(command.kill, TREE, said=" left\n")
        assert kill is not None, command.words()
        assert await asyncio.to_thread(command.wait) == -signal.SIGKILL
        begun = starts(data)
        assert begun
        assert (await asyncio.to_thread(ran, folder, data, "--pause"))["status"] == "paused"
        standing = await asyncio.to_thread(ran, folder, data, "--status")
        assert standing["counts"]["completed"] >= 1
        assert standing["counts"]["total"] == STORIES
        # No worker was started for that: it would have made calls.
        assert starts(data) == begun
        assert (await asyncio.to_thread(ran, folder, data, "--resume"))["status"] == "running"
        again = started()
        assert await asyncio.to_thread(again.wait) == 0, again.words()
        report = again.result()
    assert report["counts"]["completed"] == STORIES
    assert {item["attempts"] for item in report["items"]} == {1}
    for item in report["items"]:
        assert (Path(item["delivered"]["folder"]) / "pages" / "001.png").is_file()

"""Kill anything, lose nothing, pay once: two of the cases that `scripts/kill_matrix.py` draws at random."""

import asyncio
import random
import signal
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from scripts.kill_matrix import TREE, Command, broken_promises, rows_of, story_of
from tests.support.folders import enterable_folder

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

# By now there are panels, with some of their words and pictures under way.
MIDWAY = "  scene 1: "


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    """One data folder for all: a crash must not spoil it for the next."""
    with enterable_folder() as folder:
        yield folder


def started(folder: Path, data: Path, number: int) -> Command:
    story = folder / "story.txt"
    story.write_text(story_of(number, random.Random(number)))
    return Command(story, folder / "out", data)


async def test_workers_killed_midway_cost_nothing_but_time(tmp_path: Path, data: Path) -> None:
    """They are started again, the chapter is finished, and only calls that were in flight are made twice."""
    command = started(tmp_path, data, 1)
    kill = await asyncio.to_thread(command.kill, "worker-flow", "worker-draw", said=MIDWAY)
    assert kill is not None
    assert await asyncio.to_thread(command.wait) == 0, command.words()
    result = command.result()
    assert list(broken_promises(result, await rows_of(data, UUID(result["generation_id"])), kill)) == []
    assert "Traceback" not in command.words()


async def test_the_same_command_goes_on_where_everything_was_killed(tmp_path: Path, data: Path) -> None:
    """The command, its servers and workers die at once; given again, it finishes the very same generation."""
    command = started(tmp_path, data, 2)
    kill = await asyncio.to_thread(command.kill, TREE, said=MIDWAY)
    assert kill is not None
    assert await asyncio.to_thread(command.wait) == -signal.SIGKILL
    again = started(tmp_path, data, 2)
    assert await asyncio.to_thread(again.wait) == 0, again.words()
    result = again.result()
    rows = await rows_of(data, UUID(result["generation_id"]))
    assert list(broken_promises(result, rows, kill)) == []
    before = [call for call in rows["calls"] if call["state"] == "confirmed" and call["settled_at"] < kill.began]
    assert before, "nothing had been answered yet: the kill came too early to prove anything"
    # What was answered before is what this run did not have to send.
    sent = result["calls"]["llm"] + result["calls"]["image"]
    assert sent == sum(1 for call in rows["calls"] if call["submitted_at"]) - sum(
        1 for call in rows["calls"] if call["submitted_at"] and call["submitted_at"] < kill.ended
    )

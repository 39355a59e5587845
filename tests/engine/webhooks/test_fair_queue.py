"""Whoever is slow takes the room of nobody else."""

from contextlib import ExitStack, suppress

import pytest

from engine.webhooks.fair_queue import FairQueue, Full

pytestmark = pytest.mark.unit


def wait(lanes: FairQueue[str], widths: dict[str, int]) -> float:
    """Seconds until there may be room; 0 where there is."""
    try:
        with lanes.one(widths):
            return 0.0
    except Full as full:
        return full.wait


def test_there_is_room_for_so_many_of_each() -> None:
    """Of a project and of an address in it; other addresses, and other projects, have theirs."""
    lanes, slow = FairQueue[str](), {"slow": 2, "project": 3}
    with ExitStack() as under_way:
        for _ in range(2):
            under_way.enter_context(lanes.one(slow))
        assert wait(lanes, slow) > 0
        assert wait(lanes, {"quick": 2, "project": 3}) == 0
        under_way.enter_context(lanes.one({"third": 2, "project": 3}))
        assert wait(lanes, {"quick": 2, "project": 3}) > 0
        assert wait(lanes, {"theirs": 2, "another": 3}) == 0
    assert wait(lanes, slow) == 0


def test_what_failed_leaves_its_room() -> None:
    lanes = FairQueue[str]()
    with suppress(LookupError), lanes.one({"a": 1}):
        raise LookupError
    assert wait(lanes, {"a": 1}) == 0


def test_who_was_refused_for_one_takes_no_room_of_the_other() -> None:
    lanes = FairQueue[str]()
    with lanes.one({"a": 1, "b": 5}):
        assert wait(lanes, {"b": 2, "a": 1}) > 0
        assert wait(lanes, {"b": 2}) == 0


def test_those_who_wait_come_back_one_after_the_other() -> None:
    """Not all at once, never later than at the longest, and from the beginning once nobody is in the way."""
    now = 100.0
    lanes = FairQueue[str](spacing=5, longest=22, clock=lambda: now)
    with lanes.one({"a": 1}):
        assert [wait(lanes, {"a": 1}) for _ in range(6)] == [5, 10, 15, 20, 22, 22]
        now += 12
        assert wait(lanes, {"a": 1}) == 15
    with lanes.one({"a": 1}):
        assert wait(lanes, {"a": 1}) == 5

"""A provider's turn: never more in a minute than it allows, and hardly less."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from engine.money.rate_limits import WINDOW, next_turn
from engine.settings import Rate

pytestmark = pytest.mark.unit

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def turns(rate: Rate, sizes: list[int], pause: float = 0.0) -> list[tuple[datetime, int]]:
    """When calls of these sizes are sent that are asked for one after the other, `pause` seconds apart."""
    sent: list[tuple[datetime, int]] = []
    now = START
    for size in sizes:
        sent.append((next_turn([one for one in sent if one[0] > now - WINDOW], now, rate, size), size))
        now += timedelta(seconds=pause)
    return sent


def fullest(sent: list[tuple[datetime, int]]) -> tuple[int, int]:
    """The most requests and tokens in any minute."""
    minute = timedelta(seconds=60)
    windows = [[size for at, size in sent if begin <= at < begin + minute] for begin, _ in sent]
    return max(map(len, windows)), max(map(sum, windows))


def test_without_a_crowd_nobody_waits() -> None:
    """Up to the limit every call goes at once."""
    assert all(at == START for at, _ in turns(Rate(requests=60), [100] * 60))


@pytest.mark.parametrize("pause", [0.0, 0.3, 1.7])
def test_no_minute_holds_more_than_allowed(pause: float) -> None:
    """Whenever they come, in no minute there are more requests or tokens than the rate says."""
    dice = random.Random(7)
    sizes = [dice.randint(50, 900) for _ in range(400)]
    requests, tokens = fullest(turns(Rate(requests=60, tokens=20_000), sizes, pause))
    assert requests <= 60
    assert tokens <= 20_000


def test_nearly_all_that_is_allowed_is_used() -> None:
    """Of a quota of 60 a minute at least 0.95 are used as long as calls are waiting."""
    sent = turns(Rate(requests=60), [1] * 601)
    minutes = (sent[-1][0] - sent[0][0]).total_seconds() / 60
    assert 600 / minutes >= 0.95 * 60


def test_the_first_to_ask_is_the_first_to_go() -> None:
    """A small call does not overtake a large one that waits for room."""
    sent = turns(Rate(tokens=1_000), [900, 900, 10])
    assert sent[0][0] < sent[1][0] <= sent[2][0]


def test_a_call_that_is_too_large_by_itself_goes_alone() -> None:
    """It has a window of its own, and is not held back for ever."""
    sent = turns(Rate(tokens=1_000), [10, 5_000, 10])
    assert sent[1][0] == START + WINDOW
    assert sent[2][0] == START + 2 * WINDOW

"""What waits for a socket is bounded, in order, and without repetition."""

import asyncio
from uuid import uuid4

import pytest

from engine.live.subscriber import MAX_CHARACTERS, MAX_EVENTS, Close, Ended, SentEvent, Subscriber

pytestmark = pytest.mark.unit


def event(seq: int, size: int = 10) -> SentEvent:
    return SentEvent(seq, "panel.written", None, "x" * size)


async def test_so_many_events_wait_and_no_more() -> None:
    """Whoever is further behind is overtaken, gets what was kept, and begins anew where it is told to."""
    subscriber = Subscriber(uuid4(), uuid4())
    for seq in range(1, MAX_EVENTS + 100):
        subscriber.put(event(seq))
    assert subscriber.overtaken
    assert [one.seq for one in await subscriber.next()] == list(range(1, MAX_EVENTS + 1))
    subscriber.again(500)
    assert not subscriber.overtaken
    for seq in (499, 500, 501, 501, 502):
        subscriber.put(event(seq))
    assert [one.seq for one in await subscriber.next()] == [501, 502]


async def test_so_many_characters_wait_and_no_more() -> None:
    """A few large events are as much as many small ones."""
    subscriber = Subscriber(uuid4(), uuid4())
    for seq in range(1, 8):
        subscriber.put(event(seq, MAX_CHARACTERS // 4))
    assert subscriber.overtaken
    assert [one.seq for one in await subscriber.next()] == [1, 2, 3, 4]
    subscriber.again(4)
    subscriber.put(event(5, MAX_CHARACTERS // 4))
    assert not subscriber.overtaken


async def test_the_first_reason_stays() -> None:
    """Somebody who waits is woken by the end."""
    subscriber = Subscriber(uuid4(), uuid4())
    waiting = asyncio.create_task(subscriber.next())
    await asyncio.sleep(0)
    subscriber.end(Close.EXPIRED, "the token has expired")
    subscriber.end(Close.NO_ACCESS, "gone")
    with pytest.raises(Ended) as ended:
        await waiting
    assert (ended.value.code, ended.value.reason) == (Close.EXPIRED, "the token has expired")

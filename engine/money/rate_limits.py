"""Rate limits of providers: requests and tokens per minute, across all workers."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from engine.settings import Rate

# Slightly longer than the minute that providers count, because calls may arrive more bunched than we send them.
WINDOW = timedelta(seconds=61)


def next_turn(sent: Sequence[tuple[datetime, int]], now: datetime, rate: Rate, tokens: int) -> datetime:
    """The earliest time, from `now` on and after all reserved slots, that keeps to the rate.

    `sent` are the slots of the last window and those to come, with their tokens, in order of time. No window has more
    requests or tokens than the rate allows; a call that is too large by itself has a window of its own.
    """
    turn = max(now, sent[-1][0]) if sent else now
    if rate.requests is not None and len(sent) >= rate.requests:
        turn = max(turn, sent[-rate.requests][0] + WINDOW)
    if rate.tokens is not None:
        room = rate.tokens - min(tokens, rate.tokens)
        recent = [(at, used) for at, used in sent if at > turn - WINDOW]
        while recent and sum(used for _, used in recent) > room:
            turn = max(turn, recent.pop(0)[0] + WINDOW)
    return turn

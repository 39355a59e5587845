"""Per-key concurrency limits, so one slow receiver cannot starve the rest."""

import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)


class Full(Exception):
    """There is no room now; `wait` is after how many seconds there may be some."""

    def __init__(self, wait: float) -> None:
        super().__init__(f"no free slot for {wait:.0f} seconds")
        self.wait = wait


class FairQueue(Generic[KeyT]):
    """The deliveries that run in this process, by key.

    A delivery that finds no room gets a slot `spacing` seconds after the previous one, so that a thousand waiting
    deliveries do not all come back at once, and at most `longest` seconds away.
    """

    def __init__(
        self, *, spacing: float = 5.0, longest: float = 600.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._spacing = spacing
        self._longest = longest
        self._clock = clock
        self._under_way: Counter[KeyT] = Counter()
        # When the last waiting delivery has its slot.
        self._promised: dict[KeyT, float] = {}

    @contextmanager
    def one(self, widths: Mapping[KeyT, int]) -> Iterator[None]:
        """Count one more delivery for each key and its limit. Raises `Full` if one of them has no room."""
        for key, width in widths.items():
            if self._under_way[key] >= width:
                raise Full(self._turn(key))
        self._under_way.update(widths.keys())
        try:
            yield
        finally:
            for key in widths:
                self._under_way[key] -= 1
                if not self._under_way[key]:
                    # Keys without deliveries are forgotten.
                    del self._under_way[key]
                    self._promised.pop(key, None)

    def _turn(self, key: KeyT) -> float:
        now = self._clock()
        at = min(max(now, self._promised.get(key, now)) + self._spacing, now + self._longest)
        self._promised[key] = at
        return at - now

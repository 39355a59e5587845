"""Processes pages side by side and returns them in order: Pillow releases the interpreter while it encodes."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

ItemT = TypeVar("ItemT")
DoneT = TypeVar("DoneT")
# A page in progress takes some 50 MB.
_MOST = 3


def over_cores(work: Callable[[ItemT], DoneT], items: Iterable[ItemT]) -> Iterator[DoneT]:
    """`map` over a few of this machine's cores, with a bounded number of results in memory. The first error ends it."""
    most = min(os.cpu_count() or 1, _MOST)
    with ThreadPoolExecutor(most, "export") as pool:
        begun: deque[Future[DoneT]] = deque()
        try:
            for item in items:
                if len(begun) == most:
                    yield begun.popleft().result()
                begun.append(pool.submit(work, item))
            while begun:
                yield begun.popleft().result()
        finally:
            for future in begun:
                future.cancel()

"""How far a long copy has come, in a line now and then."""

import time
from collections.abc import Callable

from inkloom.amounts import amount

EVERY = 5.0
# What a backup counts beside rows.
FILE, FILES = "picture or file", "pictures and files"


def counted(report: Callable[[str], None], total: int) -> Callable[[int], None]:
    """What hears how many pictures are done, and reports it every few seconds."""
    last = time.monotonic()

    def progress(done: int) -> None:
        nonlocal last
        if time.monotonic() - last >= EVERY:
            last = time.monotonic()
            report(f"{done:,} of {amount(total, FILE, FILES)}")

    return progress

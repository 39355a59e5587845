"""How much of this machine's memory child processes may use: each of them, and all of them together.

A limit for each child alone bounds nothing: a machine of 24 GB with two cores would allow twelve children of 3 GB.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# The processes of an installation that have children: the API and both workers. Each gives them a fifth of the memory,
# the API some more for pictures from outside: three quarters together. The rest is for Postgres, Temporal and these
# processes themselves.
PROCESSES = 3
SHARE = 0.2
# A child that composes a page of 100 panels takes less than this, the interpreter and its libraries included.
_ENOUGH_MEGABYTES = 1_000
# More than the longest texts and largest archives take.
_MOST_MEGABYTES = 3_000
# Where a container's limit is written: for the second and the first version of control groups.
_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


@dataclass(frozen=True)
class Room:
    """How many children a process may have at a time, and how many megabytes each may use."""

    children: int
    megabytes: int


def machine_megabytes() -> int:
    """The memory of this machine, or of the container that this process runs in."""
    found = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for path in _LIMITS:
        # A container without a limit says "max", or a number beyond all memory.
        with suppress(OSError, ValueError):
            found.append(int(path.read_text()))
    return min(found) >> 20


def room(machine: int, cores: int) -> Room:
    """The children of one process, two for each core at most: on a small machine fewer, but not too small to work."""
    budget = int(machine * SHARE)
    children = max(1, min(2 * cores, budget // _ENOUGH_MEGABYTES))
    return Room(children, min(_MOST_MEGABYTES, budget // children))

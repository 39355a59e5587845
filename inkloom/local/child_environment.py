"""The environment of programs that are not ours: what a program needs to run, and nothing that is ours to keep.

A list of what is given, not of what is kept back: keys of providers, storage and servers come under many names, and the
environment of a process can be read by its account and stays in its memory.
"""

import os

GIVEN = frozenset({"PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TZDIR", "TMPDIR"})
# Where Python and Postgres come from a package manager that sets it.
LIBRARIES = frozenset({"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"})


def plain_environment(*more: str) -> dict[str, str]:
    """Our own environment, reduced to what every program needs and the names in `more`."""
    names = GIVEN | LIBRARIES | set(more)
    return {name: value for name, value in os.environ.items() if name in names or name.startswith("LC_")}

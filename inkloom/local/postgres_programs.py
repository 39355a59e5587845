"""How Postgres's programs learn where the database is: by their environment, never by arguments, which every account of
the machine can read.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from engine.db.address import parameters, variables
from engine.errors import NotConfigured

_SERVICE = "inkloom"


@contextmanager
def address_for(database_url: str, base: Mapping[str, str]) -> Iterator[tuple[dict[str, str], Sequence[int]]]:
    """The environment of a program, `base` with the address, and the descriptors that it has to inherit.

    Parameters that have no variable, such as the password of a client's key, are in a service file that has no name,
    so that no killed process leaves it.
    """
    named, parts = variables(), parameters(database_url)
    others = {name: value for name, value in parts.items() if named[name] is None}
    env = {**base, **{variable: value for name, value in parts.items() if (variable := named[name])}}
    if not others:
        yield env, ()
        return
    if "service" in parts:
        raise NotConfigured(
            f"INKLOOM_DATABASE_URL names a service and {', '.join(sorted(others))}: put both into the service file."
        )
    if any("\n" in value for value in others.values()):
        raise NotConfigured(f"INKLOOM_DATABASE_URL has a line break in one of: {', '.join(sorted(others))}.")
    with tempfile.TemporaryFile() as file:
        lines = [f"[{_SERVICE}]", *(f"{name}={value}" for name, value in others.items())]
        file.write("\n".join([*lines, ""]).encode())
        file.flush()
        os.lseek(file.fileno(), 0, os.SEEK_SET)
        os.set_inheritable(file.fileno(), True)
        yield {**env, "PGSERVICE": _SERVICE, "PGSERVICEFILE": f"/dev/fd/{file.fileno()}"}, (file.fileno(),)

"""TCP ports on this machine: whether one is free, which is the next, whether a server answers."""

import asyncio
import socket
from collections.abc import Collection

from inkloom.local.errors import StackError

LOOPBACK = "127.0.0.1"
SEARCHED = 200


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Servers set this too: without it a connection in TIME_WAIT would make a free port look taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def next_free(first: int, *, avoid: Collection[int] = (), host: str = LOOPBACK) -> int:
    """The first free port from `first` upwards; any free port for 0.

    Counting upwards keeps servers below the range that the kernel hands to outgoing connections, so that a port
    remembered from the last run is rarely gone when its server comes back.
    """
    if first == 0:
        with socket.socket() as probe:
            probe.bind((host, 0))
            port: int = probe.getsockname()[1]
            return port
    for port in range(first, min(first + SEARCHED, 65536)):
        if port not in avoid and is_free(port, host):
            return port
    last = first + SEARCHED - 1
    raise StackError(f"No free port from {first} to {last}. Stop the program that listens there, or set another port.")


async def answers(port: int, host: str = LOOPBACK, patience: float = 2.0) -> bool:
    """Whether a server accepts connections there."""
    try:
        async with asyncio.timeout(patience):
            _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


def reachable_host(bound: str) -> str:
    """The address at which a server bound to `host` is reached from its own machine."""
    return {"0.0.0.0": LOOPBACK, "::": "::1", "": LOOPBACK}.get(bound, bound)  # noqa: S104 - read, not bound

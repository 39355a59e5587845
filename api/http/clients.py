"""Which client a request comes from, as far as that can be known behind proxies."""

import os
import sys
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address, ip_network
from pathlib import Path

from starlette.requests import HTTPConnection
from starlette.types import Scope

# The kernel's tables of TCP connections, with the account that each end belongs to.
_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_ESTABLISHED = "01"
_ROOT = 0
_PASSED_ON = {"forwarded", "via", "x-real-ip", "x-client-ip", "cf-connecting-ip", "true-client-ip"}


def client_address(scope: Scope) -> str:
    """The client's address: the peer's, or what a proxy of INKLOOM_TRUSTED_PROXIES says it is."""
    client = scope.get("client")
    return client[0] if client else ""


def address_of(host: str) -> IPv4Address | IPv6Address:
    """The address that a text names, without a zone; an IPv4 address that an IPv6 socket wrote (`::ffff:10.0.0.1`) as
    what it is. Raises `ValueError`.
    """
    address = ip_address(host.partition("%")[0])
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def also_mapped(proxies: str) -> str:
    """A list of proxies in which each IPv4 address or network also stands as an IPv6 socket writes it."""
    found = [proxies]
    for proxy in proxies.split(","):
        # A name or `*` has no such spelling.
        with suppress(ValueError):
            network = IPv4Network(proxy.strip())
            found.append(f"::ffff:{network.network_address}/{96 + network.prefixlen}")
    return ",".join(found)


def counted_as(scope: Scope) -> str:
    """The key by which limits count a client: its address; for IPv6 the /64 network, which one client may own."""
    given = client_address(scope)
    try:
        address = address_of(given)
    except ValueError:
        # A proxy may send anything; the column holds 45 characters.
        return given[:45]
    return str(address if address.version == 4 else ip_network((address, 64), strict=False))


def passed_on(connection: HTTPConnection) -> bool:
    """Whether a proxy stands between the client and this process, so that the peer's address says nothing.

    Proxies that add no header still speak HTTP 1.0, which no client does.
    """
    return connection.scope.get("http_version") == "1.0" or any(
        name in _PASSED_ON or name.startswith("x-forwarded-") for name in connection.headers
    )


def of_this_account(scope: Scope) -> bool:
    """Whether the other end of a loopback connection belongs to the account that runs this process, or to root.

    A proxy on this machine that names itself in no header still runs as an account of its own, and so do other people.
    Linux alone tells; elsewhere this is true.
    """
    client, server = scope.get("client"), scope.get("server")
    if not client or not server or server[1] is None:
        # Not a connection, but a call within this process.
        return True
    try:
        ends = {f"{address}:{client[1]:04X}" for address in _written(client[0])}
        ours = {f"{address}:{server[1]:04X}" for address in _written(server[0])}
        rows = [line.split() for table in _TABLES if table.exists() for line in table.read_text().splitlines()[1:]]
    except (OSError, ValueError):
        return True
    # A connection whose process has closed it is in another state, and belongs to root.
    found = {int(row[7]) for row in rows if row[1] in ends and row[2] in ours and row[3] == _ESTABLISHED}
    return not rows or (bool(found) and found <= {os.geteuid(), _ROOT})


def _written(host: str) -> list[str]:
    """An address as the tables have it: words of four bytes in the machine's order. IPv4 may be in both."""
    address = address_of(host)
    packed = [address.packed]
    if isinstance(address, IPv4Address):
        packed.append(IPv6Address(f"::ffff:{address}").packed)
    return [
        "".join(f"{int.from_bytes(one[at : at + 4], sys.byteorder):08X}" for at in range(0, len(one), 4))
        for one in packed
    ]

"""Restricts where webhooks may go: never into our own network.

A name is resolved once, and the connection goes to the address that was checked, so a name that resolves differently a
moment later changes nothing. IPv6 addresses that contain an IPv4 address are judged by that one.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from urllib.parse import urlsplit

import httpcore

from engine.errors import BadInput

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

Resolve = Callable[[str, int], Awaitable[list[str]]]

# Every range that the IANA special-purpose registries list (IPv4: RFC 6890 and its updates; IPv6: the same), also those
# that are routed: no webhook lives there. Kept here, because Python's own lists differ from version to version.
SPECIAL_IPV4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carriers' shared space; some clouds' metadata
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's platform services: public by number, inside by route
        "169.254.0.0/16",  # link-local; most clouds' metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays, deprecated
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and limited broadcast
    )
)
# The only part of IPv6 that is assigned to hosts of the internet; everything else is special or unassigned: loopback,
# discard-only, segment routing (5f00::/16), unique local, link-local, site-local (fec0::/10), multicast.
GLOBAL_IPV6 = ipaddress.IPv6Network("2000::/3")
SPECIAL_IPV6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo, benchmarking, ORCHID, drone IDs
        "2001:db8::/32",  # documentation
        "2620:4f:8000::/48",  # AS112
        "3ffe::/16",  # the former 6bone
        "3fff::/20",  # documentation
    )
)
# IPv6 ranges whose addresses contain an IPv4 address, and how many bits follow it.
CARRIERS = tuple(
    (ipaddress.IPv6Network(network), bits)
    for network, bits in (
        ("::/96", 0),  # IPv4-compatible
        ("::ffff:0:0/96", 0),  # IPv4-mapped
        ("::ffff:0:0:0/96", 0),  # IPv4-translated
        ("64:ff9b::/96", 0),  # NAT64
        ("2002::/16", 80),  # 6to4
    )
)
MAX_URL = 2000


class OutOfReach(BadInput):
    """Webhooks may not reach this address."""


def networks(listed: str) -> list[Network]:
    """Parse the setting: addresses and networks, separated by commas. Raises `BadInput`."""
    try:
        return [ipaddress.ip_network(one.strip()) for one in listed.split(",") if one.strip()]
    except ValueError as error:
        raise BadInput(
            f"INKLOOM_CALLBACK_NETWORKS lists addresses and networks, such as 10.0.0.0/8: {error}"
        ) from error


def is_public(address: Address) -> bool:
    """Whether an address belongs to a host of the public internet. One that carries an IPv4 address is judged by it."""
    if isinstance(address, ipaddress.IPv6Address):
        for carrier, following in CARRIERS:
            if address in carrier:
                return is_public(ipaddress.IPv4Address(int(address) >> following & 0xFFFFFFFF))
        return address in GLOBAL_IPV6 and not any(address in network for network in SPECIAL_IPV6)
    return not any(address in network for network in SPECIAL_IPV4)


def may_reach(address: Address, allowed: Iterable[Network]) -> bool:
    """Public addresses, and those that the installation lists."""
    return is_public(address) or any(address in network for network in allowed if network.version == address.version)


def check_url(url: str, allowed: Sequence[Network]) -> None:
    """Raise `BadInput` for a URL that can be refused without resolving its name."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadInput(f"{url[:100]!r} is not a URL.") from error
    if parts.scheme not in ("https", "http") or not parts.hostname or port == 0:
        raise BadInput("A webhook needs a URL such as https://example.org/hooks/inkloom.")
    if parts.username is not None or parts.password is not None:
        raise BadInput("A webhook's URL must not name a user: messages are signed instead.")
    if not url.isascii() or any(sign <= " " or sign in "\\#" or sign == "\x7f" for sign in url) or len(url) > MAX_URL:
        raise BadInput(f"A webhook's URL must be plain ASCII without a fragment, at most {MAX_URL} characters.")
    literal = _literal(parts.hostname)
    if literal is not None and not may_reach(literal, allowed):
        raise OutOfReach("Webhooks cannot use private addresses; INKLOOM_CALLBACK_NETWORKS lists exceptions.")
    if parts.scheme == "http" and not (literal is not None and any(literal in network for network in allowed)):
        raise BadInput("A webhook's URL must begin with https://, so that its messages stay private.")


def _literal(host: str) -> Address | None:
    """The address of a host that is an IP address in any spelling that resolvers accept: 2130706433, 0x7f.1,
    017700000001.
    """
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


async def _by_system(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_, sockaddr in found]


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to a host only after checking its addresses. `resolve` looks them up."""

    def __init__(
        self,
        allowed: Sequence[Network] = (),
        *,
        resolve: Resolve | None = None,
        inner: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self._allowed = allowed
        self._resolve = resolve or _by_system
        self._inner = inner or httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first of its addresses, all of which must be allowed. Raises `OutOfReach`, or what httpcore
        raises.
        """
        for address in (found := await self._resolved(host, port, timeout)):
            if not may_reach(address, self._allowed):
                raise OutOfReach(f"{host} resolves to an address that webhooks cannot use.")
        return await self._inner.connect_tcp(str(found[0]), port, timeout, local_address, socket_options)

    async def _resolved(self, host: str, port: int, patience: float | None) -> list[Address]:
        if (literal := _literal(host)) is not None:
            return [literal]
        try:
            async with asyncio.timeout(patience):
                return [ipaddress.ip_address(one.partition("%")[0]) for one in await self._resolve(host, port)]
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(f"{host} could not be resolved in time") from error
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} could not be resolved") from error

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109  # the signature is httpcore's
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise OutOfReach("Webhooks cannot use sockets of this machine.")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)

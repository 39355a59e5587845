"""Which client a request comes from, as far as that can be known behind proxies."""

from ipaddress import ip_address, ip_network

from starlette.requests import HTTPConnection
from starlette.types import Scope

_PASSED_ON = {"forwarded", "via", "x-real-ip", "x-client-ip", "cf-connecting-ip", "true-client-ip"}


def client_address(scope: Scope) -> str:
    """The client's address: the peer's, or what a proxy of INKLOOM_TRUSTED_PROXIES says it is."""
    client = scope.get("client")
    return client[0] if client else ""


def counted_as(scope: Scope) -> str:
    """The key by which limits count a client: its address; for IPv6 the /64 network, which one client may own."""
    given = client_address(scope)
    try:
        address = ip_address(given.partition("%")[0])
    except ValueError:
        # A proxy may send anything; the column holds 45 characters.
        return given[:45]
    if address.version == 4:
        return str(address)
    return str(address.ipv4_mapped or ip_network((address, 64), strict=False))


def passed_on(connection: HTTPConnection) -> bool:
    """Whether a proxy stands between the client and this process, so that the peer's address says nothing.

    Proxies that add no header still speak HTTP 1.0, which no client does.
    """
    return connection.scope.get("http_version") == "1.0" or any(
        name in _PASSED_ON or name.startswith("x-forwarded-") for name in connection.headers
    )

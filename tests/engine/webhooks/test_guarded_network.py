"""Where callbacks may go: to the public internet and to what is listed, whatever an address is written as."""

import ipaddress
from collections.abc import Iterable
from typing import Any

import httpcore
import pytest

from engine.errors import BadInput
from engine.webhooks.guarded_network import GuardedNetwork, OutOfReach, check_url, is_public, may_reach, networks

pytestmark = pytest.mark.unit

PRIVATE = [
    "127.0.0.1",
    "127.8.9.10",
    "0.0.0.0",  # noqa: S104  # refused, not bound
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "198.18.0.1",
    "192.0.0.8",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "fe80::1",
    "fc00::1",
    "fd12:3456::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a9fe:a9fe",
    "2002:7f00:1::",
    "2001:0:7f00:1::80ff:fffe",
    "2001:db8::1",
    # Special by registry, whatever this version of Python knows of it.
    "168.63.129.16",
    "::ffff:168.63.129.16",
    "64:ff9b::a83f:8110",
    "2002:a83f:8110::1",
    "192.0.0.192",
    "192.0.2.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "2002:c058:6301::",
    "192.175.48.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.7",
    "239.255.255.255",
    "100.100.100.200",
    "::ffff:0:10.0.0.1",
    "64:ff9b::a00:1",
    "64:ff9b:1::1",
    "64:ff9b:1::101:101",
    "100::1",
    "100:0:0:1::1",
    "2001::1",
    "2001:0:101:101::1",
    "2001:1::1",
    "2001:2::1",
    "2001:3::1",
    "2001:4:112::1",
    "2001:10::1",
    "2001:20::1",
    "2001:30::1",
    "2001:1ff:ffff::1",
    "2002:a00:1::1",
    "2002:c0a8:101::",
    "2620:4f:8000::1",
    "3ffe::1",
    "3fff::1",
    "3fff:fff:ffff::1",
    "4000::1",
    "5f00::1",
    "fd00:ec2::254",
    "febf::1",
    "fec0::1",
    "feff:ffff::1",
    "ff0e::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_of_our_own_network_is_not_public(address: str) -> None:
    """Loopback, private, link-local with the metadata service, carrier, multicast, reserved; wrapped or not."""
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        *("93.184.215.14", "1.1.1.1", "168.63.129.15", "168.63.129.17", "192.88.98.1", "223.255.255.255"),
        *("2606:4700::1111", "2001:200::1", "2001:4860:4860::8888", "3fff:1000::1", "2a00:1450:4001::1"),
        *("::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::1"),
    ],
)
def test_an_address_of_the_internet_is(address: str) -> None:
    """Wrapped ones too: what counts is where they lead."""
    assert is_public(ipaddress.ip_address(address))


def test_what_is_listed_may_be_reached() -> None:
    """And nothing beside it."""
    allowed = networks("10.0.0.0/8, ::1")
    assert may_reach(ipaddress.ip_address("10.9.9.9"), allowed)
    assert may_reach(ipaddress.ip_address("::1"), allowed)
    assert not may_reach(ipaddress.ip_address("10.0.0.1"), networks("10.0.0.0/32"))
    assert not may_reach(ipaddress.ip_address("127.0.0.1"), allowed)
    with pytest.raises(BadInput, match="INKLOOM_CALLBACK_NETWORKS"):
        networks("everywhere")


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://localhost:99999/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://017700000001/",
        "https://127.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[fe80::1%25eth0]/",
        "https://169.254.169.254/latest/meta-data",
        "http://example.org/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:25/",
        "https://user:word@example.org/",
        "https://example.org@127.0.0.1/",
        "https:///nowhere",
        "https://example.org/#part",
        "https://example.org/a b",
        "https://example.org/\nHost: other",
        "https://exämple.org/",
        "https://example.org:0/",
        "https://example.org\\@127.0.0.1/",
        "",
    ],
)
def test_a_url_that_leads_astray_is_refused(url: str) -> None:
    """Before anything is looked up."""
    with pytest.raises(BadInput):
        check_url(url, ())


def test_a_url_that_is_well_is_taken() -> None:
    """Encrypted; in the open only to a network that is listed."""
    check_url("https://example.org/hooks?x=1", ())
    check_url("http://127.0.0.1:9000/hook", networks("127.0.0.0/8"))


class Recorded(httpcore.AsyncNetworkBackend):
    """Notes where a connection would go, and does not make it."""

    def __init__(self) -> None:
        self.went: list[str] = []

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        self.went.append(host)
        raise httpcore.ConnectError("not in a test")


def alternating(*answers: list[str]) -> Any:
    """A name server that says something else each time."""
    left = list(answers)

    async def resolve(host: str, port: int) -> list[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve


async def test_a_name_is_looked_up_once_and_what_was_looked_at_is_where_it_goes() -> None:
    """A name that is public when it is looked at, and private the next moment, leads to the public address."""
    inner = Recorded()
    network = GuardedNetwork(resolve=alternating(["1.1.1.1"], ["127.0.0.1"]), inner=inner)
    with pytest.raises(httpcore.ConnectError):
        await network.connect_tcp("rebinding.example", 443)
    assert inner.went == ["1.1.1.1"]


@pytest.mark.parametrize(
    "answers", [["127.0.0.1"], ["1.1.1.1", "10.0.0.1"], ["::1"], ["::ffff:10.0.0.1"], ["fe80::1%eth0"]], ids=str
)
async def test_a_name_that_stands_for_a_private_address_is_not_connected_to(answers: list[str]) -> None:
    """Not even where only one of several is."""
    inner = Recorded()
    with pytest.raises(OutOfReach):
        await GuardedNetwork(resolve=alternating(answers), inner=inner).connect_tcp("inside.example", 443)
    assert inner.went == []


async def test_a_literal_is_not_looked_up() -> None:
    """However it is written, it is judged as the address that it is."""

    async def never(host: str, port: int) -> list[str]:
        raise AssertionError(host)

    network = GuardedNetwork(resolve=never, inner=Recorded())
    for host in ("127.0.0.1", "0x7f000001", "::1"):
        with pytest.raises(OutOfReach):
            await network.connect_tcp(host, 443)

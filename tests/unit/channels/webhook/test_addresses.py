"""Which addresses are public, in every spelling and with every embedded address."""

import socket
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.channels.webhook.addresses import (
    Address,
    PrivateAddress,
    PublicResolver,
    kind_of,
    literal,
    public_socket,
    refused_literal,
)
from notifier.channels.webhook.channel import WebhookChannel, check_webhook_url
from notifier.config.values.webhook import PLAIN

PRIVATE = {
    "0.0.0.0": "unspecified",
    "0.1.2.3": "private",
    "10.0.0.1": "private",
    "100.64.0.1": "shared (carrier-grade NAT)",
    "100.127.255.255": "shared (carrier-grade NAT)",
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "169.254.169.254": "link-local",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.168.1.1": "private",
    "192.0.2.1": "private",
    "198.18.0.1": "private",
    "224.0.0.1": "multicast",
    "239.255.255.255": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "reserved",
    "::": "unspecified",
    "::1": "loopback",
    "fe80::1": "link-local",
    "fec0::1": "private",
    "fc00::1": "private",
    "fd12:3456::1": "private",
    "ff02::1": "multicast",
    "2001:db8::1": "private",
    "100::1": "reserved",
    "::7f00:1": "reserved",
    "::ffff:0:7f00:1": "reserved",
    "::ffff:127.0.0.1": "loopback",
    "::ffff:169.254.169.254": "link-local",
    "64:ff9b::10.0.0.1": "private",
    "64:ff9b:1::1": None,
    "2002:7f00:1::1": "loopback",
    "2002:c0a8:101::": "private",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2": "private",
}
PUBLIC = [
    *("1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.32.0.1", "223.255.255.255"),
    *("2606:4700::1111", "2a00:1450:4001::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"),
]

v4 = st.ip_addresses(v=4)
NEVER: list[IPv4Network | IPv6Network] = [
    *(IPv4Network(net) for net in ("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16")),
    *(IPv4Network(net) for net in ("172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3")),
    *(IPv6Network(net) for net in ("::/96", "fc00::/7", "fe80::/9", "ff00::/8", "2001:db8::/32", "2001::/32")),
]


def carriers(address: IPv4Address) -> list[IPv6Address]:
    """The IPv6 addresses that lead to an IPv4 address: mapped, NAT64 and 6to4."""
    number = int(address)
    return [
        IPv6Address((0xFFFF << 32) | number),
        IPv6Address(int(IPv6Address("64:ff9b::")) | number),
        IPv6Address((0x2002 << 112) | (number << 80) | 1),
    ]


@pytest.mark.parametrize(("address", "kind"), PRIVATE.items())
def test_an_address_that_is_not_public_is_refused_by_its_kind(address: str, kind: str | None) -> None:
    found = kind_of(ip_address(address))
    assert found is not None
    assert kind in (found, None)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_no_kind(address: str) -> None:
    assert kind_of(ip_address(address)) is None


@given(st.sampled_from(NEVER).flatmap(lambda net: st.ip_addresses(network=net)))
def test_no_address_of_a_closed_network_is_public(address: Address) -> None:
    assert kind_of(address) is not None


@given(v4)
def test_an_address_that_carries_another_is_what_that_is(address: IPv4Address) -> None:
    for carrier in carriers(address):
        assert kind_of(carrier) == kind_of(address)


@given(v4 | st.ip_addresses(v=6))
def test_every_address_has_an_answer_and_its_text_the_same(address: Address) -> None:
    assert literal(str(address)) == address
    assert (refused_literal(str(address)) is None) == (kind_of(address) is None)


def spellings(address: IPv4Address) -> list[str]:
    """How `inet_aton` may be told an address: 1 to 4 parts, each decimal or hexadecimal."""
    number = int(address)
    a, b, c, d = address.packed
    return [
        str(number),
        hex(number),
        hex(number).upper(),
        f"{a}.{number & 0xFFFFFF}",
        f"{a}.{b}.{number & 0xFFFF}",
        f"0{a:o}.{b:#x}.{c}.{d}",
        f"{address}.",
    ]


@given(v4)
def test_an_unusual_spelling_is_the_address(address: IPv4Address) -> None:
    for spelling in spellings(address):
        assert literal(spelling) == address, spelling


@pytest.mark.parametrize("host", ["example.com", "localhost", "1.2.3.4.example.com", "", "face.b00c", "1.2.3.4.5", "x"])
def test_a_name_is_no_address(host: str) -> None:
    assert literal(host) is None
    assert refused_literal(host) is None


@given(st.text(max_size=40))
def test_any_host_has_an_answer(host: str) -> None:
    refused_literal(host)


def infos(*addresses: str) -> list[Any]:
    return [
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (address, 443, 0, 0))
        if ":" in address
        else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))
        for address in addresses
    ]


def resolver(*addresses: str, allow_private: bool = False) -> PublicResolver:
    return PublicResolver(allow_private=allow_private, lookup=lambda *_: infos(*addresses))


async def test_private_addresses_among_public_ones_are_left_out() -> None:
    found = await resolver("127.0.0.1", "8.8.8.8", "fd00::1", "2606:4700::1111").resolve("x.example", 443)
    assert [each["host"] for each in found] == ["8.8.8.8", "2606:4700::1111"]


async def test_a_name_with_only_private_addresses_is_refused_with_the_cure() -> None:
    with pytest.raises(PrivateAddress, match=r"x\.example is 127\.0\.0\.1, a loopback address.*allow_private: true"):
        await resolver("127.0.0.1", "10.0.0.1").resolve("x.example", 443)


async def test_where_they_are_allowed_all_addresses_stay() -> None:
    found = await resolver("127.0.0.1", "8.8.8.8", allow_private=True).resolve("x.example", 443)
    assert [each["host"] for each in found] == ["127.0.0.1", "8.8.8.8"]


async def test_a_link_local_address_keeps_its_zone() -> None:
    info = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("fe80::1", 443, 0, 2))
    found = await PublicResolver(allow_private=True, lookup=lambda *_: [info]).resolve("x.example", 443)
    assert found[0]["host"] == "fe80::1%2"


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "::1", "::ffff:10.0.0.1", "fe80::1%2"])
def test_no_socket_is_made_for_a_private_address(address: str) -> None:
    with pytest.raises(PrivateAddress):
        public_socket(infos(address)[0])


def test_a_socket_is_made_for_a_public_address() -> None:
    with public_socket(infos("8.8.8.8")[0]) as made:
        assert made.family == socket.AF_INET


@pytest.mark.parametrize(
    ("url", "allow_private", "reason"),
    [
        ("https://example.com/hooks", False, None),
        ("https://8.8.8.8/", False, None),
        ("http://localhost/", False, None),  # a name: looked up at each attempt
        ("http://127.1/hooks", True, None),
        ("http://127.1/canary", False, "127.1 is 127.0.0.1, a loopback address; "),
        ("https://[fd00::1]/canary", False, "fd00::1, a private address; "),
        ("https://user:canary@example.com/", False, "expected an address without user and password"),
        ("ftp://example.com/canary", False, "not an address: expected one that starts with https://"),
        ("https://example.com:canary/", False, "not an address"),
    ],
)
def test_a_webhooks_address_is_checked_at_load(url: str, allow_private: bool, reason: str | None) -> None:
    told = check_webhook_url(url, allow_private)
    assert (told is None) == (reason is None)
    assert (told or "").startswith(reason or "")
    assert "canary" not in (told or "")


@given(st.from_regex(PLAIN, fullmatch=True))
def test_a_plain_address_is_right_without_asking(url: str) -> None:
    assert check_webhook_url(url, allow_private=False) is None


@given(st.text(max_size=60) | st.text(max_size=60).map("http://{}/".format), st.booleans())
def test_any_text_is_an_address_or_has_a_reason(url: str, allow_private: bool) -> None:
    reason = check_webhook_url(url, allow_private)
    if reason is None:
        WebhookChannel(
            name="x",
            url=url,
            secrets=["whsec_AAAA"],
            allow_private=allow_private,
            redact=str,
            clock=lambda: datetime(2026, 11, 23, tzinfo=UTC),
        )

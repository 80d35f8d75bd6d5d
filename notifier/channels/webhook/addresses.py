"""Restricts the addresses that a webhook may connect to: public ones, unless its user allows others.

The check runs at the lookup of a name, and again when each socket is made, on the address that it connects to. So a
name that changes its address in between (DNS rebinding) gains nothing, nor does an unusual spelling of an address.
"""

import errno
import re
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from notifier import network
from notifier.channels.bounds import AddrInfo, metered_socket
from notifier.network import Lookup

Address = IPv4Address | IPv6Address
_SHARED = IPv4Network("100.64.0.0/10")
"""Addresses between a provider and its customers (RFC 6598)."""

_NAT64 = IPv6Network("64:ff9b::/96")
"""An IPv4 address in its last 32 bits, reached through a translator (RFC 6052)."""

_NUMERIC = re.compile(r"[0-9a-fx.]+", re.IGNORECASE)


class PrivateAddress(OSError):
    """The address is not public, and only public ones are allowed."""

    def __init__(self, host: str, address: str, kind: str) -> None:
        super().__init__(errno.EACCES, refusal(host, address, kind))


def refusal(host: str, address: str, kind: str) -> str:
    """Returns the text for a refused address, with the cure."""
    where = f"{host} is {address}" if host != address else address
    return f"{where}, a {kind} address; if that is meant, give the channel `allow_private: true`"


def kind_of(address: Address) -> str | None:
    """Returns in a word why an address is not public; None for a public one.

    An IPv6 address that carries an IPv4 address (mapped, NAT64, 6to4) is judged by that one, where the packet ends up.
    """
    if isinstance(address, IPv6Address):
        carried = address.ipv4_mapped or address.sixtofour
        if carried is None and address in _NAT64:
            carried = IPv4Address(int(address) & 0xFFFFFFFF)
        if carried is not None:
            return kind_of(carried)
    kinds = (
        (address.is_unspecified, "unspecified"),
        (address.is_loopback, "loopback"),
        (address.is_link_local, "link-local"),
        (address.is_multicast, "multicast"),
        (address in _SHARED, "shared (carrier-grade NAT)"),
        (address.is_reserved, "reserved"),
        (isinstance(address, IPv6Address) and address.is_site_local, "private"),
        (address.is_private, "private"),
        (not address.is_global, "special-purpose"),
    )
    return next((word for applies, word in kinds if applies), None)


def literal(host: str) -> Address | None:
    """Returns the address that a URL's host spells out, in any form that a resolver accepts; None for a name.

    IPv4 may also be `127.1`, `0x7f000001`, `2130706433` or `0177.0.0.1`: `inet_aton` and `getaddrinfo` accept them all.
    """
    bare = host.strip("[]").rstrip(".")
    try:
        return ip_address(bare)
    except ValueError:
        pass
    if not _NUMERIC.fullmatch(bare):
        return None
    try:
        return IPv4Address(socket.inet_aton(bare))
    except OSError:
        return None


def refused_literal(host: str) -> str | None:
    """Returns why a URL with this host is refused before any lookup; None if it is not."""
    address = literal(host)
    kind = kind_of(address) if address is not None else None
    return refusal(host, str(address), kind) if kind is not None else None


class PublicResolver(network.Resolver):
    """Looks names up as the system does, and refuses addresses that are not public unless they are allowed.

    `resolve` raises `PrivateAddress` if a name has only such addresses.
    """

    def __init__(self, *, allow_private: bool, lookup: Lookup = socket.getaddrinfo) -> None:
        super().__init__(lookup)
        self._allow_private = allow_private

    def refuse(self, host: str, address: str) -> OSError | None:
        """Returns why the address is refused: it is not public."""
        kind = None if self._allow_private else kind_of(ip_address(address))
        return PrivateAddress(host, address, kind) if kind is not None else None


def public_socket(addr_info: AddrInfo) -> socket.socket:
    """Returns a socket for this address, for aiohttp's `socket_factory`.

    Raises:
        PrivateAddress: it is not public.
    """
    address = str(addr_info[4][0])
    kind = kind_of(ip_address(address))
    if kind is not None:
        raise PrivateAddress(address, address, kind)
    return metered_socket(addr_info)

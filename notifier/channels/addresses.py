"""Which network addresses a webhook may connect to: public ones, unless its user allows the others too.

The check stands where nothing can slip past it: at the lookup of a name, and again at the making of each socket, with
the very address that it is about to connect to. So a name that changes its address between a check and its use (DNS
rebinding) gains nothing, nor does an address in an odd spelling.
"""

import asyncio
import errno
import re
import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

from notifier.channels.bounds import AddrInfo, metered_socket
from notifier.channels.threads import in_daemon_thread

Address = IPv4Address | IPv6Address
Lookup = Callable[[str, int, int, int], list[Any]]
"""What `socket.getaddrinfo` does: host, port, family and type in, its list of five-tuples out."""

_SHARED = IPv4Network("100.64.0.0/10")
"""Between a provider and its customers (RFC 6598)."""

_NAT64 = IPv6Network("64:ff9b::/96")
"""An IPv4 address in its last 32 bits, reached through a translator (RFC 6052)."""

_NUMERIC = re.compile(r"[0-9a-fx.]+", re.IGNORECASE)


class PrivateAddress(OSError):
    """The address is not a public one, and only public ones are allowed."""

    def __init__(self, host: str, address: str, kind: str) -> None:
        super().__init__(errno.EACCES, refusal(host, address, kind))


def refusal(host: str, address: str, kind: str) -> str:
    """The words for a refused address, with the cure."""
    where = f"{host} is {address}" if host != address else address
    return f"{where}, a {kind} address; if that is meant, give the channel `allow_private: true`"


def kind_of(address: Address) -> str | None:
    """What makes an address other than public, in a word; None for a public one.

    An IPv6 address that carries an IPv4 address (mapped, NAT64, 6to4) is what that one is: the packet ends up there.
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
    """The address that a URL's host spells out, in any form that a resolver would understand; None for a name.

    IPv4 also comes as `127.1`, `0x7f000001`, `2130706433` or `0177.0.0.1`: `inet_aton` reads them all, and so does
    `getaddrinfo`.
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
    """Why a URL with this host is refused before anything is looked up; None if it is not."""
    address = literal(host)
    kind = kind_of(address) if address is not None else None
    return refusal(host, str(address), kind) if kind is not None else None


MOST_LOOKUPS = 3
"""Of one channel at a time. A lookup cannot be cut: with a name server that is silent, each holds a thread."""


class Resolver(AbstractResolver):
    """Looks names up as the system does, in a thread that holds up neither other channels nor the exit."""

    def __init__(self, *, allow_private: bool, lookup: Lookup = socket.getaddrinfo) -> None:
        self._allow_private = allow_private
        self._lookup = lookup
        self._looking: set[asyncio.Future[list[Any]]] = set()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a name, without those that are refused.

        Raises:
            PrivateAddress: none is left.
            OSError: the name has no address, or nobody can say.
        """
        self._looking = {each for each in self._looking if not each.done()}
        if len(self._looking) >= MOST_LOOKUPS:
            raise OSError(errno.EAGAIN, f"{len(self._looking)} lookups before this one have had no answer yet")
        looking = in_daemon_thread(lambda: self._lookup(host, port, family, socket.SOCK_STREAM), name=f"lookup-{host}")
        self._looking.add(looking)
        found = await asyncio.shield(looking)  # cancelling the future would not end the thread
        allowed: list[ResolveResult] = []
        refused: PrivateAddress | None = None
        for actual_family, _, proto, _, sockaddr in found:
            kind = None if self._allow_private else kind_of(ip_address(sockaddr[0]))
            if kind is not None:
                refused = refused or PrivateAddress(host, sockaddr[0], kind)
                continue
            zone = f"%{sockaddr[3]}" if actual_family == socket.AF_INET6 and sockaddr[3] else ""
            allowed.append(
                ResolveResult(
                    hostname=host,
                    host=f"{sockaddr[0]}{zone}",
                    port=sockaddr[1],
                    family=actual_family,
                    proto=proto,
                    flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
                )
            )
        if refused is not None and not allowed:
            raise refused
        return allowed

    async def close(self) -> None:
        """There is nothing to close."""


def public_socket(addr_info: AddrInfo) -> socket.socket:
    """A socket for this address, which the caller connects to next.

    Raises:
        PrivateAddress: it is not public.
    """
    address = str(addr_info[4][0])
    kind = kind_of(ip_address(address))
    if kind is not None:
        raise PrivateAddress(address, address, kind)
    return metered_socket(addr_info)

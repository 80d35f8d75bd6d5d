"""Looks up the addresses of names, so that a name server that is silent costs its own lookups alone.

asyncio and aiohttp look names up in the event loop's default executor, a pool of a few threads. A lookup cannot be cut:
with a silent name server a few of them take all threads for half a minute or longer, and nothing else that wants one
gets on; and at its end the process waits for them.
"""

import asyncio
import errno
import socket
from collections.abc import Callable
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

from notifier.threads import in_daemon_thread

Lookup = Callable[[str, int, int, int], list[Any]]
"""What `socket.getaddrinfo` does: host, port, family and type in, its list of five-tuples out."""

MOST_LOOKUPS = 3
"""Of one resolver at a time; each holds a thread until its answer comes."""


def _getaddrinfo(host: str, port: int, family: int, kind: int) -> list[Any]:
    """Ask as aiohttp does: for addresses of the families that this machine has."""
    return socket.getaddrinfo(host, port, family, kind, flags=socket.AI_ADDRCONFIG)


class Resolver(AbstractResolver):
    """Looks names up as the system does, in a thread that holds up neither other work nor the process's exit."""

    def __init__(self, lookup: Lookup = _getaddrinfo) -> None:
        """
        Args:
            lookup: asks the system.
        """
        self._lookup = lookup
        self._looking: set[asyncio.Future[list[Any]]] = set()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a name, without those that `refuse` refuses.

        Raises:
            OSError: the name has no address, none that is allowed, or nobody can say.
        """
        allowed: list[ResolveResult] = []
        refused: OSError | None = None
        for actual_family, _, proto, _, sockaddr in await self._looked_up(host, port, family):
            if (refusal := self.refuse(host, sockaddr[0])) is not None:
                refused = refused or refusal
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

    def refuse(self, host: str, address: str) -> OSError | None:
        """Why this address of the host is not to be connected to; None if it may be."""
        del host, address
        return None

    async def close(self) -> None:
        """There is nothing to close."""

    async def _looked_up(self, host: str, port: int, family: int) -> list[Any]:
        self._looking = {each for each in self._looking if not each.done()}
        if len(self._looking) >= MOST_LOOKUPS:
            raise OSError(errno.EAGAIN, f"{len(self._looking)} lookups before this one have had no answer yet")
        looking = in_daemon_thread(lambda: self._lookup(host, port, family, socket.SOCK_STREAM), name=f"lookup-{host}")
        self._looking.add(looking)
        looking.add_done_callback(_heard)
        return await asyncio.shield(looking)  # cancelling the future would not end the thread


def _heard(looking: asyncio.Future[list[Any]]) -> None:
    """Let a lookup fail in silence whose waiter has gone: asyncio would log it as lost."""
    if not looking.cancelled():
        looking.exception()

"""Bounds what strangers can hold of a listener: connections, of one address and in all, and the time that each takes.

Whoever sends half a request, or reads an answer a byte at a time, gets as long as an honest client needs and no longer.
At the cap the connection that has been idle for longest makes room: a new one that sends its request at once is served,
even while others hold theirs open. So descriptors are left for the work: looks, messages, the database.
"""

import asyncio
import resource
from collections.abc import Callable
from typing import Any, cast

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

MOST = 128
"""Connections in all. A fleet of Prometheus servers, health checks and browsers has some ten."""

MOST_OF_ONE = 64
"""Connections of one address; a reverse proxy is one."""

LEAST = 8
_SHARE = 8
"""At most an eighth of the descriptors that the process may have."""

HEAD_S = 5.0
"""From the connection to the end of its first request's head."""

ANSWER_S = 30.0
"""From a request's head to its answer."""

IDLE_S = 30.0
"""From an answer to the end of the next request's head; the sending of the answer counts."""

BACKLOG = 32
"""Connections that the system accepts before they are counted."""


class Connections:
    """The connections of one listener."""

    def __init__(
        self, *, most: int | None = None, most_of_one: int = MOST_OF_ONE, head: float = HEAD_S, idle: float = IDLE_S
    ) -> None:
        """
        Args:
            most: connections in all; by the limits of the process unless given.
            most_of_one: connections of one address.
            head, idle: seconds that the first head, and any later one, may take.
        """
        self._most = allowed() if most is None else most
        self._most_of_one = min(most_of_one, self._most)
        self._head = head
        self._idle = idle
        self._open: dict[asyncio.BaseTransport, Connection] = {}

    def __len__(self) -> int:
        return len(self._open)

    def protocol(self, make: Callable[[], asyncio.Protocol]) -> asyncio.Protocol:
        """What handles the next connection, within the bounds."""
        return Connection(self, make)

    def middleware(self) -> Middleware:
        """Tells when a request's head is there, and when its answer begins: the outermost of an application's."""

        @web.middleware
        async def timed(request: web.Request, handler: Handler) -> web.StreamResponse:
            connection = self._open.get(cast(Any, request.transport))
            if connection is None:
                return await handler(request)
            connection.wait(ANSWER_S, busy=True)
            try:
                return await handler(request)
            finally:
                connection.wait(self._idle)

        return timed

    def opened(self, connection: "Connection", transport: asyncio.Transport) -> bool:
        """Count a new connection in; whether it may stay."""
        peers = [each for each in self._open.values() if each.peer == connection.peer]
        if len(peers) >= self._most_of_one and not _make_room(peers):
            return False
        if len(self._open) >= self._most and not _make_room(self._open.values()):
            return False
        self._open[transport] = connection
        connection.wait(self._head)
        return True

    def closed(self, transport: asyncio.BaseTransport) -> None:
        """Count a connection out."""
        self._open.pop(transport, None)


class Connection(asyncio.Protocol):
    """One connection: passes everything on to the protocol that speaks HTTP, and ends it when its time is over."""

    def __init__(self, all_of_them: Connections, make: Callable[[], asyncio.Protocol]) -> None:
        self._all = all_of_them
        self._make = make
        self._inner: asyncio.Protocol | None = None
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.busy = False
        self.peer = ""
        self.since = 0.0

    def wait(self, seconds: float, *, busy: bool = False) -> None:
        """Give it so long until it is told again what comes next."""
        loop = asyncio.get_running_loop()
        self.busy, self.since = busy, loop.time()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_later(seconds, self.end)

    def end(self) -> None:
        """End it without a word."""
        if self._transport is not None:
            self._all.closed(self._transport)
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self.peer = str(peer[0]) if peer else ""
        if not self._all.opened(self, self._transport):
            self._transport.abort()
            return
        self._inner = self._make()
        self._inner.connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._all.closed(self._transport)
        if self._inner is not None:
            self._inner.connection_lost(error)

    def data_received(self, data: bytes) -> None:
        if self._inner is not None:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._inner is not None else None

    def pause_writing(self) -> None:
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self._inner is not None:
            self._inner.resume_writing()


def allowed() -> int:
    """How many connections a listener may have, by the descriptors that the process may have."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors == resource.RLIM_INFINITY:
        return MOST
    return max(LEAST, min(MOST, descriptors // _SHARE))


def _make_room(connections: Any) -> bool:
    """End the one that has waited for longest for its client; whether there was one."""
    idle = [each for each in connections if not each.busy]
    if not idle:
        return False
    min(idle, key=lambda each: each.since).end()
    return True

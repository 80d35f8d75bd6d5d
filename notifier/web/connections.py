"""Limits the connections of a listener, for each address and in all, and the time that each may take.

A client that sends half a request, or reads an answer a byte at a time, gets as long as an honest one needs. At the
limit the connection that has been idle for longest is closed: a new client that sends its request at once is served,
even while others hold connections open. So descriptors are left for the work: polls, messages, the database.
"""

import asyncio
import resource
from collections.abc import Callable
from typing import Any, cast

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

MOST = 128
"""Connections in all. A fleet of Prometheus servers, health checks and browsers has about ten."""

MOST_OF_ONE = 64
"""Connections of one client address; a reverse proxy is one."""

LEAST = 8
_SHARE = 8
"""At most an eighth of the descriptors of the process."""

HEAD_S = 5.0
"""Seconds from the connection to the end of its first request's head."""

ANSWER_S = 30.0
"""Seconds from a request's head to its answer."""

IDLE_S = 30.0
"""Seconds from an answer to the end of the next request's head, with the sending of the answer."""

BACKLOG = 32
"""Connections that the system accepts before they count."""


class Connections:
    """The connections of one listener."""

    def __init__(
        self, *, most: int | None = None, most_of_one: int = MOST_OF_ONE, head: float = HEAD_S, idle: float = IDLE_S
    ) -> None:
        """
        Args:
            most: connections in all; unless given, by the descriptors of the process.
            most_of_one: connections of one address.
            head, idle: seconds that the first head and any later one may take.
        """
        self._most = allowed() if most is None else most
        self._most_of_one = min(most_of_one, self._most)
        self._head = head
        self._idle = idle
        self._open: dict[asyncio.BaseTransport, Connection] = {}

    def __len__(self) -> int:
        return len(self._open)

    def protocol(self, make: Callable[[], asyncio.Protocol]) -> asyncio.Protocol:
        """Return the protocol of the next connection."""
        return Connection(self, make)

    def middleware(self) -> Middleware:
        """Return the outermost middleware of the application: it times heads and answers."""

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
        """Count a new connection; return whether it may stay."""
        peers = [each for each in self._open.values() if each.peer == connection.peer]
        if len(peers) >= self._most_of_one and not _make_room(peers):
            return False
        if len(self._open) >= self._most and not _make_room(self._open.values()):
            return False
        self._open[transport] = connection
        connection.wait(self._head)
        return True

    def closed(self, transport: asyncio.BaseTransport) -> None:
        """Count a connection no longer."""
        self._open.pop(transport, None)


class Connection(asyncio.Protocol):
    """One connection: passes everything to the protocol of HTTP, and is closed when its time is over."""

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
        """Close the connection after so many seconds, unless this is called again."""
        loop = asyncio.get_running_loop()
        self.busy, self.since = busy, loop.time()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_later(seconds, self.end)

    def end(self) -> None:
        """Close the connection without an answer."""
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
    """Return how many connections a listener may have, by the descriptors of the process."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors == resource.RLIM_INFINITY:
        return MOST
    return max(LEAST, min(MOST, descriptors // _SHARE))


def _make_room(connections: Any) -> bool:
    """Close the connection that has been idle for longest; return whether there was one."""
    idle = [each for each in connections if not each.busy]
    if not idle:
        return False
    min(idle, key=lambda each: each.since).end()
    return True

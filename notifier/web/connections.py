"""Limits the connections of a listener, for each address and in all, and the time and size that each may take.

A client that sends half a request, or reads an answer a byte at a time, gets as long as an honest one needs. At the
limit the connection that has been idle for longest is closed: a new client that sends its request at once is served,
even while others hold connections open. So descriptors are left for the work: polls, messages, the database.
"""

import asyncio
import math
import resource
from collections.abc import Iterable
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.server import ServerState

from notifier.web.connection import Connection

MOST = 128
"""Connections in all. A fleet of Prometheus servers, health checks and browsers has about ten."""

MOST_OF_ONE = 112
"""Connections of one client address; a reverse proxy is one.

Each open page that one address may have (`live.hub.MOST_OF_ONE`) can read itself while its stream is open, all at once
after a change. What remains of `MOST` is for others.
"""

LEAST = 8
_SHARE = 8
"""At most an eighth of the descriptors of the process."""

HEAD_S = 5.0
"""Seconds from the connection to the end of its first request's head."""

ANSWER_S = 30.0
"""Seconds from a request's head to its answer."""

IDLE_S = 30.0
"""Seconds from an answer to the end of the next request's head, with the sending of the answer."""

STALLED_S = 10.0
"""Seconds for which the reader of an event stream may take nothing of what waits for it."""


class Connections:
    """The connections of one listener. Call it for the protocol of the next one."""

    def __init__(
        self,
        application: ASGIApp,
        *,
        most: int | None = None,
        most_of_one: int = MOST_OF_ONE,
        head: float = HEAD_S,
        answer: float = ANSWER_S,
        idle: float = IDLE_S,
        stalled: float = STALLED_S,
    ) -> None:
        """
        Args:
            application: answers the requests.
            most: connections in all; unless given, by the descriptors of the process.
            most_of_one: connections of one address.
            head, answer, idle, stalled: seconds that the first head, an answer, any later head, and an event stream
                that is not read may take.
        """
        self.config = uvicorn.Config(
            cast(Any, application),
            interface="asgi3",
            log_config=None,
            lifespan="off",
            ws="none",
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=math.ceil(idle) + 1,  # `idle` ends it before
        )
        self.config.load()
        self.state = ServerState()
        self.head, self.answer, self.idle, self.stalled = head, answer, idle, stalled
        self._most = allowed() if most is None else most
        self._most_of_one = min(most_of_one, self._most)
        self._open: set[Connection] = set()
        self._emptied = asyncio.Event()

    def __len__(self) -> int:
        return len(self._open)

    def __call__(self) -> Connection:
        return Connection(self)

    def opened(self, connection: Connection) -> bool:
        """Count a new connection; return whether it may stay."""
        peers = [each for each in self._open if each.peer == connection.peer]
        if len(peers) >= self._most_of_one and not _make_room(peers):
            return False
        if len(self._open) >= self._most and not _make_room(self._open):
            return False
        self._open.add(connection)
        self._emptied.clear()
        return True

    def closed(self, connection: Connection) -> None:
        """Count a connection no longer."""
        self._open.discard(connection)
        if not self._open:
            self._emptied.set()

    async def end(self, within: float) -> None:
        """Close all connections: each after the answer that it waits for, but none later than in so many seconds."""
        for connection in list(self._open):
            connection.shutdown()
        if self._open:
            try:
                async with asyncio.timeout(within):
                    await self._emptied.wait()
            except TimeoutError:
                for connection in list(self._open):
                    connection.end()
        for task in list(self.state.tasks):
            task.cancel()


def allowed() -> int:
    """Return how many connections a listener may have, by the descriptors of the process."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors == resource.RLIM_INFINITY:
        return MOST
    return max(LEAST, min(MOST, descriptors // _SHARE))


def _make_room(connections: Iterable[Connection]) -> bool:
    """Close the connection that has been idle for longest, or the oldest event stream; return whether there was one."""
    idle = [each for each in connections if not each.busy]
    if not idle:
        return False
    min(idle, key=lambda each: (each.streams, each.since)).end()
    return True

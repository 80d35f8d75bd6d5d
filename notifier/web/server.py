"""Listens at the configured address, moves when that changes, and tries a taken port again.

Notifications matter more than pages: an address that cannot be had stops neither polling nor deliveries.
"""

import asyncio
import errno
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from notifier.config.model import Http
from notifier.core.isolation import Faults
from notifier.core.work_units import Unit

if TYPE_CHECKING:  # imported by the first `http:` that is on, with uvicorn
    from starlette.types import ASGIApp

    from notifier.web.connections import Connections

AGAIN = timedelta(seconds=10)
"""The pause before an address that could not be had is tried again."""

BACKLOG = 32
"""Connections that the system accepts before they count."""

_END_WITHIN_S = 1.0

_CURES = {
    errno.EADDRINUSE: "another program listens there: end it, or give `http:` another port, or `off`",
    errno.EADDRNOTAVAIL: "this machine has no such address: give `http:` one that it has, or `off`",
    errno.EACCES: "that takes rights that the notifier does not have: give `http:` a port from 1024 on",
}
_NO_CURE = "give `http:` another address, or `off`"


class Server:
    """An HTTP server. `run` it in a task."""

    def __init__(
        self,
        http: Http | None,
        *,
        make: Callable[[Http], "ASGIApp"],
        changed: Callable[[str, str], None],
        again: timedelta = AGAIN,
        faults: Faults | None = None,
    ) -> None:
        """
        Args:
            http: where to listen; None for nowhere.
            make: makes the application; called in a thread, because it may import a framework.
            changed: called with the address and an empty trouble once the server listens there, or with the reason why
                it does not, once for each reason. While `http:` is off the address is empty, too.
            again: the pause before an address that could not be had is tried again.
            faults: isolates what listening raises.
        """
        self._faults = faults or Faults()
        self._wanted = http
        self._make = make
        self._changed = changed
        self._again = again.total_seconds()
        self._settled = False
        self._connections: Connections | None = None
        self._listener: asyncio.Server | None = None
        self._woken = asyncio.Event()
        self.trouble = ""

    def configure(self, http: Http | None) -> None:
        """Listen at another address from now on."""
        if http != self._wanted:
            self._wanted = http
            self._settled = False
            self._woken.set()

    async def run(self) -> None:
        """Listen until cancelled."""
        try:
            while True:
                self._woken.clear()
                if not self._settled:
                    with self._faults.alone(Unit.PAGE, "listen") as attempt:
                        await self._move()
                    self._settled = self._settled and attempt.fault is None
                await self._wait(None if self._settled else self._again)
        finally:
            await self._close()

    async def _wait(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return

    async def _move(self) -> None:
        """Close the old address first, as it may be in the way of the new one, and listen there."""
        await self._close()
        http, self._settled = self._wanted, True
        if http is None:
            self.trouble = ""
            self._changed("", "")
            return
        self._connections = await asyncio.to_thread(self._prepare, http)
        try:
            self._listener = await asyncio.get_running_loop().create_server(
                self._connections, http.host, http.port, backlog=BACKLOG
            )
        except OSError as error:
            await self._close()
            self._settled = False
            self._failed(http.address, why_not(error))
            return
        self.trouble = ""
        self._changed(_shown(self._listener.sockets[0].getsockname()), "")

    def _failed(self, address: str, why: str) -> None:
        trouble = f"{address}: {why}"
        if trouble != self.trouble:
            self.trouble = trouble
            self._changed(address, why)

    def _prepare(self, http: Http) -> "Connections":
        """Import the server and make the application: half a second of work, which the event loop does not wait for."""
        application = self._make(http)
        from notifier.web import connections

        return connections.Connections(application)

    async def _close(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()
        connections, self._connections = self._connections, None
        if connections is not None:
            await connections.end(_END_WITHIN_S)


def why_not(error: OSError) -> str:
    """Return why an address cannot be listened on, and what to do."""
    said = errno.errorcode.get(error.errno or 0, "")
    cure = _CURES.get(error.errno or 0, _NO_CURE)
    return f"cannot be listened on ({said or error}): {cure}"


def _shown(address: tuple[object, ...]) -> str:
    host, port = address[:2]
    return f"http://[{host}]:{port}" if ":" in str(host) else f"http://{host}:{port}"

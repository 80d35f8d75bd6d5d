"""Listens where the configuration says, and elsewhere when it says so; a port that is taken is tried again.

What is shown is not worth what is told: a page that cannot be shown keeps nobody from watching and telling.
"""

import asyncio
import errno
import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from aiohttp import web

from notifier.config.model import Http
from notifier.core.isolation import Faults
from notifier.core.units import Unit
from notifier.web.connections import BACKLOG, IDLE_S, Connections

AGAIN = timedelta(seconds=10)
"""Until a port that could not be had is tried again."""

_END_WITHIN_S = 1.0

_SILENT = logging.Logger("notifier.web.silent", logging.CRITICAL + 1)
"""For aiohttp's own lines, tracebacks of what strangers sent: what fails on our side is logged in `guard`."""

_CURES = {
    errno.EADDRINUSE: "another program listens there: end it, or give `http:` another port, or `off`",
    errno.EADDRNOTAVAIL: "this machine has no such address: give `http:` one that it has, or `off`",
    errno.EACCES: "that takes rights that the notifier does not have: give `http:` a port from 1024 on",
}
_NO_CURE = "give `http:` another address, or `off`"


class Server:
    """`run()` it in a task."""

    def __init__(
        self,
        http: Http | None,
        *,
        make: Callable[[str | None], web.Application],
        changed: Callable[[str, str], None],
        again: timedelta = AGAIN,
        faults: Faults | None = None,
    ) -> None:
        """
        Args:
            http: where to listen; None for nowhere.
            make: makes what answers, for a token.
            changed: told the address and that it listens there now (an empty trouble), or why it does not, once for
                each trouble. When `http:` is off the address is empty, too.
            again: until a port that could not be had is tried again.
            faults: bounds what listening raises.
        """
        self._faults = faults or Faults()
        self._wanted = http
        self._make = make
        self._changed = changed
        self._again = again.total_seconds()
        self._settled = False
        self._runner: web.AppRunner | None = None
        self._listener: asyncio.Server | None = None
        self._woken = asyncio.Event()
        self.trouble = ""

    def configure(self, http: Http | None) -> None:
        """Listen there from now on."""
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
        """Leave the old address, which may be in the way of the new one, and take that."""
        await self._close()
        http, self._settled = self._wanted, True
        if http is None:
            self.trouble = ""
            self._changed("", "")
            return
        connections = Connections()
        application = self._make(http.token)
        application.middlewares.insert(0, connections.middleware())
        runner = web.AppRunner(
            application,
            access_log=None,
            logger=_SILENT,
            handle_signals=False,
            keepalive_timeout=IDLE_S,
            shutdown_timeout=_END_WITHIN_S,
        )
        self._runner = runner
        await runner.setup()
        assert runner.server is not None
        make = partial(connections.protocol, runner.server)
        try:
            loop = asyncio.get_running_loop()
            self._listener = await loop.create_server(make, http.host, http.port, backlog=BACKLOG)
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

    async def _close(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()


def why_not(error: OSError) -> str:
    """Why an address cannot be listened on, and the cure."""
    said = errno.errorcode.get(error.errno or 0, "")
    cure = _CURES.get(error.errno or 0, _NO_CURE)
    return f"cannot be listened on ({said or error}): {cure}"


def _shown(address: tuple[object, ...]) -> str:
    host, port = address[:2]
    return f"http://[{host}]:{port}" if ":" in str(host) else f"http://{host}:{port}"

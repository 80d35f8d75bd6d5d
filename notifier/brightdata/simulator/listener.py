"""Serves a function of requests and answers over HTTP, by uvicorn's protocol on a socket of its own.

Routing is left to the function: an application with a router takes more than half of the time of a short request.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, cast

import uvicorn
from starlette.requests import Request as StarletteRequest
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

STOPS_WITHIN_S = 0.05
"""The longest wait for answers that are delayed on purpose."""

_SILENT = logging.Logger("notifier.simulator.silent", logging.CRITICAL + 1)


class Request(StarletteRequest):
    """A request, with what faults need of its connection."""

    @property
    def raw_path(self) -> str:
        """The path and the query as they were sent."""
        path, query = self.scope["raw_path"].decode("latin-1"), self.scope["query_string"].decode("latin-1")
        return f"{path}?{query}" if query else path

    @property
    def content_type(self) -> str:
        """The media type of the body, without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def transport(self) -> asyncio.Transport:
        """The connection."""
        transport: asyncio.Transport = self.scope["state"]["transport"]
        return transport


class Listener:
    """An HTTP server. Whoever hangs up has the answer that is being made cancelled."""

    def __init__(self, answer: Callable[[Request], Awaitable[Response]]) -> None:
        """
        Args:
            answer: returns the answer to a request.
        """

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            response = await answer(Request(scope, receive))
            await response(scope, receive, send)

        self._config = uvicorn.Config(
            cast(Any, application),
            interface="asgi3",
            log_config=None,
            lifespan="off",
            ws="none",
            proxy_headers=False,
            timeout_keep_alive=75,
        )
        self._config.load()
        self._state = ServerState()
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; return the port.

        Raises:
            OSError: it cannot listen there.
        """
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self._config, self._state), host, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening, and end what is left soon."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        tasks = set(self._state.tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=STOPS_WITHIN_S)
        for task in tasks:
            task.cancel()
        for connection in list(self._state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)


class _Connection(HttpToolsProtocol):
    """One connection, known to its requests; its end cancels them."""

    def __init__(self, config: uvicorn.Config, state: ServerState) -> None:
        super().__init__(config, state, {}, asyncio.get_running_loop())
        self.logger = _SILENT
        self.access_log = False
        self.app: Any = partial(self._run, self.app)
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.app_state = {"transport": transport}
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        if self._task is not None:
            self._task.cancel()

    async def _run(self, application: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        self._task = asyncio.current_task()
        try:
            await application(scope, receive, send)
        finally:
            self._task = None

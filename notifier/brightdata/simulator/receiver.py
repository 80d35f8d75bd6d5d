"""A local receiver of Apprise's `json://` messages, for the demonstration."""

import json
from collections.abc import Callable
from types import TracebackType
from typing import Self

from aiohttp import web


class MessageReceiver:
    """An HTTP server on loopback. It refuses the first message, to show a retry.

    Args:
        arrived: called with the title and the body of each message that it takes.
        refused: called when it refuses one.
    """

    def __init__(self, arrived: Callable[[str, str], None], refused: Callable[[], None]) -> None:
        self._arrived = arrived
        self._refused = refused
        self._requests = 0
        self._runner: web.ServerRunner | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        self._runner = web.ServerRunner(web.Server(self._answer))
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"json://127.0.0.1:{self._runner.addresses[0][1]}/"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        body = json.loads(await request.read())
        self._requests += 1
        if self._requests == 1:
            self._refused()
            return web.Response(status=503, text="try again later", headers={"Retry-After": "2"})
        self._arrived(body["title"], body["message"])
        return web.Response(text="thank you")

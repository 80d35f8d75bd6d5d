"""A local receiver of Apprise's `json://` messages, for the demonstration."""

import json
from collections.abc import Callable
from types import TracebackType
from typing import Self

from starlette.responses import PlainTextResponse, Response

from notifier.brightdata.simulator.listener import Listener, Request


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
        self._listener = Listener(self._answer)
        self.url = ""

    async def __aenter__(self) -> Self:
        self.url = f"json://127.0.0.1:{await self._listener.start('127.0.0.1', 0)}/"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._listener.close()

    async def _answer(self, request: Request) -> Response:
        body = json.loads(await request.body())
        self._requests += 1
        if self._requests == 1:
            self._refused()
            return PlainTextResponse("try again later", 503, {"Retry-After": "2"})
        self._arrived(body["title"], body["message"])
        return PlainTextResponse("thank you")

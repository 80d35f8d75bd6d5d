"""One connection: uvicorn's protocol of HTTP, with bounds on the time and size of what a client sends and reads."""

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, ASGISendEvent, Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from notifier.web.headers import HEADERS

if TYPE_CHECKING:
    from notifier.web.connections import Connections

LARGEST_HEAD = 64 * 1024
"""Bytes of a request's head."""

LARGEST_URL = 16 * 1024
MOST_HEADERS = 100
MOST_AHEAD = 16
"""Requests that a client may send before it has the answer to the first."""

EVENT_STREAM = b"text/event-stream"

_SILENT = logging.Logger("notifier.web.silent", logging.CRITICAL + 1)
"""Takes uvicorn's own lines: malformed requests, and tracebacks. What fails on our side is reported as a fault."""

_SAFE = frozenset({"GET", "HEAD"})


class _TooMuch(Exception):
    """The request is larger than allowed; the parser answers 400."""


class Connection(HttpToolsProtocol):
    """Is closed when its time is over, and counted by its `Connections`.

    Attributes:
        streams: whether the answer is an event stream, which may last.
        peer: the client's address.
        since: the time of the loop at which its present state began.
    """

    def __init__(self, all_of_them: "Connections") -> None:
        super().__init__(all_of_them.config, all_of_them.state, {}, asyncio.get_running_loop())
        self.logger = _SILENT
        self.access_log = False
        self.app: Any = partial(self._run, self.app)
        self._all = all_of_them
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._changes_nothing = True
        self._in_head = True
        self._head_bytes = 0
        self._answering = False
        self.streams = False
        self.peer = ""
        self.since = 0.0

    @property
    def busy(self) -> bool:
        """Whether the client waits for us, and not we for it; such a connection is not closed to make room."""
        return self._answering and not self.flow.write_paused

    def end(self) -> None:
        """Close the connection without an answer."""
        self._all.closed(self)
        self.transport.abort()

    def shutdown(self) -> None:
        """Close the connection: now, or after the answer that it waits for. An event stream ends now."""
        if self.streams and self._task is not None:
            self._task.cancel()
        super().shutdown()

    def _wait(self, seconds: float | None) -> None:
        """Close the connection after so many seconds, unless this is called again."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self.end)

    def _begin(self, seconds: float | None, *, answering: bool = False, streams: bool = False) -> None:
        self._answering, self.streams, self.since = answering, streams, self.loop.time()
        self._wait(seconds)

    # What asyncio calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        peer = transport.get_extra_info("peername")
        self.peer = str(peer[0]) if peer else ""
        super().connection_made(transport)
        if self._all.opened(self):
            self._begin(self._all.head)
        else:
            transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._wait(None)
        self._all.closed(self)
        super().connection_lost(error)
        if self._task is not None and self._changes_nothing:
            self._task.cancel()  # nobody reads its answer; what changes something is done to its end

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > LARGEST_HEAD:
            self._refuse(431, "the head of the request is too large\n")

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.streams:
            self._wait(self._all.stalled)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.streams:
            self._wait(None)

    # What the parser calls

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > LARGEST_URL:
            raise _TooMuch("url")

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if len(self.headers) > MOST_HEADERS:
            raise _TooMuch("headers")

    def on_headers_complete(self) -> None:
        self._in_head = False
        if len(self.pipeline) >= MOST_AHEAD:
            raise _TooMuch("requests")
        if not self._answering:
            self._begin(self._all.answer)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._answering = not (self.streams or self.cycle.response_complete)

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "this is no request that can be answered\n")

    def _refuse(self, status: int, text: str) -> None:
        """Answer what the parser refuses, and close. After the beginning of another answer only close."""
        if self.transport.is_closing():
            return
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete:
            body = text.encode()
            lines = [*HEADERS, (b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
            lines.append((b"content-length", str(len(body)).encode()))
            self.transport.write(
                b"".join((STATUS_LINE[status], *(b"%b: %b\r\n" % line for line in lines), b"\r\n", body))
            )
        self.transport.close()

    # What its requests call

    def on_response_complete(self) -> None:
        ahead = bool(self.pipeline)
        self._begin(self._all.answer if ahead else self._all.idle, answering=ahead)
        super().on_response_complete()

    async def _run(self, app: Any, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        self._task, self._changes_nothing = asyncio.current_task(), scope["method"] in _SAFE  # type: ignore[typeddict-item]
        if self._changes_nothing and self.transport.is_closing():
            return

        async def sending(message: ASGISendEvent) -> None:
            if message["type"] == "http.response.start" and _is_event_stream(message.get("headers", ())):
                self._begin(None, streams=True)
            await send(message)

        try:
            await app(scope, receive, sending)
        finally:
            self._task = None


def _is_event_stream(headers: Any) -> bool:
    return any(name.lower() == b"content-type" and value.startswith(EVENT_STREAM) for name, value in headers)

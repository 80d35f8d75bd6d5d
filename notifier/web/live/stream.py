"""`GET /events`: the stream of what changed, for the pages that are open."""

import asyncio
from collections.abc import Callable

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from notifier.web.live.rows import Rows
from notifier.web.live.subscriber import Subscriber
from notifier.web.sources import WebSources

PATH = "/events"

LONGEST_ID = 64

LONGEST_S = 3600.0
"""Seconds of one stream. Then the browser connects again, and its access is checked again."""

AGAIN_S = 30
"""`Retry-After` of a page that is one too many."""

_TOO_MANY = "Too many pages are open, so this one does not update by itself. Reload it to see what changed.\n"
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def router(sources: WebSources) -> APIRouter:
    """Return the route. Access control is around it, as for pages."""
    hub = sources.live
    rows = Rows(sources.queries, sources.clock)
    routes = APIRouter()

    @routes.get(PATH, include_in_schema=False)
    async def events(request: Request) -> Response:
        since = request.headers.get("last-event-id") or request.query_params.get("since", "")
        peer = request.client.host if request.client is not None else ""
        subscriber = hub.open(peer, since[:LONGEST_ID], rows)
        if subscriber is None:
            return PlainTextResponse(_TOO_MANY, 503, headers={"Retry-After": str(AGAIN_S)})
        return EventStream(subscriber, lambda: hub.close(subscriber))

    return routes


class EventStream(Response):
    """Sends a subscriber's messages until either side ends it."""

    media_type = "text/event-stream"

    def __init__(self, subscriber: Subscriber, closed: Callable[[], None]) -> None:
        """
        Args:
            subscriber: has the messages.
            closed: called at the end, whatever ended it.
        """
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self._subscriber = subscriber
        self._closed = closed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the subscriber ends. The server cancels this when the client is gone or does not read."""
        longest = asyncio.get_running_loop().call_later(LONGEST_S, self._subscriber.end)
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            while (chunk := await self._subscriber.next()) is not None:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            longest.cancel()
            self._closed()

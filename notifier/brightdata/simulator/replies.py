"""The answers of the simulated API, and each fault as it looks on the wire."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from itertools import repeat
from types import MappingProxyType

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from notifier.brightdata.simulator.faults import OF_RESULTS, Fault
from notifier.brightdata.simulator.listener import Request
from notifier.network import reset

GATEWAY_PAGE = "<html>\n<head><title>502 Bad Gateway</title></head>\n<body><h1>502 Bad Gateway</h1></body>\n</html>\n"
NO_SUCH_PAGE = "<!DOCTYPE html>\n<html><body><pre>Cannot GET that</pre></body></html>\n"
HUGE_BYTES = 4 * 1024 * 1024
ELSEWHERE = "http://elsewhere.invalid/login"

_JSON = {"Content-Type": "application/json; charset=utf-8"}
_TEXT = {"Content-Type": "text/plain; charset=utf-8"}
_HTML = {"Content-Type": "text/html; charset=utf-8"}
_encode = json.JSONEncoder(separators=(",", ":")).encode


def as_json(answer: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Returns a JSON answer."""
    return Response(_encode(answer), status, {**_JSON, **headers} if headers else _JSON)


def as_json_array(items: Iterable[str]) -> Response:
    """Returns a JSON array of items that are JSON already."""
    return Response(f"[{','.join(items)}]", headers=_JSON)


def as_text(text: str, status: int) -> Response:
    """Returns a plain-text answer, as the API itself gives in some places."""
    return Response(text, status, _TEXT)


def as_html(text: str, status: int) -> Response:
    """Returns a page, as from a gateway or a web server in between."""
    return Response(text, status, _HTML)


def rate_limited(retry_after: int) -> Response:
    """Returns a 429 with the seconds to wait."""
    return as_json({"error": "Too many requests"}, 429, {"Retry-After": str(retry_after)})


_SIMPLE: Mapping[Fault, Callable[[int], Response]] = MappingProxyType(
    {
        Fault.RATE_LIMITED: rate_limited,
        Fault.SERVER_ERROR: lambda _: as_text("Internal server error", 500),
        Fault.BAD_GATEWAY: lambda _: as_html(GATEWAY_PAGE, 502),
        Fault.UNAVAILABLE: lambda wait: as_json({"error": "Try again later"}, 503, {"Retry-After": str(wait)}),
        Fault.UNAUTHORISED: lambda _: as_text("Credentials are missing", 401),
        Fault.FORBIDDEN: lambda _: as_json({"error": "This account may not do that"}, 403),
        Fault.NOT_FOUND: lambda _: as_text("Snapshot does not exist", 404),
        Fault.NOT_FOUND_HTML: lambda _: as_html(NO_SUCH_PAGE, 404),
        Fault.HTML: lambda _: as_html("<html><body>Please log in to the network</body></html>", 200),
        Fault.GARBAGE: lambda _: as_json([{"progress": 50}]),
        Fault.HUGE: lambda _: Response(b'{"status":"' + b"a" * HUGE_BYTES + b'"}', headers=_JSON),
        Fault.REDIRECT: lambda _: Response(status_code=302, headers={"Location": ELSEWHERE}),
    }
)


async def broken(
    fault: Fault,
    request: Request,
    right: Callable[[], Awaitable[Response]],
    *,
    retry_after: int,
    slow_seconds: float,
) -> Response:
    """Returns the answer with the fault.

    Args:
        fault: the fault.
        request: the request to answer.
        right: makes the correct answer, for a fault that only delays it.
        retry_after: whole seconds, for the faults with `Retry-After`.
        slow_seconds: the delay of a slow answer.
    """
    if simple := _SIMPLE.get(fault):
        return simple(retry_after)
    if fault in OF_RESULTS or fault is Fault.STALE:
        return await right()
    match fault:
        case Fault.SLOW:
            await asyncio.sleep(slow_seconds)
            return await right()
        case Fault.CUT:
            return _Pieces(iter([b'{"status":"ready","rec']), {**_JSON, "Content-Length": "100"}, request, whole=False)
        case Fault.TRICKLE:
            return _Pieces(repeat(b" "), _JSON, request, pause=0.01)
        case _:
            reset(request.transport)
            request.transport.abort()
            return Response()


def streamed(
    request: Request, pieces: Iterator[bytes], content_type: str, *, cut: bool = False, encoding: str | None = None
) -> Response:
    """Returns an answer in pieces, without a `Content-Length`; `cut` ends the connection in the middle of it.

    `encoding` is its `Content-Encoding`.
    """
    headers = {"Content-Type": content_type}
    if encoding is not None:
        headers["Content-Encoding"] = encoding
    return _Pieces(_half(pieces) if cut else pieces, headers, request, whole=not cut)


class _Pieces(Response):
    """An answer whose pieces are sent one after the other, until the client hangs up: then the server cancels it.

    Args:
        pause: the seconds between two pieces.
        whole: without it the connection ends after the last piece, and the answer does not.
    """

    def __init__(
        self,
        pieces: Iterator[bytes],
        headers: Mapping[str, str],
        request: Request,
        *,
        pause: float = 0.0,
        whole: bool = True,
    ) -> None:
        super().__init__(headers=headers)
        self._pieces = pieces
        self._request = request
        self._pause = pause
        self._whole = whole
        if "Content-Length" not in headers:
            del self.headers["Content-Length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for piece in self._pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(self._pause)  # with a quick client no write waits, and others ask too
        if self._whole:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        else:
            self._request.transport.close()


def _half(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yields the pieces up to the middle of the first one that has a middle."""
    for piece in pieces:
        if len(piece) > 1:
            yield piece[: len(piece) // 2]
            return
        yield piece

"""The answers of the simulated API, and each fault as it looks on the wire."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from types import MappingProxyType

from aiohttp import web

from notifier.brightdata.simulator.faults import OF_RESULTS, Fault
from notifier.network import reset

GATEWAY_PAGE = "<html>\n<head><title>502 Bad Gateway</title></head>\n<body><h1>502 Bad Gateway</h1></body>\n</html>\n"
NO_SUCH_PAGE = "<!DOCTYPE html>\n<html><body><pre>Cannot GET that</pre></body></html>\n"
HUGE_BYTES = 4 * 1024 * 1024
ELSEWHERE = "http://elsewhere.invalid/login"

_JSON = {"Content-Type": "application/json; charset=utf-8"}
_TEXT = {"Content-Type": "text/plain; charset=utf-8"}
_HTML = {"Content-Type": "text/html; charset=utf-8"}
_encode = json.JSONEncoder(separators=(",", ":")).encode


def as_json(answer: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Returns a JSON answer."""
    return web.Response(
        status=status, body=_encode(answer).encode(), headers={**_JSON, **headers} if headers else _JSON
    )


def as_json_array(items: Iterable[str]) -> web.Response:
    """Returns a JSON array of items that are JSON already."""
    return web.Response(body=f"[{','.join(items)}]".encode(), headers=_JSON)


def as_text(text: str, status: int) -> web.Response:
    """Returns a plain-text answer, as the API itself gives in some places."""
    return web.Response(status=status, body=text.encode(), headers=_TEXT)


def as_html(text: str, status: int) -> web.Response:
    """Returns a page, as from a gateway or a web server in between."""
    return web.Response(status=status, body=text.encode(), headers=_HTML)


def rate_limited(retry_after: int) -> web.Response:
    """Returns a 429 with the seconds to wait."""
    return as_json({"error": "Too many requests"}, 429, {"Retry-After": str(retry_after)})


_SIMPLE: Mapping[Fault, Callable[[int], web.Response]] = MappingProxyType(
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
        Fault.HUGE: lambda _: web.Response(body=b'{"status":"' + b"a" * HUGE_BYTES + b'"}', headers=_JSON),
        Fault.REDIRECT: lambda _: web.Response(status=302, headers={"Location": ELSEWHERE}),
    }
)


async def broken(
    fault: Fault,
    request: web.BaseRequest,
    right: Callable[[], Awaitable[web.StreamResponse]],
    *,
    retry_after: int,
    slow_seconds: float,
) -> web.StreamResponse:
    """Answers with the fault.

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
            return await _cut(request)
        case Fault.TRICKLE:
            return await _trickle(request)
        case _:
            return _reset(request)


async def streamed(
    request: web.BaseRequest,
    pieces: Iterator[bytes],
    content_type: str,
    *,
    cut: bool = False,
    encoding: str | None = None,
) -> web.StreamResponse:
    """Sends an answer in pieces, without a `Content-Length`; `cut` ends the connection in the middle of it.

    `encoding` is its `Content-Encoding`.
    """
    response = web.StreamResponse(headers={"Content-Type": content_type})
    if encoding is not None:
        response.headers["Content-Encoding"] = encoding
    await response.prepare(request)
    for piece in pieces:
        if cut and len(piece) > 1:
            await response.write(piece[: len(piece) // 2])
            if request.transport is not None:
                request.transport.close()
            return response
        await response.write(piece)
        await asyncio.sleep(0)  # with a quick client no write waits, and others ask too
    await response.write_eof()
    return response


async def _cut(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse(headers={**_JSON, "Content-Length": "100"})
    await response.prepare(request)
    await response.write(b'{"status":"ready","rec')
    if request.transport is not None:
        request.transport.close()
    return response


async def _trickle(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse(headers=_JSON)
    await response.prepare(request)
    while True:  # until the client hangs up: then the server cancels the handler
        await response.write(b" ")
        await asyncio.sleep(0.01)


def _reset(request: web.BaseRequest) -> web.StreamResponse:
    transport = request.transport
    if transport is not None:
        reset(transport)
        transport.abort()
    return web.Response()

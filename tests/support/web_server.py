"""Web servers on a free port of loopback, for as long as a block lasts."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve with this handler, which is cancelled when its client hangs up; yield the port."""
    runner = web.ServerRunner(web.Server(handler, handler_cancellation=True, access_log=None), shutdown_timeout=0.05)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, 0, ssl_context=tls).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@asynccontextmanager
async def answering(*statuses: int) -> AsyncIterator[tuple[str, list[str]]]:
    """Answer with these statuses, the last one for ever; yield the base URL and the requests as they come."""
    requests: list[str] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        requests.append(f"{request.method} {request.path_qs}")
        return web.Response(status=statuses[min(len(requests), len(statuses)) - 1])

    async with serving(answer) as port:
        yield f"http://127.0.0.1:{port}", requests

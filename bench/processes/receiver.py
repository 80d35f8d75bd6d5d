"""A receiver of notifications: takes every POST, and lists when each came, in order, by its path.

Asked with `?bodies`, it lists the bodies too.

Its times are `time.monotonic()`, which on Linux is the same clock in every process.
"""

import asyncio
import sys
import time
from collections import defaultdict

from aiohttp import web


async def main() -> None:
    """Serve on a free port of loopback, which is printed, until the input ends."""
    came: defaultdict[str, list[tuple[float, bytes]]] = defaultdict(list)

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        came[request.path].append((time.monotonic(), body))
        return web.Response()

    async def tell(request: web.Request) -> web.Response:
        all_of_it = came.get(request.path, [])
        if "bodies" in request.query:
            return web.json_response([(at, body.decode()) for at, body in all_of_it])
        return web.json_response([at for at, _ in all_of_it])

    application = web.Application()
    application.router.add_post("/{path}", take)
    application.router.add_get("/{path}", tell)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())

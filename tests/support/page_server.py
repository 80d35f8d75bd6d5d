"""Serves the pages of a made-up notifier on loopback, over a real uvicorn."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import uvicorn

from notifier.config.model import Channel, Http
from notifier.core.isolation import Faults
from notifier.core.snapshot.model import DatasetWatch, Watch
from notifier.web.application import application
from notifier.web.sources import WebSources
from support.page_queries import World
from support.page_world import NOW
from support.ports import free_port
from support.web import empty_config, sources


def page_sources(world: World, **given: Any) -> WebSources:
    """Sources that answer with a world."""
    options: dict[str, Any] = {"every": None, "notify": (), "on": ()}
    config = replace(
        empty_config(),
        channels={each.channel: Channel(name=each.channel) for each in world.channels_},
        watches=tuple(
            Watch(id=each.watch, name=each.name, snapshot_id=each.snapshot, **options)
            for each in world.snapshots
            if "/" not in each.watch
        ),
        datasets=tuple(
            DatasetWatch(id=each.watch, name=each.name, dataset_id=each.dataset, **options) for each in world.datasets
        ),
    )
    return sources(config=lambda: config, queries=world, clock=lambda: NOW, **given)


class PageServer:
    """The application over a socket, in a thread of its own; what it answers with can be replaced at any time."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.application: Any = None

    def show(self, world: World, *, token: str | None = None, **given: Any) -> None:
        """Answer from a world from now on."""
        self.show_sources(page_sources(world, **given), token=token)

    def show_sources(self, web_sources: WebSources, *, token: str | None = None) -> None:
        """Answer from these sources from now on."""
        http = Http(host="127.0.0.1", port=0, token=token)
        self.application = application(web_sources, http=http, faults=Faults())

    async def __call__(self, scope: Any, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        await self.application(scope, receive, send)


@contextmanager
def page_server() -> Iterator[PageServer]:
    """Serve until the end of the block."""
    port = free_port()
    served = PageServer(port)
    options = uvicorn.Config(served, port=port, log_level="critical", access_log=False, lifespan="off")
    server = uvicorn.Server(options)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    try:
        yield served
    finally:
        server.should_exit = True
        thread.join(10)

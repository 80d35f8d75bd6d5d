"""Serves the pages of a made-up notifier on loopback, by the daemon's own server."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from notifier.config.model import Channel, Http
from notifier.core.isolation import Faults
from notifier.core.outcomes import AnyOutcome
from notifier.core.snapshot.model import DatasetWatch, Watch
from notifier.web.application import application
from notifier.web.live.hub import Hub
from notifier.web.server import Server
from notifier.web.sources import WebSources
from support.page_queries import World
from support.page_world import NOW
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
    """The application over a socket, in a thread of its own; what it answers with can be replaced at any time.

    Attributes:
        url: where it listens.
        live: tells the open pages what changed.
    """

    def __init__(self) -> None:
        self.url = ""
        self.live = Hub()
        self.listens = threading.Event()
        self._application: Any = None
        self._loop = asyncio.new_event_loop()

    def show(self, world: World, *, token: str | None = None, **given: Any) -> None:
        """Answer from a world from now on."""
        self.show_sources(page_sources(world, **given), token=token)

    def show_sources(self, web_sources: WebSources, *, token: str | None = None) -> None:
        """Answer from these sources from now on."""
        self.live = web_sources.live
        http = Http(host="127.0.0.1", port=0, token=token)
        self._application = application(web_sources, http=http, faults=Faults())

    def report(self, outcome: AnyOutcome) -> None:
        """Report an outcome to the open pages, as the daemon does."""
        self._loop.call_soon_threadsafe(self.live.report, outcome)

    async def answer(self, scope: Any, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        """Answer a request."""
        await self._application(scope, receive, send)

    def run(self, port: int, stop: asyncio.Event) -> None:
        """Serve until told to stop, on a loop of its own."""

        def changed(address: str, trouble: str) -> None:
            self.url = address
            self.listens.set()

        async def serve() -> None:
            http = Http(host="127.0.0.1", port=port, token=None)
            serving = asyncio.create_task(Server(http, make=lambda _: self.answer, changed=changed).run())
            await stop.wait()
            serving.cancel()
            await asyncio.wait({serving})

        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(serve())

    def stop(self, event: asyncio.Event) -> None:
        """Have `run` end."""
        self._loop.call_soon_threadsafe(event.set)


@contextmanager
def page_server(port: int = 0) -> Iterator[PageServer]:
    """Serve until the end of the block; on a port that is given, or on a free one."""
    served, stop = PageServer(), asyncio.Event()
    thread = threading.Thread(target=served.run, args=(port, stop), daemon=True)
    thread.start()
    assert served.listens.wait(60)
    try:
        yield served
    finally:
        served.stop(stop)
        thread.join(60)

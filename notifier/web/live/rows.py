"""Makes the rows that a message brings to the open pages: each once for all of them."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from notifier.web.pages.rows import render_row
from notifier.web.queries import Queries

_WATCH, _DELIVERY = "watch:", "delivery:"


class Rows:
    """Reads and renders rows, in a thread."""

    def __init__(self, queries: Queries, clock: Callable[[], datetime]) -> None:
        """
        Args:
            queries: answers with resources.
            clock: the time, UTC.
        """
        self._queries = queries
        self._clock = clock

    async def __call__(self, topics: Collection[str]) -> Mapping[str, str]:
        """Return the rows of these topics as HTML; a topic without a row of its own is left out.

        Raises:
            StoreError: the database cannot be read.
        """
        watches = [topic.removeprefix(_WATCH) for topic in topics if topic.startswith(_WATCH)]
        numbers = [int(topic.removeprefix(_DELIVERY)) for topic in topics if topic.startswith(_DELIVERY)]
        snapshots, deliveries = await self._queries.rows(watches, numbers)
        now = self._clock()

        def render() -> dict[str, str]:
            rows = {f"{_WATCH}{each.watch}": render_row(each, now) for each in snapshots}
            return rows | {f"{_DELIVERY}{each.id}": render_row(each, now) for each in deliveries}

        return await asyncio.to_thread(render)

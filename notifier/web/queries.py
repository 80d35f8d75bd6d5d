"""The questions of pages and API, each answered in a thread with resources that have no secrets."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from notifier.config.model import Config
from notifier.config.resource import channels_of, configuration_resource, watch_settings
from notifier.core.delivery.model import DeliveryState
from notifier.core.delivery.states import OPEN
from notifier.core.health.condition_texts import condition_resources, with_waiting
from notifier.core.health.conditions import CHANNEL
from notifier.core.health.vitals import Vitals
from notifier.core.resource_pages import (
    DatasetPage,
    DeliverableResource,
    DeliveryPage,
    EventPage,
    SnapshotPage,
    WatchResource,
)
from notifier.core.resources import (
    ActionResource,
    ChannelResource,
    ConditionResource,
    ConfigurationResource,
    DeliveryResource,
    SnapshotResource,
)
from notifier.store.reader import Reader
from notifier.store.reading.deliverables import deliverable_resource
from notifier.store.reading.deliveries import Render
from notifier.store.reading.filters import PAGE, DeliveryFilters, EventFilters, SnapshotFilters
from notifier.store.reading.reading import Reading, Watched
from notifier.store.reading.watched import RECENT
from notifier.web.fresh_polls import FreshPolls

T = TypeVar("T")


class Queries:
    """Answers with resources. Each method may raise `StoreError`; one with a cursor also `BadCursor`.

    The parts of the page and of the API are made of these alone.
    """

    def __init__(
        self,
        *,
        config: Callable[[], Config],
        reading: Reading,
        vitals: Callable[[], Awaitable[Vitals]],
        render: Callable[[Config], Render],
        redact: Callable[[str], str],
        polls: FreshPolls | None = None,
        next_try: Callable[[str], datetime | None] = lambda _: None,
    ) -> None:
        """
        Args:
            config: the configuration that runs.
            reading: the database.
            vitals: how the daemon does; raises `NotifierError` or `TimeoutError` if the store does not tell.
            render: makes what renders messages again, as a configuration's channels send them.
            redact: masks secrets in a text.
            polls: knows the polls that the database does not have yet.
            next_try: returns when a channel that fails gets its next message; None if it does not fail.
        """
        self._config = config
        self._reading = reading
        self._vitals = vitals
        self._render = render
        self._redact = redact
        self._polls = polls or FreshPolls()
        self._next_try = next_try

    async def overview(self, filters: SnapshotFilters) -> SnapshotPage:
        """Return a page of the watched snapshots, with counts by status and the watched datasets."""
        watched = _watched(self._config())
        return await self._in_thread(lambda: self._polls.page(self._reading.overview(watched, filters)))

    async def watch(self, watch_id: str, *, cursor: str | None = None, limit: int = PAGE) -> WatchResource | None:
        """Return one watched snapshot with its history (`parent/snapshot` if a dataset's watch found it), or None."""
        config = self._config()

        def read() -> WatchResource | None:
            found = self._polls.watch(self._reading.watch(_watched(config), watch_id, cursor=cursor, limit=limit))
            return found and replace(found, configuration=watch_settings(config, found.snapshot.watch))

        return await self._in_thread(read)

    async def dataset(self, dataset: str, *, cursor: str | None = None, limit: int = PAGE) -> DatasetPage | None:
        """Return a dataset, by its id or that of its watch, with its collections; None if nothing is known of it."""
        config = self._config()

        def read() -> DatasetPage | None:
            stored = self._reading.dataset(_watched(config), dataset, cursor=cursor, limit=limit)
            found = self._polls.of_dataset(stored)
            if found is None or found.watch is None:
                return found
            return replace(found, configuration=watch_settings(config, found.watch.watch))

        return await self._in_thread(read)

    async def deliveries(self, filters: DeliveryFilters) -> DeliveryPage:
        """Return a page of deliveries, the newest first."""

        def read() -> DeliveryPage:
            found = self._reading.deliveries(filters)
            return replace(found, deliveries=tuple(map(self._behind_channel, found.deliveries)))

        return await self._in_thread(read)

    async def delivery(self, delivery_id: int) -> DeliveryResource | None:
        """Return one delivery with its attempts and the words that were sent; None if there is none of that id."""
        render = self._render(self._config())

        def read() -> DeliveryResource | None:
            found = self._reading.delivery(delivery_id, render)
            return found and self._behind_channel(found)

        return await self._in_thread(read)

    async def deliverable(self, event_id: str) -> DeliverableResource | None:
        """Return an event or a notice with its message and its deliveries; None if there is none of that id."""
        database = self._config().database
        return await self._in_thread(lambda: deliverable_resource(Reader(database), self._reading, event_id))

    async def events(self, filters: EventFilters) -> EventPage:
        """Return a page of events, the newest first, each with its deliveries."""
        return await self._in_thread(lambda: self._reading.events(filters))

    async def rows(
        self, watch_ids: Collection[str], delivery_ids: Collection[int]
    ) -> tuple[list[SnapshotResource], list[DeliveryResource]]:
        """Return the snapshots of these watches, and these deliveries; those that are not known are left out."""
        watched = _watched(self._config())

        def read() -> tuple[list[SnapshotResource], list[DeliveryResource]]:
            snapshots, deliveries = self._reading.rows(watched, watch_ids, delivery_ids)
            return list(map(self._polls.snapshot, snapshots)), list(map(self._behind_channel, deliveries))

        return await self._in_thread(read)

    async def channels(self, *, rare: bool = False) -> list[ChannelResource]:
        """Return the configured channels, with how they do; `rare` as in `Reading.channels`."""
        configured = channels_of(self._config())
        return await self._in_thread(lambda: list(map(self._tried, self._reading.channels(configured, rare=rare))))

    async def actions(self, limit: int = PAGE) -> list[ActionResource]:
        """Return what somebody did last, the newest first."""
        return await self._in_thread(lambda: self._reading.actions(limit))

    async def conditions(self) -> list[ConditionResource]:
        """Return what is in trouble, the worst first.

        Raises:
            NotifierError, TimeoutError: the store does not tell.
        """
        vitals = await self._vitals()
        return await self._in_thread(lambda: self._with_waiting(condition_resources(vitals)))

    def _with_waiting(self, found: list[ConditionResource]) -> list[ConditionResource]:
        """Add how many messages wait for each channel in trouble."""
        if not any(each.subject.startswith(CHANNEL) for each in found):
            return found
        channels = self._reading.channels(channels_of(self._config()))
        waiting = {each.channel: sum(each.deliveries.get(state, 0) for state in OPEN) for each in channels}
        return [with_waiting(each, waiting) for each in found]

    async def configuration(self) -> ConfigurationResource:
        """Return the configuration in effect, with the last reload of its files.

        Raises:
            NotifierError, TimeoutError: the store does not tell.
        """
        config, vitals = self._config(), await self._vitals()
        return await self._in_thread(lambda: configuration_resource(config, vitals.reload))

    def _behind_channel(self, found: DeliveryResource) -> DeliveryResource:
        """Return a delivery with the next try of its channel, if it waits and the channel fails."""
        at = self._next_try(found.channel) if found.state in _WAIT else None
        return found if at is None else replace(found, channel_next_try=at)

    def _tried(self, found: ChannelResource) -> ChannelResource:
        """Return a channel with its next try, if it fails and something waits for it."""
        at = self._next_try(found.channel) if found.oldest_waiting is not None else None
        if at is None or (found.held_until is not None and found.held_until > at):
            return found
        return replace(found, held_until=at, held_by="failing")

    async def _in_thread(self, read: Callable[[], T]) -> T:
        return await asyncio.to_thread(lambda: self._clean(read()))

    def _clean(self, value: T) -> T:
        """Return the value with every text in it redacted; nearly always there is nothing to redact."""
        texts: list[str] = []
        _collect(value, texts)
        together = "\n".join(texts)
        return value if self._redact(together) == together else self._redacted(value)

    def _redacted(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._redact(value)
        if is_dataclass(value) and not isinstance(value, type):
            of = {field.name: self._redacted(getattr(value, field.name)) for field in fields(value)}
            return replace(value, **of)
        if isinstance(value, Mapping):
            return {self._redacted(key): self._redacted(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(map(self._redacted, value))
        return value


def _collect(value: object, texts: list[str]) -> None:
    """Add every text in a value to the list."""
    if isinstance(value, str):
        texts.append(value)
    elif type(value) in _WITHOUT_TEXT:
        return
    elif is_dataclass(value):
        for name in value.__dataclass_fields__:
            _collect(getattr(value, name), texts)
    elif isinstance(value, list | tuple):
        for each in value:
            _collect(each, texts)
    elif isinstance(value, Mapping):
        for key, each in value.items():
            _collect(key, texts)
            _collect(each, texts)


_WAIT = frozenset(OPEN) - {DeliveryState.SENDING}
_WITHOUT_TEXT = frozenset({type(None), bool, int, float, datetime})


def _watched(config: Config) -> Watched:
    return Watched(watches=config.watches, datasets=config.datasets, recent=min(RECENT, config.keep))

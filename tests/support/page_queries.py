"""Queries of a made-up notifier: they answer as those of a database do (`web.queries.Queries`), or fail."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from notifier.core.resource_pages import DatasetPage, DeliveryPage, EventPage, SnapshotPage, WatchResource
from notifier.core.resource_parts import (
    AttemptResource,
    CollectionResource,
    DigestResource,
    MessageResource,
    StatusSpanResource,
    UsualResource,
)
from notifier.core.resources import (
    ActionResource,
    ChannelResource,
    ConditionResource,
    ConfigurationResource,
    DatasetResource,
    DeliveryResource,
    EventResource,
    SnapshotResource,
)
from notifier.core.snapshot.statuses import phase_of
from notifier.store.reading.filters import DeliveryFilters, EventFilters, SnapshotFilters, Sort
from support.page_world import (
    ACTIONS,
    ATTEMPTS,
    BODY,
    CHANNELS,
    CONDITIONS,
    CONFIGURATION,
    DATASETS,
    DELIVERIES,
    NOW,
    SETTINGS,
    SNAPSHOTS,
    STATUSES,
    after,
    before,
    collections,
)

ARRIVED = replace(ATTEMPTS[0], outcome="delivered", reason="ok", detail="200 ok")
DIGEST = DigestResource(
    at=before(minutes=3),
    deliveries=3,
    ids=(45, 46, 47),
    titles=("✅ Amazon products, nightly: ready", "✅ Hotel rates: ready", "❌ Reviews, daily: failed"),
)


@dataclass(kw_only=True)
class World:
    """Queries that answer with these resources, as `web.queries.Queries` does with those of a database."""

    snapshots: Sequence[SnapshotResource] = SNAPSHOTS
    datasets: Sequence[DatasetResource] = DATASETS
    deliveries_: Sequence[DeliveryResource] = DELIVERIES
    channels_: Sequence[ChannelResource] = CHANNELS
    conditions_: Sequence[ConditionResource] = CONDITIONS
    collections: Sequence[CollectionResource] = field(default_factory=collections)
    configuration_: ConfigurationResource = CONFIGURATION
    statuses: Sequence[StatusSpanResource] = STATUSES
    has_history: bool = True
    trouble: Exception | None = None

    def _answer(self) -> None:
        if self.trouble is not None:
            raise self.trouble

    async def overview(self, filters: SnapshotFilters) -> SnapshotPage:
        """A page of the snapshots, filtered."""
        self._answer()
        text = filters.text.casefold()
        passing = [
            each
            for each in self.snapshots
            if text in f"{each.name} {each.snapshot}".casefold() and filters.dataset in (None, each.dataset)
        ]
        shown = [
            each
            for each in passing
            if (not filters.statuses or each.status in filters.statuses)
            and (not filters.phases or phase_of(each.status) in filters.phases)
            and (filters.muted_at is None or each.muted)
        ]
        if filters.sort is Sort.SINCE:
            shown.sort(key=lambda each: each.since or NOW, reverse=True)
        if filters.sort is Sort.NEXT_POLL:
            shown.sort(key=lambda each: each.next_poll or after(days=999))
        counts: dict[str, int] = {}
        for each in passing:
            counts[each.status] = counts.get(each.status, 0) + 1
        more = "more" if len(shown) > filters.limit else None
        return SnapshotPage(
            snapshots=tuple(shown[: filters.limit]), next_cursor=more, counts=counts, datasets=tuple(self.datasets)
        )

    async def watch(self, watch_id: str, *, cursor: str | None = None, limit: int = 100) -> WatchResource | None:
        """A watch with its events."""
        self._answer()
        found = next((each for each in self.snapshots if each.watch == watch_id), None)
        if found is None:
            return None
        sent = [each for each in self.deliveries_ if each.watch == watch_id]
        title = sent[0].title if sent else found.status
        events = (
            _event(found, found.status, "running", title, minutes=8, deliveries=tuple(sent)),
            _event(found, "running", "starting", f"{found.name}: running", minutes=12),
        )
        return WatchResource(
            snapshot=found,
            configuration=SETTINGS,
            error_message=found.error_message,
            error_codes={"bad_input": 12, "dead_page": 3} if found.error_message else {},
            duration_s=252.0 if self.has_history else None,
            statuses=tuple(self.statuses) if self.has_history else (),
            events=events if self.has_history else (),
            next_cursor=None,
            actions=ACTIONS if self.has_history else (),
        )

    async def dataset(self, dataset: str, *, cursor: str | None = None, limit: int = 100) -> DatasetPage | None:
        """A dataset with its collections."""
        self._answer()
        watch = next((each for each in self.datasets if dataset in (each.dataset, each.watch)), None)
        if watch is None:
            return None
        usual = len(self.collections) >= 5
        return DatasetPage(
            dataset=watch.dataset,
            watch=watch,
            configuration=SETTINGS,
            collections=tuple(self.collections),
            usual_records=UsualResource(median=12_500, low=11_900, high=13_100, collections=40) if usual else None,
            usual_errors=UsualResource(median=1, low=0, high=2, collections=40) if usual else None,
            usual_duration_s=UsualResource(median=54, low=48, high=60, collections=40) if usual else None,
            snapshots=tuple(each for each in self.snapshots if each.watch.startswith(f"{watch.watch}/")),
            next_cursor=None,
            actions=ACTIONS,
        )

    async def deliveries(self, filters: DeliveryFilters) -> DeliveryPage:
        """A page of deliveries, filtered."""
        self._answer()
        shown = [
            each
            for each in self.deliveries_
            if (not filters.states or each.state in filters.states) and filters.channel in (None, each.channel)
        ]
        more = "more" if len(shown) > filters.limit else None
        return DeliveryPage(deliveries=tuple(shown[: filters.limit]), next_cursor=more)

    async def rows(
        self, watch_ids: Collection[str], delivery_ids: Collection[int]
    ) -> tuple[list[SnapshotResource], list[DeliveryResource]]:
        """The snapshots and deliveries with these ids."""
        self._answer()
        return (
            [each for each in self.snapshots if each.watch in watch_ids],
            [each for each in self.deliveries_ if each.id in delivery_ids],
        )

    async def delivery(self, delivery_id: int) -> DeliveryResource | None:
        """One delivery with its attempts and its message."""
        self._answer()
        found = next((each for each in self.deliveries_ if each.id == delivery_id), None)
        if found is None:
            return None
        return replace(
            found,
            attempts=_attempts_of(found),
            message=MessageResource(title=found.title, body=BODY),
            digest=DIGEST if delivery_id == 46 else None,
        )

    async def events(self, filters: EventFilters) -> EventPage:
        """No events."""
        self._answer()
        return EventPage(events=(), next_cursor=None)

    async def channels(self, *, rare: bool = False) -> list[ChannelResource]:
        """The channels."""
        self._answer()
        return list(self.channels_)

    async def actions(self, limit: int = 100) -> list[ActionResource]:
        """What was done."""
        self._answer()
        return list(ACTIONS)

    async def conditions(self) -> list[ConditionResource]:
        """What is in trouble."""
        self._answer()
        return list(self.conditions_)

    async def configuration(self) -> ConfigurationResource:
        """The configuration."""
        self._answer()
        return self.configuration_


def empty_world() -> World:
    """A notifier that was just started with nothing."""
    return World(
        snapshots=(), datasets=(), deliveries_=(), channels_=(), conditions_=(), collections=(), statuses=(),
        configuration_=replace(CONFIGURATION, effective={"watches": [], "channels": {}}, warnings=(), reloaded_at=None),
        has_history=False,
    )  # fmt: skip


def _attempts_of(found: DeliveryResource) -> tuple[AttemptResource, ...]:
    return (ARRIVED,) if found.state == "delivered" else ATTEMPTS[: found.attempts_begun]


def _event(
    found: SnapshotResource,
    status: str,
    previous: str,
    title: str,
    *,
    minutes: float,
    deliveries: tuple[DeliveryResource, ...] = (),
) -> EventResource:
    names = ("ready", "complete") if status == "ready" and not found.errors else (status,)
    return EventResource(
        event_id=f"evt_{round(minutes):020x}",
        watch=found.watch,
        name=found.name,
        snapshot=found.snapshot,
        at=before(minutes=minutes),
        previous=previous,
        status=status,
        events=names,
        title=title,
        late_by_s=12.5 if deliveries else 0.0,
        deliveries=tuple(replace(each, attempts=_attempts_of(each)) for each in deliveries),
    )

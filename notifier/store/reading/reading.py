"""Reads the database into resources, over a connection that cannot write: for pages, API and commands."""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from notifier.core.delivery.routing import family
from notifier.core.delivery.states import OPEN
from notifier.core.errors import BadCursor, StoreError
from notifier.core.resource_pages import DatasetPage, DeliveryPage, EventPage, SnapshotPage, WatchResource
from notifier.core.resources import ActionResource, ChannelResource, DatasetResource, DeliveryResource, SnapshotResource
from notifier.core.snapshot.model import ADOPTED, DatasetWatch, Watch
from notifier.core.snapshot.statuses import Phase, canonical
from notifier.store.reading import channels, deliveries, events, overview, rows
from notifier.store.reading.actions import actions_on, last_actions
from notifier.store.reading.collections import UsualDurations, collections_of, usual
from notifier.store.reading.deliveries import Render
from notifier.store.reading.filters import PAGE, DeliveryFilters, EventFilters, SnapshotFilters, Sort
from notifier.store.reading.snapshots import Shown, dataset_resources, members, shown_of, snapshot_resources, state_of
from notifier.store.reading.watched import RECENT, URGENT, Bounds, WatchedTable
from notifier.store.sqlite.engine import shared_reader
from notifier.store.sqlite.errors import DAMAGE, damaged
from notifier.store.tables import metadata

_IN_PROGRESS = (Phase.UNKNOWN, Phase.ACTIVE)
_FEW = 5_000
"""Snapshots that are sorted within milliseconds."""

_CURE = "`state:` must name the notifier's own SQLite file, and to read it takes the rights of its daemon"


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """What a configuration watches. As long as it is the same, pass the same tuples: they are read in once.

    `recent` is how long a snapshot that a dataset's watch found is among the watched ones after its end.
    """

    watches: tuple[Watch, ...]
    datasets: tuple[DatasetWatch, ...]
    recent: timedelta = RECENT


class Reading:
    """Reads the daemon's database. Call it in a thread: a query takes milliseconds. One call at a time; others wait.

    Every method may raise `StoreError`; one with a cursor also `BadCursor`.
    """

    def __init__(self, database: Path, clock: Callable[[], datetime]) -> None:
        """
        Args:
            database: its file. One that is not there yet is like an empty one.
            clock: the time, UTC.
        """
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._table = WatchedTable()
        self._counter = overview.Counter()
        self._tally = channels.Tally()
        self._durations = UsualDurations(clock)

    def close(self) -> None:
        """Close the connection; another call opens a new one."""
        with self._lock:
            self._dispose()

    def prepare(self, watched: Watched) -> None:
        """Read in what is watched, so that no page has to wait for it: a second for 100,000 watches.

        What the overview asks is asked once: SQLAlchemy makes its statements, and the counts are remembered.
        """
        with self._reading() as connection:
            self._refresh(connection, watched, self._clock())
        for sort, phases in ((Sort.URGENCY, ()), (Sort.SINCE, _IN_PROGRESS), (Sort.NEXT_POLL, _IN_PROGRESS)):
            self.overview(watched, SnapshotFilters(sort=sort, phases=phases))
        for states in ((), OPEN):
            self.deliveries(DeliveryFilters(states=states))
        self.channels(())

    def overview(self, watched: Watched, filters: SnapshotFilters) -> SnapshotPage:
        """Return a page of the watched snapshots, with counts by status and the watched datasets."""
        now = self._clock()
        place = overview.place_of(filters)
        if filters.watch == ADOPTED or any(each.id == filters.watch for each in watched.datasets):
            filters = replace(filters, watch=f"{filters.watch}/")
        with self._reading() as connection:
            self._refresh(connection, watched, now)
            if filters.sort is Sort.NEXT_POLL:
                self._table.refresh_polls(connection, now)
            counts = self._counter.count(connection, filters, self._table.version)
            few = bool(filters.text) and sum(counts.all.values()) <= _FEW
            shown, cursor = overview.page_of(connection, filters, place, few=few)
            chosen = [
                each
                for each in watched.datasets
                if filters.dataset in (None, each.dataset_id) and filters.watch in (None, f"{each.id}/")
            ]
            return SnapshotPage(
                snapshots=tuple(self._snapshots(connection, shown)),
                next_cursor=cursor,
                counts=counts.all,
                datasets=tuple(dataset_resources(connection, chosen, counts.found, now)),
            )

    def everything(self, watched: Watched) -> list[SnapshotResource | DatasetResource]:
        """Return every watch: the snapshots, then each dataset followed by the snapshots that it found in progress.

        Adopted snapshots come last.
        """
        now = self._clock()
        with self._reading() as connection:
            named = {each.snapshot_id for each in watched.watches}
            found = members(connection, watched.datasets, named)
            shown = [Shown(watch=each.id, name=each.name, snapshot=each.snapshot_id) for each in watched.watches]
            of_datasets = [each for parent in watched.datasets for each in found.get(parent.id, ())]
            of_datasets += found.get(ADOPTED, ())
            resources = self._snapshots(connection, [*shown, *of_datasets])
            entries: list[SnapshotResource | DatasetResource] = list(resources[: len(shown)])
            members_of: dict[str, list[SnapshotResource]] = {}
            for each in resources[len(shown) :]:
                members_of.setdefault(each.watch.partition("/")[0], []).append(each)
            statuses = {parent: Counter(canonical(each.status) for each in some) for parent, some in members_of.items()}
            for dataset in dataset_resources(connection, watched.datasets, statuses, now):
                entries += [dataset, *members_of.get(dataset.watch, ())]
            return [*entries, *members_of.get(ADOPTED, ())]

    def watch(
        self, watched: Watched, watch_id: str, *, cursor: str | None = None, limit: int = PAGE
    ) -> WatchResource | None:
        """Return one watched snapshot with its history; None if nothing is known of it.

        Args:
            watched: what is watched.
            watch_id: the id of a watch of a snapshot; `parent/snapshot` for one that a dataset's watch found.
            cursor: of the page of events before.
            limit: events of a page.
        """
        with self._reading() as connection:
            shown = shown_of(connection, watched.watches, watched.datasets, watch_id)
            if shown is None:
                return None
            (snapshot,) = self._snapshots(connection, [shown])
            of_it = EventFilters(snapshot=shown.snapshot, cursor=cursor, limit=limit)
            found, following = events.page_of(connection, of_it, with_attempts=True)
            state = state_of(connection, shown.snapshot)
            told = [delivery.id for event in found for delivery in event.deliveries]
            duration = state.facts.duration_ms
            return WatchResource(
                snapshot=snapshot,
                configuration=None,
                error_message=state.facts.error_message,
                error_codes=dict(state.facts.error_codes),
                duration_s=None if duration is None else duration / 1000,
                statuses=tuple(events.bar_of(connection, shown.snapshot)),
                events=tuple(found),
                next_cursor=following,
                actions=tuple(actions_on(connection, [*family(shown.watch), shown.snapshot], told)),
            )

    def dataset(
        self, watched: Watched, dataset: str, *, cursor: str | None = None, limit: int = PAGE
    ) -> DatasetPage | None:
        """Return a dataset with its last collections and a page of its snapshots in progress; None if it is unknown.

        Args:
            watched: what is watched.
            dataset: the id of the dataset, or of its watch.
            cursor: of the page of snapshots before.
            limit: snapshots of a page.
        """
        now = self._clock()
        watch = next((each for each in watched.datasets if dataset in (each.dataset_id, each.id)), None)
        dataset_id = dataset if watch is None else watch.dataset_id
        filters = SnapshotFilters(
            dataset=dataset_id,
            phases=[phase for phase in Phase if phase is not Phase.ENDED],
            sort=Sort.SINCE,
            cursor=cursor,
            limit=limit,
        )
        place = overview.place_of(filters)
        with self._reading() as connection:
            self._refresh(connection, watched, now)
            collections = collections_of(connection, dataset_id)
            shown, following = overview.page_of(connection, filters, place)
            if watch is None and not collections:
                return None
            counts = self._counter.count(connection, SnapshotFilters(), self._table.version).found
            records, errors, duration = usual(collections)
            return DatasetPage(
                dataset=dataset_id,
                watch=None if watch is None else dataset_resources(connection, [watch], counts, now)[0],
                configuration=None,
                collections=tuple(collections),
                usual_records=records,
                usual_errors=errors,
                usual_duration_s=duration,
                snapshots=tuple(self._snapshots(connection, shown)),
                next_cursor=following,
                actions=() if watch is None else tuple(actions_on(connection, [watch.id], ())),
            )

    def deliveries(self, filters: DeliveryFilters) -> DeliveryPage:
        """Return a page of deliveries, the newest first."""
        with self._reading() as connection:
            found, cursor = deliveries.page_of(connection, filters)
            return DeliveryPage(deliveries=tuple(found), next_cursor=cursor)

    def delivery(self, delivery_id: int, render: Render) -> DeliveryResource | None:
        """Return one delivery with its attempts and its message; None if there is none of that id."""
        with self._reading() as connection:
            return deliveries.one(connection, delivery_id, render)

    def events(self, filters: EventFilters) -> EventPage:
        """Return a page of events, the newest first, each with its deliveries."""
        with self._reading() as connection:
            found, cursor = events.page_of(connection, filters)
            return EventPage(events=tuple(found), next_cursor=cursor)

    def rows(
        self, watched: Watched, watch_ids: Collection[str], delivery_ids: Collection[int]
    ) -> tuple[list[SnapshotResource], list[DeliveryResource]]:
        """Return the snapshots of these watches, and these deliveries; those that are not known are left out."""
        with self._reading() as connection:
            shown = list(rows.shown_among(connection, watched.watches, watched.datasets, watch_ids))
            return self._snapshots(connection, shown), rows.deliveries_among(connection, delivery_ids)

    def channels(self, configured: Sequence[ChannelResource], *, rare: bool = False) -> list[ChannelResource]:
        """Return these channels, of which the configuration knows name and service, with how they do.

        With `rare`, only the deliveries that wait or were given up are counted: to count a million takes 100 ms.
        """
        with self._reading() as connection:
            return channels.channel_resources(connection, configured, self._tally, self._clock(), rare=rare)

    def actions(self, limit: int = PAGE) -> list[ActionResource]:
        """Return the last actions, the newest first."""
        with self._reading() as connection:
            return last_actions(connection, limit)

    def _refresh(self, connection: Connection, watched: Watched, now: datetime) -> None:
        bounds = Bounds(now=now, recent=now - watched.recent, urgent=now - URGENT)
        self._table.refresh(connection, watched.watches, watched.datasets, bounds)

    def _snapshots(self, connection: Connection, shown: Sequence[Shown]) -> list[SnapshotResource]:
        return snapshot_resources(connection, shown, self._clock(), self._durations)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._lock:
            try:
                with self._connected().begin() as connection:
                    yield connection
            except SQLAlchemyError as error:
                self._dispose()
                cause = getattr(error, "orig", None) or error
                raise StoreError(f"{self._database}: cannot be read: {cause}; {_CURE}") from error
            except BadCursor:  # before anything was changed
                raise
            except (*DAMAGE, TypeError, ValueError, KeyError, AttributeError) as error:
                self._dispose()
                raise damaged(self._database, error) from error  # nothing but rows is worked upon here
            except BaseException:
                self._table.forget()
                raise

    def _connected(self) -> Engine:
        if self._engine is None:
            exists = self._database.is_file()
            self._engine = shared_reader(self._database if exists else None)
            if not exists:
                metadata.create_all(self._engine)
        return self._engine

    def _dispose(self) -> None:
        engine, self._engine = self._engine, None
        self._table.forget()
        if engine is not None:
            engine.dispose()

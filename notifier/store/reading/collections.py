"""The collections of a dataset, for its chart, and the usual range of their numbers."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from notifier.core.resource_parts import CollectionResource, UsualResource
from notifier.core.snapshot.statuses import canonical, has_ended
from notifier.store.mapping import state_from_row
from notifier.store.queries import known_where
from notifier.store.tables import snapshots

MOST = 200
"""Collections of a chart."""

_RECENT = 50
"""Collections by which the end of one in progress is foretold."""

_REMEMBERED = timedelta(minutes=1)
_MOST_KNOWN = 10_000
_NEVER = datetime.fromtimestamp(0, UTC)

FEWEST = 5
"""Collections from which on there is a usual range."""


def collections_of(connection: Connection, dataset_id: str, most: int = MOST) -> list[CollectionResource]:
    """Return the last collections of a dataset, at most `most`, the oldest first."""
    query = known_where(snapshots.c.dataset_id == dataset_id).order_by(snapshots.c.since.desc()).limit(most)
    found = []
    for row in connection.execute(query).mappings():
        state = state_from_row(row)
        started = state.created_at or state.first_seen_at
        ended = state.since if has_ended(state) else None
        found.append(
            CollectionResource(
                snapshot=state.snapshot_id,
                status=state.status,
                started=started,
                ended=ended,
                duration_s=_duration(state.facts.duration_ms, started, ended),
                records=state.facts.records,
                errors=state.facts.errors,
            )
        )
    return sorted(found, key=lambda each: (each.started or _NEVER, each.snapshot))


def _duration(milliseconds: int | None, started: datetime | None, ended: datetime | None) -> float | None:
    if milliseconds is not None:
        return milliseconds / 1000
    return (ended - started).total_seconds() if started is not None and ended is not None else None


def usual(
    collections: Iterable[CollectionResource],
) -> tuple[UsualResource | None, UsualResource | None, UsualResource | None]:
    """Return the usual records, errors and duration of those that ended `ready`."""
    ready = [each for each in collections if canonical(each.status) == "ready"]
    return (
        _range([each.records for each in ready]),
        _range([each.errors for each in ready]),
        _range([each.duration_s for each in ready]),
    )


def _range(numbers: Sequence[float | None]) -> UsualResource | None:
    known = [number for number in numbers if number is not None]
    if len(known) < FEWEST:
        return None
    low, median, high = statistics.quantiles(known, n=4, method="inclusive")
    return UsualResource(median=median, low=low, high=high, collections=len(known))


class UsualDurations:
    """The usual durations of the collections of datasets, each remembered for a minute."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._known: dict[str, tuple[datetime, timedelta | None]] = {}

    def of(self, connection: Connection, dataset_id: str) -> timedelta | None:
        """Return the median duration of the last collections that ended `ready`; None if there are too few."""
        now = self._clock()
        if dataset_id not in self._known or not timedelta(0) <= now - self._known[dataset_id][0] < _REMEMBERED:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            _, _, duration = usual(collections_of(connection, dataset_id, _RECENT))
            self._known[dataset_id] = now, None if duration is None else timedelta(seconds=duration.median)
        return self._known[dataset_id][1]

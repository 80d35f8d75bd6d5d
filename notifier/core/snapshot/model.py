"""Values of a snapshot: what polls observe, the watches that ask for it, its state and its transitions.

All of them are frozen and keyword-only. Times are aware datetimes in UTC. Durations are `timedelta`; what the API
gives in milliseconds has the unit in its name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

UNKNOWN = "unknown"
"""The status of a snapshot before the first poll that reports one."""

MISSING = "missing"
"""The derived status of a snapshot that the API answers 404 for, after a grace period."""

STALLED = "stalled"
"""The derived event of a snapshot that does not end in time. Its status stays the API's own word."""

EXPIRING = "expiring"
"""The derived event of a ready snapshot whose results are about to be deleted. Its status stays `ready`."""

AGAIN = "again"
"""The event name of an end that a snapshot left and reaches once more, with the same facts."""

RESULTS_KEPT = timedelta(days=16)
"""How long Bright Data keeps results, by its older pages; its newest say 30 days."""

EXPIRING_BEFORE = timedelta(days=2)


class Reason(StrEnum):
    """Why a poll did not report a snapshot's status. Logs, pages and metrics use the same word."""

    UNAUTHORISED = "unauthorised"
    FORBIDDEN = "forbidden"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    NONSENSE = "nonsense"
    REFUSED = "refused"
    """The API refuses this very request: a 4xx that will not change (`core.snapshot.refusals`)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What the API says about a snapshot besides its status. A fact that it does not give is None, or empty."""

    dataset_id: str | None = None
    records: int | None = None
    errors: int | None = None
    error_message: str | None = None
    error_codes: tuple[tuple[str, int], ...] = ()
    running_time_ms: int | None = None
    collection_duration_ms: int | None = None

    @property
    def duration_ms(self) -> int | None:
        """How long the collection took, or has taken so far, in milliseconds."""
        return self.running_time_ms if self.collection_duration_ms is None else self.collection_duration_ms


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """An observation with a status, in the API's own word."""

    status: str
    facts: Facts = Facts()


@dataclass(frozen=True, kw_only=True, slots=True)
class NotFound:
    """An observation: the API answered 404. A healthy snapshot gets it, too, in its first 20 s or so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unclear:
    """An observation without a status: the API, not the snapshot, is in trouble. It never changes a status.

    `retry_after` is the pause that the API asked for. `detail` is one line for a log, without secrets.
    """

    reason: Reason
    detail: str = ""
    retry_after: timedelta | None = None


Observation = Seen | NotFound | Unclear


_NO_LABELS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class Download:
    """Where to put the results of a ready snapshot: an absolute folder path, and the API's word for a format."""

    folder: str
    format: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """A snapshot as a dataset's list has it: its status in the API's own word, without the facts of a poll.

    `created` and `dataset_size` (records) are None if the list does not say.
    """

    snapshot_id: str
    status: str
    created: datetime | None = None
    dataset_size: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ListPage:
    """One page of a list. A `full` page has as many entries as were asked for: there may be more."""

    entries: tuple[Listed, ...]
    full: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchOptions:
    """What a watch of a snapshot and a watch of a dataset have in common, with every default applied.

    Attributes:
        id: identifies the watch over renames and moves between files.
        name: for people.
        every: the pause between polls.
        notify: names of channels.
        on: the event names to notify of.
        stalled_after: a snapshot in which nothing moves for so long is `stalled`; None: never.
        results_kept: how long after its end the results of a snapshot are deleted.
        expiring_before: how long before that deletion a snapshot is `expiring`.
        labels: free words of the user, passed on with every event.
        download: where the results go; None: they are not downloaded.
    """

    id: str
    name: str
    every: timedelta
    notify: tuple[str, ...]
    on: tuple[str, ...]
    stalled_after: timedelta | None = None
    results_kept: timedelta = RESULTS_KEPT
    expiring_before: timedelta = EXPIRING_BEFORE
    labels: Mapping[str, str] = field(default_factory=lambda: _NO_LABELS)
    download: Download | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Watch(WatchOptions):
    """A watch of one snapshot. `parent` is the watch of the dataset that found it, None if it is configured itself."""

    snapshot_id: str
    parent: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ParentWatch(WatchOptions):
    """Options that hold for snapshots which are found, and have no watch of their own."""

    def watch_for(self, snapshot_id: str) -> Watch:
        """Return the watch of one snapshot that was found, with the snapshot's id added to the watch's id and name.

        A `/` separates the two ids. Ids in the configuration have none, so that these cannot collide with them, and
        the parent's id can be read from the snapshot's (`core.delivery.routing.family`).
        """
        return Watch(
            id=f"{self.id}/{snapshot_id}",
            snapshot_id=snapshot_id,
            name=f"{self.name} ({snapshot_id})",
            every=self.every,
            notify=self.notify,
            on=self.on,
            stalled_after=self.stalled_after,
            results_kept=self.results_kept,
            expiring_before=self.expiring_before,
            labels=self.labels,
            download=self.download,
            parent=self.id,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetWatch(ParentWatch):
    """A watch of a dataset: its options hold for each snapshot found in it that has no watch of its own."""

    dataset_id: str


ADOPTED = "hooks"
"""The id that stands for a parent in the ids of adopted snapshots' watches: `hooks/SNAPSHOT`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AdoptingWatch(ParentWatch):
    """The options of adopted snapshots, which a hint names and nobody watches. Notifications name them by their ids.

    Attributes:
        enabled: others are adopted; those that were go on to their ends in any case.
    """

    id: str = ADOPTED
    name: str = ADOPTED
    enabled: bool = False

    def watch_for(self, snapshot_id: str) -> Watch:
        """Return the watch of an adopted snapshot."""
        return replace(super(AdoptingWatch, self).watch_for(snapshot_id), name=snapshot_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class SnapshotState:
    """All that is remembered of a snapshot between two polls.

    Attributes:
        revision: the number of its transitions.
        first_seen_at: the first poll that reported a status.
        since: the poll that reported the present status.
        seen_at: the last poll that reported any status.
        not_found: the number of 404s in a row, the first of them at `not_found_since`.
        created_at: when Bright Data began the collection, if it said so.
        derived: the derived event (`stalled`, `expiring`) that has happened in the present status.
        left_end: the mark of the end that the snapshot has left again (made by `core.snapshot.transitions`).
    """

    snapshot_id: str
    status: str = UNKNOWN
    revision: int = 0
    facts: Facts = Facts()
    first_seen_at: datetime | None = None
    since: datetime | None = None
    seen_at: datetime | None = None
    not_found: int = 0
    not_found_since: datetime | None = None
    created_at: datetime | None = None
    derived: str | None = None
    left_end: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Transition:
    """A change of a snapshot's status, or a derived event.

    Attributes:
        revision: the snapshot's revision after it.
        previous: the status before it; after a derived event the snapshot still has that status.
        names: the event names that it carries: `ready` comes with `complete`, `partial` or `empty`.
        observed_at: the poll that reported it.
        late_by: by how much the time since the last poll exceeds a usual pause: the event is late by at most this much.
        since: the poll that first reported `previous`.
        until: when the results of an expiring snapshot are deleted.
    """

    snapshot_id: str
    revision: int
    previous: str
    status: str
    names: tuple[str, ...]
    facts: Facts
    observed_at: datetime
    late_by: timedelta = timedelta(0)
    since: datetime | None = None
    until: datetime | None = None

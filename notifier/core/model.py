"""The values that flow through the house: frozen, keyword-only, one word per thing.

All times are aware datetimes in UTC. All durations inside the core are `timedelta`; what the API says in
milliseconds keeps its unit in its name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

UNKNOWN = "unknown"
"""A snapshot's status before the first look that told one."""

MISSING = "missing"
"""The derived status of a snapshot that the API says it does not know, after a grace."""

STALLED = "stalled"
"""The derived event of a snapshot that has not come to its end in time. Its status stays the API's own word."""

EXPIRING = "expiring"
"""The derived event of a ready snapshot whose results are about to be deleted. Its status stays `ready`."""

AGAIN = "again"
"""The event name of an end that a snapshot has come back from and reaches once more, with nothing new in it."""

RESULTS_KEPT = timedelta(days=16)
"""How long Bright Data keeps results, as its older pages say; its newest say 30 days."""

EXPIRING_BEFORE = timedelta(days=2)


class Reason(StrEnum):
    """Why a look could not tell a snapshot's status. The same word stands in the log, on pages and in metrics."""

    UNAUTHORISED = "unauthorised"
    FORBIDDEN = "forbidden"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    NONSENSE = "nonsense"
    REFUSED = "refused"
    """The API refuses this very request: a 4xx that will not change (`core.refusals`)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What the API told of a snapshot beside its status; each is None (or empty) when it did not say."""

    dataset_id: str | None = None
    records: int | None = None
    errors: int | None = None
    error_message: str | None = None
    error_codes: tuple[tuple[str, int], ...] = ()
    running_time_ms: int | None = None
    collection_duration_ms: int | None = None

    @property
    def duration_ms(self) -> int | None:
        """How long the collection took, or has taken so far."""
        return self.running_time_ms if self.collection_duration_ms is None else self.collection_duration_ms


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """An observation that told a status, in the API's own word."""

    status: str
    facts: Facts = Facts()


@dataclass(frozen=True, kw_only=True, slots=True)
class NotFound:
    """An observation: the API answered 404. Also true of a healthy snapshot in its first 20 s or so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unclear:
    """An observation that could not tell: the API, not the snapshot, is in trouble. It never changes a status.

    `retry_after` is the pause the API asked for. `detail` is one line for a log, without secrets.
    """

    reason: Reason
    detail: str = ""
    retry_after: timedelta | None = None


Observation = Seen | NotFound | Unclear


_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class Download:
    """Where the results of a ready snapshot are put: the absolute path of a folder, and the API's word for a format."""

    folder: str
    format: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """A snapshot as a dataset's list has it: its status in the API's own word, without the facts that a look tells.

    `created` and `dataset_size` (records) are None when the list did not say.
    """

    snapshot_id: str
    status: str
    created: datetime | None = None
    dataset_size: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One page of a list. It is `full` when as many entries came as were asked for: then there may be more."""

    entries: tuple[Listed, ...]
    full: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Watch:
    """One snapshot to look at, with every default applied.

    `every` is the pause between looks; `notify` names channels; `on` holds the event names that are told. It has
    stalled when nothing has moved for `stalled_after` (None: never); its results are deleted when `results_kept` has
    passed, and `expiring_before` that its watch may be warned. `parent` is the watch of the dataset in which it was
    found, None if the configuration names it.
    """

    id: str
    snapshot_id: str
    name: str
    every: timedelta
    notify: tuple[str, ...]
    on: tuple[str, ...]
    stalled_after: timedelta | None = None
    results_kept: timedelta = RESULTS_KEPT
    expiring_before: timedelta = EXPIRING_BEFORE
    labels: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    download: Download | None = None
    parent: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetWatch:
    """A dataset whose snapshots are found by themselves, with every default applied: what `Watch` says holds for each.

    A snapshot of it that has a watch of its own is that one's.
    """

    id: str
    dataset_id: str
    name: str
    every: timedelta
    notify: tuple[str, ...]
    on: tuple[str, ...]
    stalled_after: timedelta | None = None
    results_kept: timedelta = RESULTS_KEPT
    expiring_before: timedelta = EXPIRING_BEFORE
    labels: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    download: Download | None = None

    def watch_for(self, snapshot_id: str) -> Watch:
        """The watch of one snapshot of the dataset: everything is this one's, the id and the name with the snapshot's.

        A `/` parts the two ids. No id of the configuration has one in it, so that none can be taken for another's, and
        whoever has the id of a watch has its parent's too (`core.routing.family`).
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
class SnapshotState:
    """All that is remembered of a snapshot between two looks.

    `revision` counts its transitions. `first_seen_at` is the first look that told a status, `since` the look that
    told the present one, `seen_at` the last one that told any. `not_found` counts the 404s in a row, the first of
    them at `not_found_since`. `created_at` is when Bright Data began it, if it said so. `derived` is the derived event
    (`stalled`, `expiring`) that has happened in the present status, and `left_end` the mark of the end that the
    snapshot has come back from (`core.transitions` makes it).
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
    """A change of a snapshot's status, or a derived event. `revision` is the snapshot's revision after it.

    `names` are the event names it carries (`ready` comes with `complete`, `partial` or `empty`). `late_by` is how
    much longer than a usual pause nobody had looked, so at most how late this is told. The status `previous` was told
    first by the look at `since`; after a derived event it is still the snapshot's. `until` is when the results of an
    expiring snapshot are deleted.
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


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultsFile:
    """The file that a watch's results are fetched into: its path once it is whole.

    Until then `trouble` is why the last try failed (empty if none did), and for good if `given_up`.
    """

    folder: str
    path: str | None = None
    trouble: str = ""
    given_up: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """A transition as it is told to people: with a stable id and the words of its watch at that time.

    `results` is the file as it stands when the message is made; None if the watch wants none.
    """

    id: str
    watch_id: str
    name: str
    labels: Mapping[str, str]
    transition: Transition
    results: ResultsFile | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """What the notifier tells its operators of itself: a trouble, or the end of one.

    `subject` is what it is about (`channel:team-slack`) and `kind` what is the matter with it (`broken`, `healed`):
    of one subject the same kind is never told twice in a row.
    """

    id: str
    kind: str
    subject: str
    title: str
    body: str
    at: datetime


Told = Event | Notice
"""What a delivery carries."""


class DeliveryState(StrEnum):
    """Where one event's way to one channel stands; the moves between them are in `core.delivery`."""

    PENDING = "pending"
    SENDING = "sending"
    DELIVERED = "delivered"
    RETRYING = "retrying"
    UNCERTAIN = "uncertain"
    DEAD = "dead"
    DROPPED = "dropped"


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One event, or notice, for one channel, claimed for sending.

    `attempt` counts from 1; `refusals` are the attempts before it whose outcome was `permanent`; `created_at` is when
    it was decided, `wanted_at` when it was to go out first (later, if quiet hours held it back). `reached` are those of
    the channel's targets that have it already, when others could not be reached. `raised` says that its last attempt
    ended in an exception of this program.
    """

    id: int
    channel: str
    attempt: int
    refusals: int = 0
    created_at: datetime
    wanted_at: datetime
    event: Told
    reached: frozenset[str] = frozenset()
    raised: bool = False


class OutcomeKind(StrEnum):
    """What became of one attempt to send."""

    DELIVERED = "delivered"
    RETRY = "retry"
    PERMANENT = "permanent"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """A channel's answer to one attempt: a value, never an exception.

    `reason` is a short constant word (`http_429`, `refused`, `read_timeout`); `detail` is what the far side said,
    redacted and capped; `retry_after` the pause it asked for. `reached` are fingerprints of those of the channel's
    targets (the recipients of a mail, the topics of a broker) that have the message, when not all do.
    """

    kind: OutcomeKind
    reason: str
    detail: str = ""
    retry_after: timedelta | None = None
    reached: frozenset[str] = frozenset()


class Severity(StrEnum):
    """From the mildest to the worst. The words are Apprise's notification types."""

    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """What a person reads: a one-line title that begins with an emoji, and a body.

    All of it is plain text, unless it is `literal`: then what others wrote in it is escaped for its service already,
    and the rest, a template's own words, is meant to be read in the service's own markup.
    """

    title: str
    body: str
    severity: Severity = Severity.INFO
    literal: bool = False

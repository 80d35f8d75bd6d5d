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


class Reason(StrEnum):
    """Why a look could not tell a snapshot's status. The same word stands in the log, on pages and in metrics."""

    UNAUTHORISED = "unauthorised"
    FORBIDDEN = "forbidden"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    NONSENSE = "nonsense"


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

    `every` is the pause between looks; `notify` names channels; `on` holds the event names that are told.
    """

    id: str
    snapshot_id: str
    name: str
    every: timedelta
    notify: tuple[str, ...]
    on: tuple[str, ...]
    stalled_after: timedelta | None = None
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, kw_only=True, slots=True)
class SnapshotState:
    """All that is remembered of a snapshot between two looks.

    `revision` counts its transitions. `first_seen_at` is the first look that told a status, `since` the look that
    told the present one, `seen_at` the last one that told any. `not_found` counts the 404s in a row, the first of
    them at `not_found_since`.
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Transition:
    """A change of a snapshot's status. `revision` is the snapshot's revision after it.

    `names` are the event names it carries (`ready` comes with `complete`, `partial` or `empty`). `late_by` is how
    much longer than a usual pause nobody had looked, so at most how late this is told.
    """

    snapshot_id: str
    revision: int
    previous: str
    status: str
    names: tuple[str, ...]
    facts: Facts
    observed_at: datetime
    late_by: timedelta = timedelta(0)


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
    it was decided, `wanted_at` when it was to go out first (later, if quiet hours held it back).
    """

    id: int
    channel: str
    attempt: int
    refusals: int = 0
    created_at: datetime
    wanted_at: datetime
    event: Told


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
    redacted and capped; `retry_after` the pause it asked for.
    """

    kind: OutcomeKind
    reason: str
    detail: str = ""
    retry_after: timedelta | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """What a person reads: a one-line title that begins with an emoji, and a plain-text body."""

    title: str
    body: str

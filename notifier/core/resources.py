"""The resources that the API answers, that the pages show, and that `--json` prints: one shape for each thing.

All are frozen values of plain types. Times are aware and in UTC; durations are seconds, and end in `_s`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class NotifiedResource:
    """Whom an event notifies: the delivery's id, its channel and state, and when it was settled, or else decided."""

    delivery: int
    channel: str
    state: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class SnapshotResource:
    """A watched snapshot as it is now.

    Attributes:
        watch: the id of its watch; `parent/snapshot` if the watch of a dataset found it.
        name: the name of the watch.
        snapshot: the snapshot's id.
        dataset: the dataset's id; None while no answer has named it.
        status: the API's word, or `unknown`, or `missing`.
        since: when it took this status.
        started: when Bright Data created it, or when it was first seen.
        records, errors: the counts of the last answer that had them.
        last_poll: when it was polled last, by itself or in its dataset's list.
        last_answer: what that poll answered, if it was not the status.
        next_poll: when it is polled next; None if it has ended.
        deliveries: the number of its deliveries by state.
        notified: the deliveries of its newest event that has any.
        likely_end: when it is likely to end, by the usual duration of its dataset's collections; None if it has ended
            or the history is too short.
        error_message: why it failed, in the API's words.
        muted, muted_until: whether its notifications are muted, and until when; None until they are unmuted.
    """

    watch: str
    name: str
    snapshot: str
    dataset: str | None = None
    status: str
    since: datetime | None
    started: datetime | None = None
    records: int | None = None
    errors: int | None = None
    last_poll: datetime | None
    last_answer: str | None
    next_poll: datetime | None
    deliveries: Mapping[str, int]
    notified: tuple[NotifiedResource, ...] = ()
    likely_end: datetime | None = None
    error_message: str | None = None
    muted: bool
    muted_until: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusSpanResource:
    """A part of a snapshot's bar: the status that it had from one time until another; None: until now."""

    status: str
    begin: datetime
    end: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetResource:
    """A dataset as it is now.

    `in_progress` counts the snapshots that its watch found and that have not ended, `statuses` all of them by status
    (without those that ended more than a week ago).
    """

    watch: str
    name: str
    dataset: str
    in_progress: int
    statuses: Mapping[str, int] = field(default_factory=dict)
    last_poll: datetime | None
    last_answer: str | None
    next_poll: datetime | None
    muted: bool
    muted_until: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CollectionResource:
    """One collection of a dataset, ended or not: a point of the dataset's chart."""

    snapshot: str
    status: str
    started: datetime | None
    ended: datetime | None
    duration_s: float | None
    records: int | None
    errors: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class UsualResource:
    """The usual range of a number: its median, and the quartiles below and above, over `collections` of them."""

    median: float
    low: float
    high: float
    collections: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptResource:
    """One attempt of a delivery, with the receiver's answer; `together` deliveries went out as one message."""

    number: int
    started_at: datetime
    duration_s: float
    outcome: str
    reason: str
    detail: str
    together: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MessageResource:
    """The words of a message. A webhook has no title, and its payload as the body."""

    title: str | None
    body: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DigestResource:
    """The message of several deliveries that one was sent in: when, with how many, and which."""

    at: datetime
    deliveries: int
    ids: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryResource:
    """A delivery: one event, or one notice, for one channel.

    Of an event it has `watch`, `name`, `snapshot`, `status` and `events`; of a notice to the operators `notice` (its
    kind) and `subject`. `attempts`, `message` and `digest` are filled where one delivery is shown.
    """

    id: int
    channel: str
    state: str
    reason: str
    attempts_begun: int
    created_at: datetime
    not_before: datetime | None
    settled_at: datetime | None
    event_id: str
    title: str
    watch: str | None = None
    name: str | None = None
    snapshot: str | None = None
    status: str | None = None
    events: tuple[str, ...] | None = None
    notice: str | None = None
    subject: str | None = None
    message: MessageResource | None = None
    digest: DigestResource | None = None
    attempts: tuple[AttemptResource, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class EventResource:
    """A transition of a snapshot, notified or not, with its deliveries."""

    event_id: str
    watch: str
    name: str
    snapshot: str
    at: datetime
    previous: str
    status: str
    events: tuple[str, ...]
    title: str
    late_by_s: float = 0.0
    deliveries: tuple[DeliveryResource, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelResource:
    """A channel and how it does.

    Attributes:
        service: the kind of receiver, such as `slack` or `webhook`; never its address.
        operators: whether it gets the notices to the operators.
        watches: the number of watches that notify it.
        deliveries: the number of its deliveries by state.
        broken_since, trouble: since when it is broken and why; None and empty if it works.
        last_success: when a message last got through.
        oldest_waiting: when the oldest open delivery was decided.
        held_until, held_by: until when its deliveries wait, and for what: `quiet`, `pace`, `retrying`.
    """

    channel: str
    service: str
    operators: bool = False
    watches: int = 0
    deliveries: Mapping[str, int] = field(default_factory=dict)
    broken_since: datetime | None = None
    trouble: str = ""
    last_success: datetime | None = None
    oldest_waiting: datetime | None = None
    held_until: datetime | None = None
    held_by: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConditionResource:
    """What is in trouble: since when, what is wrong in words, and what to do about it."""

    subject: str
    kind: str
    since: datetime | None
    sentence: str
    cure: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionResource:
    """What somebody did by a command, the API or a page, and from where: an `origin` such as `page 127.0.0.1`."""

    at: datetime
    action: str
    subject: str
    origin: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigurationResource:
    """The configuration in effect.

    Attributes:
        effective: all of it with its defaults, in the shape of the YAML; every secret is `***`.
        files: the files that it was read from, the main one first.
        warnings: what works, but perhaps not as its author meant it, each with its place.
        reloaded_at: when the files were read again last, since the start; None if they were not.
        refused: the errors for which that reload was refused, each with its place; none if it was done.
        runs_of: when the configuration that runs was read, if the notifier started with the one taken up last.
    """

    effective: Mapping[str, object]
    files: tuple[str, ...]
    warnings: tuple[str, ...]
    reloaded_at: datetime | None
    refused: tuple[str, ...]
    runs_of: datetime | None

"""The resources that the API answers, that the pages show, and that `--json` prints: one shape for each thing.

All are frozen values of plain types. Times are aware and in UTC; durations are seconds, and end in `_s`. The texts
under `Attributes:` become the descriptions of the fields in the API's OpenAPI. What they consist of is in
`core.resource_parts`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from notifier.core.resource_parts import AttemptResource, DigestResource, MessageResource, NotifiedResource


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
class DatasetResource:
    """A dataset as it is now.

    Attributes:
        watch: the id of its watch.
        name: the name of the watch.
        dataset: the dataset's id.
        in_progress: the number of snapshots that its watch found and that have not ended.
        statuses: the number of snapshots that its watch found by status, without those that ended a week ago.
        last_poll: when its list was polled last.
        last_answer: what that poll answered; `listed` if it was the list.
        next_poll: when its list is polled next.
        muted, muted_until: whether its notifications are muted, and until when; None until they are unmuted.
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
class DeliveryResource:
    """A delivery: one event, or one notice, for one channel.

    Attributes:
        id: its number.
        channel: the channel's name.
        state: `pending`, `sending`, `delivered`, `retrying`, `uncertain`, `dead` or `dropped`.
        reason: the reason of the state in one word; empty if there is none.
        attempts_begun: the number of attempts so far.
        created_at: when it was decided.
        not_before: when it is sent at the earliest.
        channel_next_try: when its channel, which fails, gets its next message: one at a time, the most overdue first;
            None if the channel does not fail, or if no daemon says so.
        settled_at: when it was delivered, dropped or given up; None while it is open.
        event_id: the id of the event (evt_…) or of the notice (ntc_…).
        title: the title of its message.
        watch, name: the id and the name of the event's watch; None for a notice.
        snapshot, status: the event's snapshot, and the status that it took; None for a notice.
        events: the event's names; None for a notice.
        notice: the kind of a notice to the operators; None for an event.
        subject: what the notice is about; None for an event.
        message: the words; only where one delivery is shown.
        digest: the message that it was sent in with others, if it was; only where one delivery is shown.
        attempts: its attempts, the oldest first; only where one delivery is shown.
    """

    id: int
    channel: str
    state: str
    reason: str
    attempts_begun: int
    created_at: datetime
    not_before: datetime | None
    channel_next_try: datetime | None = None
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
    """A transition of a snapshot, notified or not, with its deliveries.

    Attributes:
        event_id: its id, which is on every message of it.
        watch, name: the id and the name of its watch.
        snapshot: the snapshot's id.
        at: when the poll saw it.
        previous, status: the status before it, and after it.
        events: the event's names, by which `on:` chooses.
        title: the title of its message.
        late_by_s: how late it was seen at most, beyond a usual pause between polls.
        deliveries: its deliveries.
    """

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
        channel: its name.
        service: the kind of receiver, such as `slack` or `webhook`; never its address.
        operators: whether it gets the notices to the operators.
        watches: the number of watches that notify it.
        deliveries: the number of its deliveries by state.
        broken_since, trouble: since when it is broken and why; None and empty if it works.
        last_success: when a message last got through.
        oldest_waiting: when the oldest open delivery was decided.
        held_until, held_by: until when its deliveries wait, and for what: `quiet`, `waiting`,
            `retrying`, or `failing` where it gets one message at a time as a test.
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
    """What is in trouble.

    Attributes:
        subject: what it is, such as `api`, `reload` or `channel:NAME`.
        kind: what is wrong with it in one word.
        since: since when; None if that is not known.
        sentence: what is wrong in words.
        cure: what to do about it.
    """

    subject: str
    kind: str
    since: datetime | None
    sentence: str
    cure: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ActionResource:
    """What somebody did by a command, the API or a page.

    Attributes:
        at: when.
        action: what was done, such as `mute`.
        subject: to which watch, delivery or channel.
        origin: from where, such as `page 127.0.0.1`.
        detail: more about it.
    """

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
        runs_of: when the configuration that runs was read, if the notifier started with the one that was loaded last.
    """

    effective: Mapping[str, object]
    files: tuple[str, ...]
    warnings: tuple[str, ...]
    reloaded_at: datetime | None
    refused: tuple[str, ...]
    runs_of: datetime | None

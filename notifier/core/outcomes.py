"""The outcomes of the daemon's work, as values: of polls, lists, deliveries, downloads, reloads and the rest.

The components return or report them; telemetry turns them into log lines and metrics, by their type.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from notifier.core.config_diff import ConfigDiff
from notifier.core.delivery.model import Delivery, Event, Outcome
from notifier.core.delivery.retry_decision import RetryDecision
from notifier.core.health.api import ApiNews
from notifier.core.health.channel import ChannelVerdict
from notifier.core.health.store import StoreNews
from notifier.core.snapshot.download_job import DownloadJob, Result
from notifier.core.snapshot.hint_queue import HintResult
from notifier.core.snapshot.model import Observation, Seen, Unclear, Watch
from notifier.core.snapshot.refusals import RefusalNews
from notifier.core.snapshot.rotation import TrustNews
from notifier.core.work_units import UnitFault


@dataclass(frozen=True, kw_only=True, slots=True)
class CommittedEvent:
    """An event, with the channels that are notified of it."""

    event: Event
    channels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class PollOutcome:
    """The outcome of one poll of a snapshot.

    Attributes:
        observation: the result; None if it happened by the clock alone, without a poll.
        committed: the events that it committed.
        superseded: whether the change had been committed already.
        refusal: set if the API begins to refuse the snapshot for good, or answers again.
        lag: how late the poll began.
        duration: how long the answer took.
        pause: the time to the next poll; None if there is none.
    """

    watch: Watch
    observation: Observation | None
    committed: tuple[CommittedEvent, ...]
    superseded: bool
    lag: timedelta
    duration: timedelta
    pause: timedelta | None
    refusal: RefusalNews | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ListOutcome:
    """The outcome of one poll of a dataset.

    Attributes:
        unclear: why there was no list; None if there was one.
        entries: the length of the list.
        taken: the outcomes that it made without individual polls.
        ask: snapshots that are to be polled individually because of it.
        missing: members that it did not have.
        behind: snapshots on which it is still behind (`core.snapshot.rotation`).
        found: how many snapshots were new.
        baseline: how many had ended before the dataset was first listed.
        refusal: set if the API begins to refuse the dataset for good, or answers again.
        lag: how late the poll began.
        duration: how long it took.
        pause: the time to the next list; None if there is none, or it is not known.
    """

    dataset_id: str
    unclear: Unclear | None = None
    entries: int = 0
    taken: tuple[PollOutcome, ...] = ()
    ask: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    found: int = 0
    baseline: int = 0
    refusal: RefusalNews | None = None
    lag: timedelta
    duration: timedelta
    pause: timedelta | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryOutcome:
    """The outcome of one delivery; a dropped one was not attempted.

    `duration` is how long the send took; `together` deliveries went out as one message.
    """

    delivery: Delivery
    outcome: Outcome
    decision: RetryDecision
    duration: timedelta
    together: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class DownloadOutcome:
    """The outcome of one attempt to download results."""

    job: DownloadJob
    result: Result
    duration: timedelta


class HeartbeatKind(StrEnum):
    """The outcome of a heartbeat, as one word for the log and the metrics."""

    SENT = "sent"
    FAILED = "failed"
    WITHHELD = "withheld"


@dataclass(frozen=True, kw_only=True, slots=True)
class HeartbeatOutcome:
    """The outcome of a heartbeat, and why it failed or was withheld."""

    kind: HeartbeatKind
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReloadOutcome:
    """The outcome of a reload.

    Attributes:
        changed: what differs from the configuration before.
        refused: why it was refused, line by line.
        duration: how long it took.
        asked: whether it was requested, and not started by a changed file.
        again: whether files that had been refused were read once more, without a request or a change.
    """

    changed: ConfigDiff | None = None
    refused: tuple[str, ...] = ()
    duration: timedelta
    asked: bool = False
    again: bool = False

    @property
    def done(self) -> bool:
        """Whether the configuration on disk is the one that runs."""
        return not self.refused


@dataclass(frozen=True, kw_only=True, slots=True)
class UnreadableEntries:
    """Entries of a dataset's list that make no sense; `entries` holds how each begins."""

    dataset_id: str
    entries: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestOutcome:
    """A request to Bright Data; `status` is the code of the answer, None without one."""

    status: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DroppedDeliveries:
    """Deliveries to a channel that were dropped."""

    channel: str
    reason: str
    number: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TemplateFailure:
    """A user's template failed, and the plain message was sent instead."""

    channel: str
    event_id: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelChange:
    """A channel broke, or works again; `outcome` is the one of the message that showed it."""

    channel: str
    verdict: ChannelVerdict
    outcome: Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class HintOutcome:
    """What a hint came to; `snapshot_id` is empty if it named none."""

    result: HintResult
    snapshot_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockShift:
    """The wall clock was moved by `shift`."""

    shift: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpListening:
    """The daemon listens at `address`, or cannot because of `trouble`; without an address, HTTP is off."""

    address: str
    trouble: str = ""


AnyOutcome = (
    PollOutcome
    | ListOutcome
    | UnreadableEntries
    | RequestOutcome
    | DeliveryOutcome
    | DroppedDeliveries
    | TemplateFailure
    | ChannelChange
    | DownloadOutcome
    | ReloadOutcome
    | HeartbeatOutcome
    | HintOutcome
    | ClockShift
    | HttpListening
    | ApiNews
    | StoreNews
    | TrustNews
    | UnitFault
)
"""Every outcome that is reported."""


def answer_word(observation: Observation) -> str:
    """Return the result of a poll as one word: the status, `not_found`, or the reason why there is none."""
    match observation:
        case Seen(status=status):
            return status
        case Unclear(reason=reason):
            return reason
        case _:
            return "not_found"

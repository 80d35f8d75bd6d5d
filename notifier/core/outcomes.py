"""What came of the daemon's work, as values: of a poll, a list, a delivery, a download, a reload and the rest.

The parts of the daemon return or report them; `report` turns them into log lines and figures, by their type.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from notifier.core.config_diff import ConfigDiff
from notifier.core.delivery.model import Delivery, Event, Outcome
from notifier.core.delivery.states import Settlement
from notifier.core.health.api import ApiNews
from notifier.core.health.channel import Verdict
from notifier.core.health.store import StoreNews
from notifier.core.model import Observation, Seen, Unclear, Watch
from notifier.core.snapshot.refusals import RefusalNews
from notifier.core.snapshot.results import Job, Result
from notifier.core.snapshot.rotation import TrustNews
from notifier.core.units import Fault


@dataclass(frozen=True, kw_only=True, slots=True)
class CommittedEvent:
    """An event with the channels that are told of it."""

    event: Event
    channels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class PollOutcome:
    """What came of one poll; without an `observation` nobody polled, and it happened by the clock alone.

    `told` holds the transitions it committed. `superseded` is true when somebody else had told the change already.
    `refusal` is there if the API has begun to refuse for good to tell of the snapshot, or tells of it again. `lag` is
    how much after its due time the poll began, `duration` how long the answer took, and `pause` the time to the next
    poll (None when there is none).
    """

    watch: Watch
    observation: Observation | None
    told: tuple[CommittedEvent, ...]
    superseded: bool
    lag: timedelta
    duration: timedelta
    pause: timedelta | None
    refusal: RefusalNews | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ListOutcome:
    """What came of one poll of a dataset.

    `unclear` says why there was no list. Otherwise it had `entries`, of which `taken` made transitions by themselves,
    `ask` are to be asked for singly and `found` were new; `baseline` had ended before the dataset was first polled.
    `missing` are members that it did not have; of `behind` it was behind before (`core.rotation`), and still is. `lag`
    is how late the poll began, `duration` how long it took.
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


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryOutcome:
    """What came of one delivery in one message, or without one: a dropped delivery has no attempt.

    `duration` is how long the send took; `together` deliveries went out as one message.
    """

    delivery: Delivery
    outcome: Outcome
    settlement: Settlement
    duration: timedelta
    together: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class DownloadOutcome:
    """One attempt, for the log and the metrics."""

    job: Job
    result: Result
    duration: timedelta


class HeartbeatKind(StrEnum):
    """What became of a heartbeat. The same word stands in the log and in the metrics."""

    SENT = "sent"
    FAILED = "failed"
    WITHHELD = "withheld"


@dataclass(frozen=True, kw_only=True, slots=True)
class HeartbeatOutcome:
    """What became of one, and why it failed or was withheld."""

    kind: HeartbeatKind
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReloadOutcome:
    """What came of a reload: what it `changed`, or why it was `refused`, line by line.

    `asked` says that it was asked for, and not begun because a file had changed; `again` that it was neither, but that
    files which were refused were read once more.
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
    """A request to Bright Data was answered with this status code; None if it was not answered."""

    status: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DroppedDeliveries:
    """So many deliveries to a channel were dropped."""

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
    """A channel broke, or works again; `outcome` is that of the message that showed it."""

    channel: str
    verdict: Verdict
    outcome: Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockShift:
    """The wall clock was moved by `shift`."""

    shift: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpListening:
    """The daemon answers over HTTP at `address`; or cannot, because of `trouble`; or (no address) is not to."""

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
    | ClockShift
    | HttpListening
    | ApiNews
    | StoreNews
    | TrustNews
    | Fault
)
"""Everything that is reported."""


def answer_word(observation: Observation) -> str:
    """One word for what a poll said: the status it told, `not_found`, or the reason it could not tell."""
    match observation:
        case Seen(status=status):
            return status
        case Unclear(reason=reason):
            return reason
        case _:
            return "not_found"

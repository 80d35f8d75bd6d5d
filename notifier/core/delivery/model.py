"""Values of a delivery: events and notices, their deliveries, the outcome of an attempt, and messages.

All of them are frozen and keyword-only. Times are aware datetimes in UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from notifier.core.snapshot.model import Transition


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultsFile:
    """The file that a snapshot's results are downloaded to.

    `path` is None until the file is complete. Until then `trouble` is why the last attempt failed (empty if none did),
    and `given_up` whether it was the last one.
    """

    folder: str
    path: str | None = None
    trouble: str = ""
    given_up: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """A transition to notify people of, with a stable id and the name and labels that its watch had at that time.

    `results` is the state of the file when the message is made; None if the watch downloads none.
    """

    id: str
    watch_id: str
    name: str
    labels: Mapping[str, str]
    transition: Transition
    results: ResultsFile | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """A notice to the operators about the notifier itself: a trouble, or the end of one.

    `subject` is what it is about (`channel:team-slack`), `kind` the trouble or its end (`broken`, `healed`). The same
    kind is never sent twice in a row for one subject.
    """

    id: str
    kind: str
    subject: str
    title: str
    body: str
    at: datetime


Deliverable = Event | Notice
"""What a delivery carries."""


class DeliveryState(StrEnum):
    """The states of a delivery; `core.delivery.states` has the moves between them."""

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

    Attributes:
        attempt: the number of this attempt, from 1.
        refusals: how many attempts before it ended `permanent`.
        created_at: when the delivery was decided.
        wanted_at: when it was to go out first; later than `created_at` if quiet hours held it back.
        reached: fingerprints of the channel's targets that already have it, if others could not be reached.
        raised: the last attempt ended in an exception of this program.
    """

    id: int
    channel: str
    attempt: int
    refusals: int = 0
    created_at: datetime
    wanted_at: datetime
    event: Deliverable
    reached: frozenset[str] = frozenset()
    raised: bool = False


class OutcomeKind(StrEnum):
    """The result of one attempt to send."""

    DELIVERED = "delivered"
    RETRY = "retry"
    PERMANENT = "permanent"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """A channel's answer to one attempt: a value, never an exception.

    Attributes:
        reason: a short constant word (`http_429`, `refused`, `read_timeout`).
        detail: what the receiving service said, redacted and capped.
        retry_after: the pause that it asked for.
        reached: fingerprints of the channel's targets (recipients of a mail, topics of a broker) that have the
            message, if some do not.
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

    Both are plain text unless the message is `literal`: then everything that others wrote is already escaped for the
    service, and the template's own text is in the service's markup.
    """

    title: str
    body: str
    severity: Severity = Severity.INFO
    literal: bool = False

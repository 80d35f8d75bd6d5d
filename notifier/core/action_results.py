"""What came of an action: the values that the API answers to a POST, and that `--json` prints."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class MuteResult:
    """A watch is muted.

    Attributes:
        muted: the id of the watch.
        until: until when; None until it is unmuted.
    """

    muted: str
    until: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class UnmuteResult:
    """A watch is not muted any more.

    Attributes:
        unmuted: the id of the watch.
        was_muted: whether it was muted.
    """

    unmuted: str
    was_muted: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class PollResult:
    """A snapshot is polled now, as soon as the limiter admits the request.

    Attributes:
        polled: the id of the snapshot.
        answer: what the poll answered in one word: the status, `not_found`, or why there is none; None if it was not
            answered within five seconds, which `text` explains. It goes on then.
        text: what came of it in words.
    """

    polled: str
    answer: str | None = None
    text: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryResult:
    """Deliveries are sent again.

    Attributes:
        retried: how many: those that were dead, uncertain or retrying.
    """

    retried: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TestResult:
    """A test message was sent to a channel.

    Attributes:
        channel: the channel's name.
        outcome: `delivered`, `retry`, `permanent` or `uncertain`.
        reason: the outcome's reason in one word.
        answer: the receiver's answer, or the error.
    """

    channel: str
    outcome: str
    reason: str
    answer: str

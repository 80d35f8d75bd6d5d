"""When polls of one snapshot time out although the API answers others. Pure.

A poll that hangs keeps one of the few requests that may be under way at once from all other polls, for the whole
timeout. Measured with eight requests at once: 30 of 100 snapshots hang, and the others are polled half a minute
late, each time. So a snapshot that hangs again and again is polled with growing pauses. While the API answers nobody,
nothing is counted: that is another trouble (`core.apihealth`), and after its end all is polled as usual.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from notifier.core.backoff import backoff
from notifier.core.model import Observation, Reason, Unclear

SHORTEST_PAUSE = timedelta(seconds=10)
"""From the second poll on that hangs: at least the usual timeout, so that half of the time is left to others."""

LONGEST_PAUSE = timedelta(minutes=5)
"""A snapshot that hangs is polled this often at least, unless its usual pause is longer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unanswered:
    """How many polls in a row had no answer while others had one, and when the last poll without an answer ended."""

    count: int = 0
    at: datetime | None = None


NONE = Unanswered()
"""The last poll was answered."""


def after(
    before: Unanswered, observation: Observation, *, asked_at: datetime, now: datetime, others_at: datetime | None
) -> Unanswered:
    """Count one more poll.

    Args:
        before: the polls until then.
        observation: what the poll told.
        asked_at: when it began.
        now: when it ended.
        others_at: when the API last told the status of any snapshot.
    """
    if not isinstance(observation, Unclear):
        return NONE
    if observation.reason is not Reason.TIMEOUT:
        return before
    since = before.at or asked_at
    others_answered = others_at is not None and others_at > since
    return Unanswered(count=before.count + others_answered, at=now)


def pause_after(unanswered: Unanswered, usual: timedelta) -> timedelta:
    """The pause to the next poll: the usual one, doubled with each poll that hangs from the third on."""
    if unanswered.count < 2:
        return usual
    return max(usual, backoff(unanswered.count - 1, first=max(usual, SHORTEST_PAUSE), longest=LONGEST_PAUSE))

"""When polls of one snapshot time out although the API answers others. Pure.

A poll that times out takes one of the few concurrent requests from all other polls for the whole timeout. Measured
with eight concurrent requests, when 30 of 100 snapshots hang: the others are polled half a minute late, each time. So a
snapshot that hangs repeatedly is polled with growing pauses. While the API answers no poll at all, nothing is counted:
that is the API's trouble (`core.health.api`), and after it everything is polled as usual.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from notifier.core.backoff import backoff
from notifier.core.snapshot.model import Observation, Reason, Unclear

SHORTEST_PAUSE = timedelta(seconds=10)
"""The shortest pause from the second timeout on: the usual timeout, so that others have half of the time."""

LONGEST_PAUSE = timedelta(minutes=5)
"""The longest pause of a snapshot that hangs, unless its usual pause is longer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PollTimeouts:
    """How many polls in a row timed out while others were answered, and when the last of them ended."""

    count: int = 0
    at: datetime | None = None


NONE = PollTimeouts()
"""The last poll was answered."""


def after(
    before: PollTimeouts, observation: Observation, *, asked_at: datetime, now: datetime, others_at: datetime | None
) -> PollTimeouts:
    """Count one more poll.

    Args:
        before: the polls until then.
        observation: its result.
        asked_at: when it began.
        now: when it ended.
        others_at: when any poll was last answered.
    """
    if not isinstance(observation, Unclear):
        return NONE
    if observation.reason is not Reason.TIMEOUT:
        return before
    since = before.at or asked_at
    others_answered = others_at is not None and others_at > since
    return PollTimeouts(count=before.count + others_answered, at=now)


def pause_after(unanswered: PollTimeouts, usual: timedelta) -> timedelta:
    """Return the pause before the next poll: the usual one, doubled with each timeout from the third on."""
    if unanswered.count < 2:
        return usual
    return max(usual, backoff(unanswered.count - 1, first=max(usual, SHORTEST_PAUSE), longest=LONGEST_PAUSE))

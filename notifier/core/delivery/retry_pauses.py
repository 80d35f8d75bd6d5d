"""When a failed delivery or download is tried again, and when it is given up. Pure: randomness is an argument."""

from datetime import timedelta

from notifier.core.backoff import backoff, jittered
from notifier.core.delivery.model import OutcomeKind

FIRST_RETRY = timedelta(seconds=5)
LONGEST_RETRY = timedelta(hours=2)
GIVE_UP_AFTER = timedelta(days=3)

PERMANENT_TRIES = 4
PERMANENT_PAUSE = timedelta(minutes=5)
"""The first pause after a failure that looks final. It is tried a few times more: most are a token being replaced."""

LONGEST_RETRY_AFTER = timedelta(days=1)
"""A longer `Retry-After` is taken for nonsense and cut to this."""


def retry_pause(
    *,
    kind: OutcomeKind,
    attempt: int,
    age: timedelta,
    retry_after: timedelta | None,
    jitter: float,
    give_up_after: timedelta = GIVE_UP_AFTER,
) -> timedelta | None:
    """Return the pause before the next attempt; None to give up.

    The pauses grow exponentially, so that a channel that is down is left alone for longer each time.

    Args:
        kind: how the last attempt failed.
        attempt: its number, from 1; of a permanent failure, its number among the permanent ones.
        age: the time since the delivery was wanted.
        retry_after: the pause that the receiver asked for; it is a minimum.
        jitter: a random number in [0, 1) that spreads the attempts.
        give_up_after: the age at which a delivery is given up.
    """
    if age >= give_up_after:
        return None
    if kind is not OutcomeKind.PERMANENT:
        longest = backoff(attempt, first=FIRST_RETRY, longest=LONGEST_RETRY)
    elif attempt < PERMANENT_TRIES:
        longest = backoff(attempt, first=PERMANENT_PAUSE, longest=LONGEST_RETRY)
    else:
        return None
    pause = jittered(longest, jitter)
    return pause if retry_after is None else max(pause, min(retry_after, LONGEST_RETRY_AFTER))

"""Health of a channel: when it may get its next message, when it is broken, and when it works again.

After `SUSPEND_AFTER` failures in a row a channel gets one message at a time, as a probe, with growing pauses. After
`BROKEN_AFTER` in that state it is broken: the operators are notified once, and once more when it works again.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from notifier.core.backoff import backoff, jittered
from notifier.core.delivery.channel_policy import ChannelPolicy

SUSPEND_AFTER = 3
BROKEN_AFTER = timedelta(minutes=1)
FIRST_PROBE = timedelta(seconds=5)
LONGEST_PROBE = timedelta(minutes=5)
LONGEST_STRETCH = timedelta(minutes=1)


class ChannelVerdict(StrEnum):
    """A change of a channel that operators are notified of."""

    BROKEN = "broken"
    HEALED = "healed"


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelHealth:
    """What is known from a channel's last messages. `gap` is the present pause between two of them."""

    failures: int = 0
    failing_since: datetime | None = None
    broken: bool = False
    last_at: datetime | None = None
    gap: timedelta = timedelta(0)

    @property
    def suspended(self) -> bool:
        """Whether it gets one message at a time, as a probe."""
        return self.broken or self.failures >= SUSPEND_AFTER


def next_turn(health: ChannelHealth) -> datetime | None:
    """Return when the channel may get its next message; None for at once."""
    return None if health.last_at is None else health.last_at + health.gap


def clock_set(health: ChannelHealth, now: datetime) -> ChannelHealth:
    """Return the health by a clock that was set back, so that it does not hold the channel up for as long."""
    if health.last_at is None or health.last_at <= now:
        return health
    since = health.failing_since and now - max(health.last_at - health.failing_since, timedelta(0))
    return replace(health, last_at=now, failing_since=since)


def after_message(
    health: ChannelHealth, *, policy: ChannelPolicy, delivered: bool, now: datetime, jitter: float, full: bool = False
) -> tuple[ChannelHealth, ChannelVerdict | None]:
    """Return the channel's health after a message, and the change to notify operators of, if there is one.

    Args:
        health: before the message.
        policy: the channel's.
        delivered: whether it got through.
        now: when that was known.
        jitter: a number in [0, 1), to spread the probes.
        full: whether the message had no room for all that waits. The pause does not stretch then, because a longer one
            would not put more into the next message.
    """
    if delivered:
        well = ChannelHealth(last_at=now, gap=policy.pace if full else _pace(health, policy, now))
        return well, ChannelVerdict.HEALED if health.broken else None
    failures = health.failures + 1
    since = health.failing_since or now
    suspended = replace(health, failures=failures).suspended
    gap = policy.pace
    if suspended:
        probe = backoff(failures - SUSPEND_AFTER + 1, first=FIRST_PROBE, longest=LONGEST_PROBE)
        gap = max(gap, jittered(probe, jitter))
    broken = health.broken or (suspended and now - since >= BROKEN_AFTER)
    failing = ChannelHealth(failures=failures, failing_since=since, broken=broken, last_at=now, gap=gap)
    return failing, ChannelVerdict.BROKEN if broken and not health.broken else None


def _pace(health: ChannelHealth, policy: ChannelPolicy, now: datetime) -> timedelta:
    in_a_row = health.last_at is not None and now - health.last_at <= 2 * max(health.gap, policy.pace)
    if not policy.stretches or not in_a_row or health.failures:
        return policy.pace
    return min(max(2 * health.gap, policy.pace), max(LONGEST_STRETCH, policy.pace))

"""A channel's policy: pace, merging, quiet hours, fallback, and when to give up. `retry_decision` uses it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from notifier.core.delivery.retry_pauses import GIVE_UP_AFTER
from notifier.core.delivery.routing import wants

WEBHOOK_PACE = timedelta(milliseconds=100)
"""The default `pace` of a signed webhook: a program reads its messages, and they are never merged."""

MOST_PARALLEL = 8
"""Messages in flight to one channel at the same time, where they are never merged."""

_ROUND = timedelta(milliseconds=20)


class OnUncertain(StrEnum):
    """What happens to a delivery that may or may not have arrived."""

    RESEND = "resend"
    HOLD = "hold"


@dataclass(frozen=True, kw_only=True, slots=True)
class Quiet:
    """Quiet hours: a daily window in which a channel gets no messages, by the wall clock of a time zone.

    It goes from `start` (included) to `end` (excluded), over midnight if `end` comes before `start`. The two differ.
    Events that carry one of the names in `exceptions` are sent all the same.
    """

    start: time
    end: time
    zone: tzinfo
    exceptions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a window from a time to itself: it could mean never or always."""
        if self.start == self.end:
            raise ValueError("quiet hours cannot begin and end at the same time of the day")

    def ends_at(self, now: datetime) -> datetime | None:
        """Return when the window that `now` lies in ends, in UTC; None outside of it.

        The window keeps its wall-clock times on days when the clocks change. A time that is skipped in spring counts as
        the moment of the change; of one that comes twice in autumn the first counts. If all the time between two
        windows is skipped, they are one.
        """
        now = now.astimezone(UTC)
        today = now.astimezone(self.zone).date()
        # Tomorrow, too: clocks that go back over midnight reach it a second time.
        for day in (today + timedelta(days=days) for days in (1, 0, -1)):
            end_day = day if self.start < self.end else day + timedelta(days=1)
            end = _first_at(end_day, self.end, self.zone)
            if _first_at(day, self.start, self.zone) <= now < end:
                return self.ends_at(end) or end
        return None

    def holds(self, names: Iterable[str], now: datetime) -> datetime | None:
        """Return until when an event with these names is held back; None if it may go now."""
        return None if self.exceptions and wants(self.exceptions, names) else self.ends_at(now)


def _first_at(day: date, clock: time, zone: tzinfo) -> datetime:
    """Return the first moment, in UTC, at which clocks of the zone show this time of this day, or have skipped it."""
    wall = datetime.combine(day, clock.replace(fold=0))
    moment = wall.replace(tzinfo=zone).astimezone(UTC)
    if _wall(moment, zone) == wall:
        return moment
    # Skipped: with the offset before the change the moment is too late, with the one after it too early.
    early, late = wall.replace(tzinfo=zone, fold=1).astimezone(UTC), moment
    while late - early > timedelta.resolution:
        middle = early + (late - early) / 2
        early, late = (middle, late) if _wall(middle, zone) < wall else (early, middle)
    return late


def _wall(moment: datetime, zone: tzinfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelPolicy:
    """How one channel is served.

    Attributes:
        pace: the least time between two messages.
        stretches: the pause doubles with each message in a row, up to a minute, so that a flood becomes a few digests.
            It does not after a message that was full: waiting longer would not make the messages fewer.
        merges: what waits goes out as one message.
        quiet: quiet hours.
        fallback: the channel that gets what has not got through in `fallback_after`.
        on_uncertain: what follows an uncertain attempt.
        give_up_after: the age at which a delivery is given up.
    """

    pace: timedelta = timedelta(seconds=1)
    stretches: bool = True
    merges: bool = True
    quiet: Quiet | None = None
    fallback: str | None = None
    fallback_after: timedelta = timedelta(minutes=15)
    on_uncertain: OnUncertain = OnUncertain.RESEND
    give_up_after: timedelta = GIVE_UP_AFTER

    @property
    def parallel(self) -> int:
        """How many messages may be in flight: as many as the pace allows in 20 ms, at least one.

        Where messages are merged it is one: what else waits belongs into it.
        """
        if self.merges:
            return 1
        return min(max(_ROUND // self.pace, 1), MOST_PARALLEL) if self.pace else MOST_PARALLEL

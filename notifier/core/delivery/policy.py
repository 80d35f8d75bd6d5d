"""How a channel wants its messages: how fast, how many in one, when not, what to do when it fails. And quiet hours."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from notifier.core.delivery.retry_pauses import GIVE_UP_AFTER
from notifier.core.delivery.routing import wants

WEBHOOK_PACE = timedelta(milliseconds=100)
"""The `pace` of a signed webhook that names none: a program reads its messages, and they are never merged."""

MOST_PARALLEL = 8
"""Messages that are on their way to one channel at the same time, where they are never merged."""

_ROUND = timedelta(milliseconds=20)


class OnUncertain(StrEnum):
    """What happens to a delivery of which nobody can say whether it arrived."""

    RESEND = "resend"
    HOLD = "hold"


@dataclass(frozen=True, kw_only=True, slots=True)
class Quiet:
    """A daily window in which a channel is left in peace, by the wall clock of a time zone.

    From `start` (included) to `end` (excluded); over midnight when `end` comes before `start`. The two differ. Events
    that carry one of the names in `exceptions` are told all the same.
    """

    start: time
    end: time
    zone: tzinfo
    exceptions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """A window from a time to itself would be either nothing or for ever."""
        if self.start == self.end:
            raise ValueError("quiet hours cannot begin and end at the same time of the day")

    def ends_at(self, now: datetime) -> datetime | None:
        """When the window that `now` lies in ends, in UTC; None outside of it.

        On the days when the clocks change the window begins and ends at its wall-clock times all the same. One that is
        skipped in spring is taken at the moment of the change, where the clock goes on; of one that comes twice in
        autumn the first counts. When all that lies between two windows is skipped they are one.
        """
        now = now.astimezone(UTC)
        today = now.astimezone(self.zone).date()
        # Tomorrow too: clocks that go back over midnight come to it a second time.
        for day in (today + timedelta(days=days) for days in (1, 0, -1)):
            end_day = day if self.start < self.end else day + timedelta(days=1)
            end = _first_at(end_day, self.end, self.zone)
            if _first_at(day, self.start, self.zone) <= now < end:
                return self.ends_at(end) or end
        return None

    def holds(self, names: Iterable[str], now: datetime) -> datetime | None:
        """Until when an event with these names is held back; None if it may go now."""
        return None if self.exceptions and wants(self.exceptions, names) else self.ends_at(now)


def _first_at(day: date, clock: time, zone: tzinfo) -> datetime:
    """The first moment, in UTC, at which the clocks of the zone show this time of this day, or have jumped over it."""
    wall = datetime.combine(day, clock.replace(fold=0))
    moment = wall.replace(tzinfo=zone).astimezone(UTC)
    if _wall(moment, zone) == wall:
        return moment
    # Skipped: read with the offset from before the change it lies too late, with the one from after it too early.
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

    `pace` is the least time between two messages; what piles up behind it goes out as one, if `merges`. When it
    `stretches`, the pause doubles with each message in a row, up to a minute: a flood becomes a few digests. After a
    message that had no room for all that waited it does not: waiting longer would not make the messages fewer. After
    `fallback_after` an event that has not got through is told to the channel `fallback` too. A delivery is given up
    `give_up_after` its event.
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
        """How many messages may be on their way at the same time: what the pace has for 20 ms, but at least one.

        Where messages are merged there is one: what else waits is to be in it.
        """
        if self.merges:
            return 1
        return min(max(_ROUND // self.pace, 1), MOST_PARALLEL) if self.pace else MOST_PARALLEL

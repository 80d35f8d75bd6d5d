"""How a channel wants its messages: how fast, how many in one, when not, what to do when it fails. And quiet hours."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import StrEnum

from notifier.core.backoff import GIVE_UP_AFTER
from notifier.core.routing import wants


class OnUncertain(StrEnum):
    """What happens to a delivery of which nobody can say whether it arrived."""

    RESEND = "resend"
    HOLD = "hold"


@dataclass(frozen=True, kw_only=True, slots=True)
class Quiet:
    """A daily window in which a channel is left in peace, by the wall clock of a time zone.

    From `start` (included) to `end` (excluded); over midnight when `end` comes before `start`. Events that carry one
    of the names in `exceptions` are told all the same.
    """

    start: time
    end: time
    zone: tzinfo
    exceptions: tuple[str, ...] = ()

    def ends_at(self, now: datetime) -> datetime | None:
        """When the window that `now` lies in ends, in UTC; None outside of it.

        On the days when the clocks change the window begins and ends at its wall-clock times all the same: an end that
        is skipped in spring is taken where the clock goes on, one that comes twice in autumn the first time.
        """
        local = now.astimezone(self.zone)
        for days in (0, 1):
            day = local.date() - timedelta(days=days)
            begin = datetime.combine(day, self.start, self.zone)
            end_day = day if self.start < self.end else day + timedelta(days=1)
            end = datetime.combine(end_day, self.end, self.zone).astimezone(UTC)
            if begin.astimezone(UTC) <= now < end:
                return end
        return None

    def holds(self, names: Iterable[str], now: datetime) -> datetime | None:
        """Until when an event with these names is held back; None if it may go now."""
        return None if self.exceptions and wants(self.exceptions, names) else self.ends_at(now)


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelPolicy:
    """How one channel is served.

    `pace` is the least time between two messages; what piles up behind it goes out as one, if `merges`. After
    `fallback_after` an event that has not got through is told to the channel `fallback` too. A delivery is given up
    `give_up_after` its event.
    """

    pace: timedelta = timedelta(seconds=1)
    merges: bool = True
    quiet: Quiet | None = None
    fallback: str | None = None
    fallback_after: timedelta = timedelta(minutes=15)
    on_uncertain: OnUncertain = OnUncertain.RESEND
    give_up_after: timedelta = GIVE_UP_AFTER

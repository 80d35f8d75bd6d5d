"""Which listed snapshot is polled individually next, and whether lists are trusted. Pure.

A list may lag, come from a cache, or never show an end. So its snapshots are also polled individually in rotation, the
one that was confirmed the longest ago first. That takes requests that are left, but at least one for each list, so that
no list hides an end for ever.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from notifier.core.snapshot.list_comparison import LAG
from notifier.core.snapshot.model import SnapshotState
from notifier.core.snapshot.statuses import ENDS, canonical, has_ended

CONFIRM_FACTOR = 10
LEAST_CONFIRM_PERIOD = timedelta(minutes=5)
"""A member is polled individually at this multiple of `every`, but not more often than the least period."""

RESERVED_SHARE = 1 / 3
"""The share of the configured rate that rotations leave free.

It is for commands, and because an account at its limit is refused now and then when the rate is used without a pause.
"""

TRUSTED_AGAIN_AFTER = timedelta(minutes=10)
"""How long lists must agree before they are trusted again: a cache may alternate between old and new lists."""


def confirm_period(every: timedelta) -> timedelta:
    """Return how often each member is polled individually, if requests are left."""
    return max(CONFIRM_FACTOR * every, LEAST_CONFIRM_PERIOD)


class Rotation:
    """The members of a group in the order of their last individual poll, the longest ago first."""

    def __init__(self) -> None:
        self._order: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._order)

    def keep(self, members: Collection[str], order: Callable[[Iterable[str]], Iterable[str]]) -> None:
        """Replace the members; new ones come last, in the given order."""
        if gone := self._order.keys() - members:
            self._order = {member: None for member in self._order if member not in gone}
        if new := [member for member in members if member not in self._order]:
            self._order.update(dict.fromkeys(order(new)))

    def polled(self, member: str) -> None:
        """Move a member to the end: it was polled."""
        if member in self._order:
            del self._order[member]
            self._order[member] = None

    def leave(self, member: str) -> None:
        """Remove a member."""
        self._order.pop(member, None)

    def next(self, free: Callable[[str], bool]) -> str | None:
        """Return whose turn it is, of the members that are free; None if none is."""
        return next(filter(free, self._order), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Trust:
    """Whether a dataset's lists are trusted.

    Attributes:
        behind: the snapshots that are known to have ended and that the last list had in progress.
        since: since when lists are not trusted; None while they are.
        doubted_at: when a list last contradicted what is known.
    """

    behind: frozenset[str] = frozenset()
    since: datetime | None = None
    doubted_at: datetime | None = None

    @property
    def stale(self) -> bool:
        """Whether lists are not trusted: one was behind, and later ones have not agreed for long enough."""
        return self.since is not None


TRUSTED = Trust()


@dataclass(frozen=True, kw_only=True, slots=True)
class TrustNews:
    """A dataset's lists are no longer trusted (`stale`), or are trusted again.

    Attributes:
        snapshot_id: a snapshot that has ended with `status` and that the list had as `listed_as`, if `stale`.
        lasted: how long the lists were not trusted, if that is over and known.
    """

    dataset_id: str
    stale: bool
    snapshot_id: str = ""
    status: str = ""
    listed_as: str = ""
    lasted: timedelta | None = None


def is_behind(state: SnapshotState, word: str, listed_at: datetime) -> bool:
    """Whether a list that was requested at that time is behind, as it had this word for the snapshot.

    Only an end proves it: lists and single answers need not use the same words for statuses in progress. A list may be
    behind for a moment (`list_comparison.LAG`).
    """
    known_for_long = state.since is not None and state.since + LAG <= listed_at
    return known_for_long and has_ended(state) and canonical(word) not in ENDS


def found_behind(trust: Trust, snapshot_id: str, listed_at: datetime) -> Trust:
    """Return the trust after a list was found to be behind on this snapshot."""
    since = listed_at if trust.since is None else trust.since
    return Trust(behind=trust.behind | {snapshot_id}, since=since, doubted_at=listed_at)


def trust_after_list(trust: Trust, behind: Collection[str], listed_at: datetime) -> Trust:
    """Return the trust after one more list, which is behind on these snapshots of `trust.behind`."""
    if trust.since is None or trust.doubted_at is None:
        return trust
    if behind:
        return Trust(behind=frozenset(behind), since=trust.since, doubted_at=listed_at)
    agrees_for = listed_at - trust.doubted_at
    if timedelta(0) <= agrees_for < TRUSTED_AGAIN_AFTER:
        return Trust(since=trust.since, doubted_at=trust.doubted_at)
    return TRUSTED

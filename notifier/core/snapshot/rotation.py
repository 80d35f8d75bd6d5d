"""Which member of a listed dataset is asked singly next, and how often: so no list hides an end without bound. Pure.

A list may lag behind, come out of a cache, or never learn of an end. So its members are also asked one by one in
rotation, the longest unconfirmed first, with the requests that nothing else is due for, and at least one for each list.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from notifier.core.model import SnapshotState
from notifier.core.snapshot.list_comparison import LAG
from notifier.core.snapshot.statuses import ENDS, canonical, has_ended

CONFIRM_FACTOR = 10
LEAST_CONFIRM_PERIOD = timedelta(minutes=5)
"""A member is asked singly every so many times `every`, but not more often than this, if the request budget allows."""

RESERVED_SHARE = 1 / 3
"""The share of the configured rate that rotations do not use: for commands, and because a rate that an account just
bears is refused now and then when it is used without a pause."""

TRUSTED_AGAIN_AFTER = timedelta(minutes=10)
"""A list that contradicted what is known is believed again when it has not for so long: a cache may answer in turns."""


def confirm_period(every: timedelta) -> timedelta:
    """How often each member is asked singly, if the request budget allows."""
    return max(CONFIRM_FACTOR * every, LEAST_CONFIRM_PERIOD)


class Rotation:
    """The members of a group in the order in which they were asked, the longest ago first."""

    def __init__(self) -> None:
        self._order: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._order)

    def keep(self, members: Collection[str], order: Callable[[Iterable[str]], Iterable[str]]) -> None:
        """These are the members from now on; those that are new come last, in the order that is given."""
        if gone := self._order.keys() - members:
            self._order = {member: None for member in self._order if member not in gone}
        if new := [member for member in members if member not in self._order]:
            self._order.update(dict.fromkeys(order(new)))

    def polled(self, member: str) -> None:
        """The member was polled: its next turn comes after that of all others."""
        if member in self._order:
            del self._order[member]
            self._order[member] = None

    def leave(self, member: str) -> None:
        """It is no member any more."""
        self._order.pop(member, None)

    def next(self, free: Callable[[str], bool]) -> str | None:
        """Whose turn it is, of those that are free to be asked; None if none is."""
        return next(filter(free, self._order), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Trust:
    """Whether a dataset's lists are believed.

    `behind` are the snapshots that are known to have ended, and that the last list still had in progress. `since` is
    when the first of them was found, and `doubted_at` when a list last contradicted what is known.
    """

    behind: frozenset[str] = frozenset()
    since: datetime | None = None
    doubted_at: datetime | None = None

    @property
    def stale(self) -> bool:
        """Whether a list was found to be behind, and later ones have not agreed for long enough yet."""
        return self.since is not None


TRUSTED = Trust()


@dataclass(frozen=True, kw_only=True, slots=True)
class TrustNews:
    """A dataset's lists are not believed any more, or are again.

    In the first case `snapshot_id` is one that has ended with `status`, and that the list still had as `listed_as`. In
    the second, `lasted` is how long that was so, if it is known.
    """

    dataset_id: str
    stale: bool
    snapshot_id: str = ""
    status: str = ""
    listed_as: str = ""
    lasted: timedelta | None = None


def is_behind(state: SnapshotState, word: str, listed_at: datetime) -> bool:
    """Whether a list that was asked for at that time should have known better than to say this word.

    Only an end proves it: lists and single answers need not agree on the words in between. A list may be behind for a
    moment (`core.lists.LAG`).
    """
    known_for_long = state.since is not None and state.since + LAG <= listed_at
    return known_for_long and has_ended(state) and canonical(word) not in ENDS


def found_behind(trust: Trust, snapshot_id: str, listed_at: datetime) -> Trust:
    """The trust after a list was found to be behind, of this snapshot."""
    since = listed_at if trust.since is None else trust.since
    return Trust(behind=trust.behind | {snapshot_id}, since=since, doubted_at=listed_at)


def trust_after_list(trust: Trust, behind: Collection[str], listed_at: datetime) -> Trust:
    """The trust after one more list, which is still behind of these of `trust.behind`."""
    if trust.since is None or trust.doubted_at is None:
        return trust
    if behind:
        return Trust(behind=frozenset(behind), since=trust.since, doubted_at=listed_at)
    agrees_for = listed_at - trust.doubted_at
    if timedelta(0) <= agrees_for < TRUSTED_AGAIN_AFTER:
        return Trust(since=trust.since, doubted_at=trust.doubted_at)
    return TRUSTED

"""Whose turn it is to be polled individually, of the members of a dataset that its lists have."""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import timedelta

from notifier.core.snapshot.rotation import Rotation

SHORTEST_PAUSE = timedelta(milliseconds=1)


class Turns:
    """The rotation of a group's listed members, and the members whose turn it is now."""

    def __init__(self) -> None:
        self._rotation = Rotation()
        self._now: set[str] = set()
        self._taken = False

    def __len__(self) -> int:
        return len(self._rotation)

    def __iter__(self) -> Iterator[str]:
        return iter(self._now)

    @property
    def taken(self) -> bool:
        """Whether a member had a turn since the last list."""
        return self._taken

    def begin_round(self) -> None:
        """Note that a list came."""
        self._taken = False

    def keep(self, listed: Collection[str], order: Callable[[Iterable[str]], Iterable[str]]) -> None:
        """Give turns to these members; new ones come last, in the given order."""
        self._rotation.keep(listed, order)

    def take(self, is_free: Callable[[str], bool]) -> str | None:
        """Return the member that was polled the longest ago, of those that are free; None if none is."""
        id_ = self._rotation.next(lambda each: each not in self._now and is_free(each))
        if id_ is not None:
            self._rotation.polled(id_)
            self._now.add(id_)
            self._taken = True
        return id_

    def end(self, snapshot_id: str) -> None:
        """Note that the poll of a member has ended, answered or not."""
        self._now.discard(snapshot_id)

    def answered(self, snapshot_id: str) -> None:
        """Put a member at the end of the rotation: it was polled, whatever for."""
        self._rotation.polled(snapshot_id)

    def pause(self, period: timedelta) -> timedelta:
        """Return the pause between two turns, so that each member has one in every period."""
        return max(period / max(len(self._rotation), 1), SHORTEST_PAUSE)

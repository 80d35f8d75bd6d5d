"""The polls of the last seconds, which are not stored yet, put into what the database answers.

Without them a page that is read right after a poll would show the one before.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from notifier.core.resource_pages import DatasetPage, SnapshotPage, WatchResource
from notifier.core.resources import DatasetResource, SnapshotResource
from notifier.core.snapshot.statuses import Phase, phase_of
from notifier.store.datasets import LISTED, DatasetNote
from notifier.store.store import PollRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class FreshPolls:
    """Knows the polls that are not stored yet.

    Attributes:
        poll: returns that of a snapshot, or None.
        listed: returns that of a dataset, or None.
    """

    poll: Callable[[str], PollRecord | None] = lambda _: None
    listed: Callable[[str], DatasetNote | None] = lambda _: None

    def snapshot(self, found: SnapshotResource) -> SnapshotResource:
        """Return a snapshot with its last poll, by itself or in its dataset's list."""
        own, listed = self.poll(found.snapshot), self.listed(found.dataset or "")
        ended = phase_of(found.status) is Phase.ENDED
        if own is not None and (found.last_poll is None or own.polled_at > found.last_poll):
            next_poll = None if ended else own.next_poll_at or found.next_poll
            found = replace(found, last_poll=own.polled_at, last_answer=own.answer, next_poll=next_poll)
        if listed is not None and not ended and (found.last_poll is None or listed.polled_at > found.last_poll):
            answer = None if listed.answer == LISTED else listed.answer
            next_poll = listed.next_poll_at or found.next_poll
            found = replace(found, last_poll=listed.polled_at, last_answer=answer, next_poll=next_poll)
        return found

    def dataset(self, found: DatasetResource) -> DatasetResource:
        """Return a dataset with the last poll of its list."""
        listed = self.listed(found.dataset)
        if listed is None or (found.last_poll is not None and listed.polled_at <= found.last_poll):
            return found
        return replace(found, last_poll=listed.polled_at, last_answer=listed.answer, next_poll=listed.next_poll_at)

    def page(self, found: SnapshotPage) -> SnapshotPage:
        """Return a page of snapshots with their last polls."""
        return replace(
            found,
            snapshots=tuple(map(self.snapshot, found.snapshots)),
            datasets=tuple(map(self.dataset, found.datasets)),
        )

    def watch(self, found: WatchResource | None) -> WatchResource | None:
        """Return a watch with its last poll."""
        return found and replace(found, snapshot=self.snapshot(found.snapshot))

    def of_dataset(self, found: DatasetPage | None) -> DatasetPage | None:
        """Return a dataset's page with the last polls."""
        if found is None:
            return None
        return replace(
            found,
            watch=found.watch and self.dataset(found.watch),
            snapshots=tuple(map(self.snapshot, found.snapshots)),
        )

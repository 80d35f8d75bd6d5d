"""A page shows the last poll also while it is not stored yet."""

from datetime import timedelta

from support.page_world import DATASETS, NOW, SNAPSHOTS, snapshot

from notifier.core.resource_pages import SnapshotPage
from notifier.core.resources import SnapshotResource
from notifier.store.datasets import LISTED, DatasetNote
from notifier.store.store import PollRecord
from notifier.web.fresh_polls import FreshPolls

SECOND = timedelta(seconds=1)
SOON = NOW + 30 * SECOND


def polled(found: SnapshotResource, seconds_ago: int) -> FreshPolls:
    """Knows one poll of a snapshot, which timed out."""
    record = PollRecord(
        snapshot_id=found.snapshot, polled_at=NOW - seconds_ago * SECOND, answer="timeout", next_poll_at=SOON,
        seen_at=None, not_found=0, not_found_since=None,
    )  # fmt: skip
    return FreshPolls(poll={found.snapshot: record}.get)


def listed(dataset: str) -> FreshPolls:
    """Knows one list of a dataset."""
    note = DatasetNote(dataset_id=dataset, polled_at=NOW, answer=LISTED, next_poll_at=SOON)
    return FreshPolls(listed={dataset: note}.get)


def test_a_poll_that_is_not_stored_yet_is_the_last_one() -> None:
    running = snapshot("s_1", "One", "running", last_poll=NOW - 31 * SECOND, next_poll=NOW - SECOND)
    shown = polled(running, 0).snapshot(running)
    assert (shown.last_poll, shown.last_answer, shown.next_poll) == (NOW, "timeout", SOON)


def test_one_that_is_older_than_the_stored_one_changes_nothing() -> None:
    running = snapshot("s_1", "One", "running", last_poll=NOW - 31 * SECOND)
    assert polled(running, 40).snapshot(running) == running


def test_what_has_ended_is_not_polled_again() -> None:
    ended = snapshot("s_1", "One", "ready", last_poll=None)
    assert polled(ended, 0).snapshot(ended).next_poll is None


def test_a_list_is_the_last_poll_of_its_dataset_and_of_its_snapshots_in_progress() -> None:
    page = SnapshotPage(snapshots=SNAPSHOTS, next_cursor=None, counts={}, datasets=DATASETS)
    of = DATASETS[0].dataset
    shown = listed(of).page(page)
    assert [each.last_poll for each in shown.datasets] == [NOW, *(each.last_poll for each in DATASETS[1:])]
    moved = {each.watch for each, was in zip(shown.snapshots, SNAPSHOTS, strict=True) if each != was}
    assert moved == {each.watch for each in SNAPSHOTS if each.dataset == of and each.next_poll is not None}
    assert all(each.next_poll == SOON for each in shown.snapshots if each.watch in moved)

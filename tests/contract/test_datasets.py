"""What the store remembers of datasets."""

from datetime import timedelta

from support.fakes import START, seen, watch

from notifier.core.delivery.routing import event_of
from notifier.core.snapshot.model import DatasetWatch, SnapshotState, Watch
from notifier.core.snapshot.transitions import step
from notifier.store.datasets import AT_ONCE, LISTED, DatasetNote
from notifier.store.store import Store

HOUR = timedelta(hours=1)


def found(snapshot_id: str) -> Watch:
    """The watch of what a dataset's watch has found."""
    every = timedelta(seconds=30)
    whole = DatasetWatch(id="w", dataset_id="gd_1", name="W", every=every, notify=("chat",), on=("all",))
    return whole.watch_for(snapshot_id)


def ended(snapshot_id: str) -> SnapshotState:
    """One that had ended."""
    return SnapshotState(
        snapshot_id=snapshot_id, status="ready", revision=1, first_seen_at=START, since=START, seen_at=START
    )


def note(dataset_id: str, answer: str = LISTED, *, after: timedelta = timedelta(0)) -> DatasetNote:
    """A look at a dataset."""
    return DatasetNote(dataset_id=dataset_id, polled_at=START + after, answer=answer, next_poll_at=None)


async def test_a_baseline_is_kept_with_more_than_one_statement_takes(store: Store) -> None:
    ids = [f"s_{number:04}" for number in range(2 * AT_ONCE + 1)]
    await store.datasets.begin("gd_1", START, [ended(each) for each in ids], [], found)
    assert await store.datasets.baselines({"gd_1"}) == {"gd_1": START}
    known = await store.datasets.known([*ids, "s_other"])
    assert list(known) == ids
    assert known[ids[-1]] == ended(ids[-1])


async def test_a_baseline_overrides_nothing_that_is_known(store: Store) -> None:
    before = SnapshotState(snapshot_id="s_1")
    after, (transition,) = step(before, seen("running"), START, HOUR)
    await store.commit(watch=watch(), before=before, after=after, events=[(event_of(transition, watch()), ())])
    await store.datasets.begin("gd_1", START + HOUR, [ended("s_1")], [], found)
    assert (await store.state("s_1")).status == "running"


async def test_a_baseline_may_be_set_right(store: Store) -> None:
    await store.datasets.begin("gd_1", START + HOUR, [], [], found)
    await store.datasets.begin("gd_1", START, [], [], found)
    assert await store.datasets.baselines({"gd_1"}) == {"gd_1": START}


async def test_the_baseline_of_a_dataset_that_is_not_watched_any_more_is_forgotten(store: Store) -> None:
    await store.datasets.begin("gd_1", START, [], [], found)
    assert await store.datasets.baselines({"gd_2"}) == {}
    assert await store.datasets.baselines({"gd_1"}) == {}


async def test_notes_keep_the_newest_look_and_no_baseline_is_lost(store: Store) -> None:
    await store.datasets.begin("gd_1", START, [], [], found)
    await store.datasets.note([note("gd_1"), note("gd_2")])
    await store.datasets.note([note("gd_1", after=HOUR), note("gd_2", "timeout", after=HOUR)])
    await store.datasets.note([])
    assert await store.datasets.last_listed(["gd_1", "gd_2"]) == {"gd_1": START + HOUR}
    assert await store.datasets.baselines({"gd_1"}) == {"gd_1": START}


async def test_what_was_only_polled_in_vain_is_not_known(store: Store) -> None:
    assert await store.datasets.known([]) == {}
    assert await store.datasets.known(["s_1"]) == {}
    assert await store.datasets.last_listed(["gd_1", "gd_2"]) == {}

"""How many requests the watches need, how fresh they stay, and how that reads."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fakes import START, watch

from notifier.core.snapshot.budget import Budget, budget
from notifier.core.snapshot.model import DatasetWatch, Facts, SnapshotState

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


def running(snapshot_id: str, dataset_id: str | None = None, status: str = "running") -> SnapshotState:
    return SnapshotState(
        snapshot_id=snapshot_id,
        status=status,
        revision=1,
        facts=Facts(dataset_id=dataset_id),
        first_seen_at=START,
        since=START,
    )


def dataset(every: timedelta = 30 * SECOND) -> DatasetWatch:
    return DatasetWatch(id="gd_1", dataset_id="gd_1", name="Profiles", every=every, notify=("chat",), on=("all",))


def needed(number: int, dataset_id: str | None = None, *, batches: bool = True, **changes: object) -> Budget:
    """What so many running watches need, an hour after their first sight."""
    ids = [f"s_{count}" for count in range(number)]
    states = {each: running(each, dataset_id) for each in ids}
    found = [watch(each, **changes) for each in ids]
    return budget(found, states=states, now=START + HOUR, available=10, batches=batches)


@given(st.integers(0, 300), st.integers(1, 3600))
def test_snapshots_without_a_dataset_need_a_request_each(number: int, seconds: int) -> None:
    assert needed(number, every=seconds * SECOND).needed == pytest.approx(number / seconds)


def test_snapshots_of_one_dataset_need_one_list() -> None:
    """And one single request with it."""
    assert needed(5_000, "gd_1").needed == pytest.approx(2 / 30)
    assert needed(5_001, "gd_1").needed == pytest.approx(3 / 30)
    assert needed(5_000, "gd_1", batches=False).needed == pytest.approx(5_000 / 30)


def test_no_list_counts_where_individual_polls_cost_less() -> None:
    quick, slow = watch("s_1", every=SECOND), watch("s_2", every=HOUR)
    states = {each: running(each, "gd_1") for each in ("s_1", "s_2")}
    assert budget([quick], states=states, now=START + HOUR, available=10).needed == 1
    assert budget([quick, slow], states=states, now=START + HOUR, available=10).needed == pytest.approx(1 + 1 / 3600)
    assert budget([slow], states=states, now=START + HOUR, available=10).needed == pytest.approx(1 / 3600)


def test_a_watched_dataset_is_listed_even_if_it_is_empty_and_serves_all_in_it() -> None:
    found = [dataset().watch_for(f"s_{number}") for number in range(100)]
    states = {each.snapshot_id: running(each.snapshot_id, "gd_1") for each in found}
    alone = budget([], [dataset()], states={}, now=START, available=10)
    full = budget(found, [dataset()], states=states, now=START + HOUR, available=10)
    assert alone.needed == pytest.approx(1 / 30)
    assert full.needed == pytest.approx(2 / 30)
    assert (alone.watches, full.watches) == (1, 101)


def test_what_has_ended_needs_nothing_and_what_is_old_needs_less() -> None:
    watches = [watch("s_1"), watch("s_2")]
    states = {"s_1": running("s_1", status="ready"), "s_2": running("s_2")}
    found = budget(watches, states=states, now=START + 30 * HOUR, available=10)
    assert found.watches == 1
    assert found.needed == pytest.approx(1 / 120)


def test_snapshots_do_not_count_as_young() -> None:
    found = budget([watch("s_1")], states={"s_1": running("s_1")}, now=START, available=10)
    assert found.needed == pytest.approx(1 / 30)


@pytest.mark.parametrize(
    ("watches", "rate", "sentence"),
    [
        (3_400, 4.1, "these 3,400 watches need 4.1 requests/s of 10"),
        (1, 1 / 30, "this watch needs 0.033 requests/s of 10"),
        (30, 1, "these 30 watches need 1 request/s of 10"),
        (2, 1 / 3600, "these 2 watches need less than 0.01 requests/s of 10"),
        (400, 9.96, "these 400 watches need 10.0 requests/s of 10"),
        (400, 13.33, "these 400 watches need 13.3 requests/s of 10"),
        (99_999, 3333.3, "these 99,999 watches need 3,333 requests/s of 10"),
        (0, 0, "nothing is polled, so no requests are needed"),
    ],
)
def test_it_reads_as_a_sentence(watches: int, rate: float, sentence: str) -> None:
    assert Budget(watches=watches, needed=rate, available=10, every=30 * SECOND).sentence() == sentence


def test_a_budget_that_does_not_fit_says_how_often_watches_are_polled() -> None:
    assert needed(300).warning() is None
    found = needed(1_000, batches=False)
    assert found.freshness == 100 * SECOND
    assert found.warning() == "each will be polled every 1 min 40 s instead of 30 s; a longer `every:` needs less"
    assert (needed(1_000).warning() or "").startswith("each will be polled every 1 min 40 s instead of 30 s; less will")
    assert found.fields() == {
        "watches": 1_000,
        "requests_per_second_needed": 33.3333,
        "requests_per_second_available": 10,
        "fits": False,
        "every_s": 30,
        "freshness_s": 100,
        "requests_per_second_confirming": 0.0,
    }


@pytest.mark.parametrize(
    ("listed", "confirming", "rate", "sentence"),
    [
        (0, 0.0, 1.0, None),
        (60, 0.2, 1.0, "up to 0.2 more confirm lists: each of 60 snapshots {} 5 min"),
        (3_000, 10.0, 4.0, "2.7 more of what is left confirm lists: each of 3,000 snapshots {} 18 min 45 s"),
        (3_000, 10.0, 10.0, "no requests are left to confirm listed snapshots, beyond one for each list"),
    ],
)
def test_it_says_what_the_rotation_costs(listed: int, confirming: float, rate: float, sentence: str | None) -> None:
    found = Budget(watches=listed, needed=rate, available=10, every=30 * SECOND, listed=listed, confirming=confirming)
    wanted = sentence and sentence.format("that a list covers is polled individually every")
    assert found.rotation() == wanted


def test_the_rotation_asks_each_listed_snapshot_within_its_time() -> None:
    assert needed(600, "gd_1").confirming == pytest.approx(600 / 300)
    assert needed(600, "gd_1", every=60 * SECOND).confirming == pytest.approx(600 / 600)
    assert needed(600).confirming == needed(600, "gd_1", batches=False).confirming == 0
    assert needed(1, "gd_1").listed == 0, "it is polled by itself"


@given(st.integers(0, 2_000), st.integers(1, 600))
def test_nothing_is_polled_more_often_than_asked(number: int, seconds: int) -> None:
    found = (
        needed(number, every=seconds * SECOND)
        if number < 50
        else Budget(watches=number, needed=number / seconds, available=10, every=seconds * SECOND)
    )
    assert found.freshness >= found.every
    assert (found.freshness == found.every) is found.fits or found.watches == 0

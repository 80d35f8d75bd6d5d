"""How often a snapshot is polled, by its status and its age."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fakes import START

from notifier.core.snapshot.model import MISSING, SnapshotState
from notifier.core.snapshot.poll_pauses import MISSING_PAUSE, QUICK_PAUSE, YOUNG_FOR, pause_at_age, poll_pause
from notifier.core.snapshot.transitions import with_created_at

NOTHING = timedelta(0)
everies = st.timedeltas(timedelta(seconds=1), timedelta(days=2))


def state(status: str) -> SnapshotState:
    return SnapshotState(snapshot_id="s_1", status=status, revision=1, first_seen_at=START, since=START, seen_at=START)


@pytest.mark.parametrize("status", ["ready", "failed", "canceled", "Cancelled"])
@given(everies)
def test_a_snapshot_that_has_ended_is_not_polled_again(status: str, every: timedelta) -> None:
    assert poll_pause(state(status), every, START) is None


@given(everies)
def test_a_missing_snapshot_is_polled_every_10_minutes_at_most(every: timedelta) -> None:
    assert poll_pause(state(MISSING), every, START) == max(every, MISSING_PAUSE)


@given(everies, st.timedeltas(NOTHING, timedelta(days=9)))
def test_a_young_snapshot_is_polled_often_and_an_old_one_seldom(every: timedelta, age: timedelta) -> None:
    found = poll_pause(state("running"), every, START + age)
    assert found is not None
    if age < YOUNG_FOR:
        assert found == min(every, QUICK_PAUSE)
    elif age < timedelta(hours=6):
        assert found == every
    else:
        times = 2 if age < timedelta(hours=24) else 4
        assert found == min(times * every, max(every, timedelta(minutes=10)))


@given(everies, st.timedeltas(YOUNG_FOR, timedelta(days=9)), st.timedeltas(NOTHING, timedelta(days=9)))
def test_an_older_snapshot_is_never_polled_more_often(every: timedelta, age: timedelta, more: timedelta) -> None:
    assert every <= pause_at_age(age, every) <= pause_at_age(age + more, every) <= max(every, timedelta(minutes=10))


@given(everies, st.timedeltas(NOTHING, timedelta(days=9)), st.timedeltas(timedelta(days=-9), timedelta(days=9)))
def test_the_age_counts_from_the_earliest_sign_of_life(every: timedelta, age: timedelta, earlier: timedelta) -> None:
    known = with_created_at(state("running"), START - earlier)
    assert poll_pause(known, every, START + age) == pause_at_age(age + max(earlier, NOTHING), every)


@given(everies)
def test_a_snapshot_that_was_never_seen_counts_as_young(every: timedelta) -> None:
    assert poll_pause(SnapshotState(snapshot_id="s_1"), every, START) == min(every, QUICK_PAUSE)

"""When to look again, when to send again, and when to give up."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fakes import START

from notifier.core.backoff import (
    FIRST_RETRY,
    GIVE_UP_AFTER,
    LONGEST_RETRY,
    LONGEST_RETRY_AFTER,
    MISSING_PAUSE,
    PERMANENT_PAUSE,
    PERMANENT_TRIES,
    QUICK_PAUSE,
    YOUNG_FOR,
    look_pause,
    pause_at,
    retry_pause,
)
from notifier.core.delivery.model import OutcomeKind
from notifier.core.model import MISSING, SnapshotState
from notifier.core.snapshot.transitions import dated

NOTHING = timedelta(0)
dices = st.floats(0, 1, exclude_max=True)
attempts = st.integers(1, 10_000)
ages = st.timedeltas(NOTHING, GIVE_UP_AFTER - timedelta(microseconds=1))
everies = st.timedeltas(timedelta(seconds=1), timedelta(days=2))
passing = st.sampled_from([OutcomeKind.RETRY, OutcomeKind.UNCERTAIN])


def state(status: str) -> SnapshotState:
    return SnapshotState(snapshot_id="s_1", status=status, revision=1, first_seen_at=START, since=START, seen_at=START)


class TestLookPause:
    @pytest.mark.parametrize("status", ["ready", "failed", "canceled", "Cancelled"])
    @given(everies)
    def test_a_snapshot_that_has_ended_is_not_looked_at_again(self, status: str, every: timedelta) -> None:
        assert look_pause(state(status), every, START) is None

    @given(everies)
    def test_a_missing_one_is_looked_at_seldom(self, every: timedelta) -> None:
        assert look_pause(state(MISSING), every, START) == max(every, MISSING_PAUSE)

    @given(everies, st.timedeltas(NOTHING, timedelta(days=9)))
    def test_a_young_one_is_looked_at_quickly_and_an_old_one_as_asked(self, every: timedelta, age: timedelta) -> None:
        found = look_pause(state("running"), every, START + age)
        assert found is not None
        if age < YOUNG_FOR:
            assert found == min(every, QUICK_PAUSE)
        elif age < timedelta(hours=6):
            assert found == every
        else:
            times = 2 if age < timedelta(hours=24) else 4
            assert found == min(times * every, max(every, timedelta(minutes=10)))

    @given(everies, st.timedeltas(YOUNG_FOR, timedelta(days=9)), st.timedeltas(NOTHING, timedelta(days=9)))
    def test_an_older_one_is_never_looked_at_more_often(
        self, every: timedelta, age: timedelta, more: timedelta
    ) -> None:
        assert every <= pause_at(age, every) <= pause_at(age + more, every) <= max(every, timedelta(minutes=10))

    @given(everies, st.timedeltas(NOTHING, timedelta(days=9)), st.timedeltas(timedelta(days=-9), timedelta(days=9)))
    def test_its_age_counts_from_the_earliest_sign_of_its_life(
        self, every: timedelta, age: timedelta, earlier: timedelta
    ) -> None:
        known = dated(state("running"), START - earlier)
        assert look_pause(known, every, START + age) == pause_at(age + max(earlier, NOTHING), every)

    @given(everies)
    def test_one_never_seen_yet_is_looked_at_quickly(self, every: timedelta) -> None:
        assert look_pause(SnapshotState(snapshot_id="s_1"), every, START) == min(every, QUICK_PAUSE)


def pause(kind: OutcomeKind = OutcomeKind.RETRY, **changes: object) -> timedelta | None:
    given_: dict[str, object] = {"attempt": 1, "age": NOTHING, "retry_after": None, "dice": 0.0}
    return retry_pause(kind=kind, **{**given_, **changes})  # type: ignore[arg-type]


class TestRetryPause:
    @given(passing, attempts, ages, dices)
    def test_whatever_the_dice_it_lies_in_the_upper_half(
        self, kind: OutcomeKind, attempt: int, age: timedelta, dice: float
    ) -> None:
        found = pause(kind, attempt=attempt, age=age, dice=dice)
        whole = min(FIRST_RETRY * 2 ** min(attempt - 1, 30), LONGEST_RETRY)
        assert found is not None
        assert whole / 2 <= found <= whole

    @given(passing, attempts, dices)
    def test_it_grows_until_it_is_at_its_longest(self, kind: OutcomeKind, attempt: int, dice: float) -> None:
        now, later = pause(kind, attempt=attempt, dice=dice), pause(kind, attempt=attempt + 1, dice=dice)
        assert now is not None
        assert later is not None
        assert later > now or later == LONGEST_RETRY * (0.5 + dice / 2)

    @given(passing, attempts, dices, st.timedeltas(NOTHING, timedelta(days=400)))
    def test_retry_after_is_a_minimum_but_nonsense_is_shortened(
        self, kind: OutcomeKind, attempt: int, dice: float, asked: timedelta
    ) -> None:
        without, found = (
            pause(kind, attempt=attempt, dice=dice),
            pause(kind, attempt=attempt, dice=dice, retry_after=asked),
        )
        assert without is not None
        assert found == max(without, min(asked, LONGEST_RETRY_AFTER))

    @given(st.sampled_from(OutcomeKind), attempts, dices, st.timedeltas(GIVE_UP_AFTER, timedelta(days=400)))
    def test_it_gives_up_after_three_days(self, kind: OutcomeKind, attempt: int, dice: float, age: timedelta) -> None:
        assert pause(kind, attempt=attempt, age=age, dice=dice) is None
        assert timedelta(days=3) == GIVE_UP_AFTER

    @given(passing, attempts, ages, dices)
    def test_it_does_not_give_up_before(self, kind: OutcomeKind, attempt: int, age: timedelta, dice: float) -> None:
        assert pause(kind, attempt=attempt, age=age, dice=dice) is not None

    @given(dices)
    def test_a_refusal_is_tried_a_few_times_slowly(self, dice: float) -> None:
        pauses = [pause(OutcomeKind.PERMANENT, attempt=attempt, dice=dice) for attempt in range(1, PERMANENT_TRIES + 9)]
        tries, given_up = pauses[: PERMANENT_TRIES - 1], pauses[PERMANENT_TRIES - 1 :]
        assert all(each is not None and each >= PERMANENT_PAUSE / 2 for each in tries)
        assert set(given_up) == {None}

"""When a failed delivery is tried again, and when it is given up."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from notifier.core.delivery.model import OutcomeKind
from notifier.core.delivery.retry_pauses import (
    FIRST_RETRY,
    GIVE_UP_AFTER,
    LONGEST_RETRY,
    LONGEST_RETRY_AFTER,
    PERMANENT_PAUSE,
    PERMANENT_TRIES,
    retry_pause,
)

NOTHING = timedelta(0)
jitters = st.floats(0, 1, exclude_max=True)
attempts = st.integers(1, 10_000)
ages = st.timedeltas(NOTHING, GIVE_UP_AFTER - timedelta(microseconds=1))
passing = st.sampled_from([OutcomeKind.RETRY, OutcomeKind.UNCERTAIN])


def pause(kind: OutcomeKind = OutcomeKind.RETRY, **changes: object) -> timedelta | None:
    given_: dict[str, object] = {"attempt": 1, "age": NOTHING, "retry_after": None, "jitter": 0.0}
    return retry_pause(kind=kind, **{**given_, **changes})  # type: ignore[arg-type]


@given(passing, attempts, ages, jitters)
def test_jitter_keeps_the_pause_in_its_upper_half(
    kind: OutcomeKind, attempt: int, age: timedelta, jitter: float
) -> None:
    found = pause(kind, attempt=attempt, age=age, jitter=jitter)
    whole = min(FIRST_RETRY * 2 ** min(attempt - 1, 30), LONGEST_RETRY)
    assert found is not None
    assert whole / 2 <= found <= whole


@given(passing, attempts, jitters)
def test_the_pause_grows_up_to_its_longest(kind: OutcomeKind, attempt: int, jitter: float) -> None:
    now, later = pause(kind, attempt=attempt, jitter=jitter), pause(kind, attempt=attempt + 1, jitter=jitter)
    assert now is not None
    assert later is not None
    assert later > now or later == LONGEST_RETRY * (0.5 + jitter / 2)


@given(passing, attempts, jitters, st.timedeltas(NOTHING, timedelta(days=400)))
def test_retry_after_is_a_minimum_and_nonsense_is_cut(
    kind: OutcomeKind, attempt: int, jitter: float, asked: timedelta
) -> None:
    without, found = (
        pause(kind, attempt=attempt, jitter=jitter),
        pause(kind, attempt=attempt, jitter=jitter, retry_after=asked),
    )
    assert without is not None
    assert found == max(without, min(asked, LONGEST_RETRY_AFTER))


@given(st.sampled_from(OutcomeKind), attempts, jitters, st.timedeltas(GIVE_UP_AFTER, timedelta(days=400)))
def test_a_delivery_is_given_up_after_three_days(
    kind: OutcomeKind, attempt: int, jitter: float, age: timedelta
) -> None:
    assert pause(kind, attempt=attempt, age=age, jitter=jitter) is None
    assert timedelta(days=3) == GIVE_UP_AFTER


@given(passing, attempts, ages, jitters)
def test_not_before_3_days(kind: OutcomeKind, attempt: int, age: timedelta, jitter: float) -> None:
    assert pause(kind, attempt=attempt, age=age, jitter=jitter) is not None


@given(jitters)
def test_a_permanent_failure_is_tried_a_few_times_more_slowly(jitter: float) -> None:
    pauses = [pause(OutcomeKind.PERMANENT, attempt=attempt, jitter=jitter) for attempt in range(1, PERMANENT_TRIES + 9)]
    tries, given_up = pauses[: PERMANENT_TRIES - 1], pauses[PERMANENT_TRIES - 1 :]
    assert all(each is not None and each >= PERMANENT_PAUSE / 2 for each in tries)
    assert set(given_up) == {None}

"""Exponential backoff with jitter."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from notifier.core.backoff import backoff, jittered

FIRST, LONGEST = timedelta(seconds=5), timedelta(hours=2)


@given(st.integers(-10, 10_000))
def test_the_pause_doubles_with_each_failure_up_to_the_longest(failures: int) -> None:
    exact = FIRST * 2 ** max(min(failures, 30) - 1, 0)
    assert backoff(failures, first=FIRST, longest=LONGEST) == min(exact, LONGEST)


@given(st.floats(0, 1, exclude_max=True))
def test_jitter_spreads_a_pause_over_its_upper_half(jitter: float) -> None:
    assert LONGEST / 2 <= jittered(LONGEST, jitter) <= LONGEST

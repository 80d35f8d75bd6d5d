"""The breaker's rules, one by one, with the time as an argument."""

import pytest

from notifier.brightdata.limits.rate_limit_breaker import (
    HOLD_AT,
    MOST_TOGETHER,
    PAUSES,
    SAFE_IN_FLIGHT,
    WINDOW,
    Breaker,
    BreakerState,
)


def opened(*, at: float = 0.0, retry_after: float | None = None) -> Breaker:
    breaker = Breaker(most_in_flight=SAFE_IN_FLIGHT)
    breaker.rate_limited(at, retry_after)
    return breaker


def test_a_new_breaker_is_closed_and_holds_nothing() -> None:
    breaker = Breaker(most_in_flight=8)
    assert breaker.state(0) is BreakerState.CLOSED
    assert breaker.held_for(0) == 0
    assert breaker.has_room(0, 0)


def test_an_answer_of_429_holds_everything_for_the_pause_it_asks_for() -> None:
    breaker = opened(retry_after=7.0)
    assert breaker.state(6.9) is BreakerState.OPEN
    assert not breaker.has_room(6.9, 0)
    assert breaker.held_for(3.0) == 4.0
    assert breaker.state(7.0) is BreakerState.HALF_OPEN


def test_the_pause_doubles_with_each_consecutive_refusal_without_retry_after() -> None:
    breaker = Breaker(most_in_flight=8)
    now, pauses = 0.0, []
    for _ in range(HOLD_AT - 1):
        breaker.rate_limited(now, None)
        pauses.append(breaker.held_for(now))
        now += pauses[-1]
    assert tuple(pauses) == PAUSES


def test_refusals_of_what_was_in_flight_together_count_as_one_step_of_the_pause() -> None:
    breaker = Breaker(most_in_flight=8)
    for _ in range(3):
        breaker.rate_limited(0.0, None)
    assert breaker.held_for(0.0) == PAUSES[0]


def test_a_pause_of_nothing_is_still_a_second() -> None:
    assert opened(retry_after=0.0).held_for(0.0) == 1.0


def test_half_open_lets_one_probe_through_at_a_time() -> None:
    breaker = opened(retry_after=2.0)
    assert breaker.has_room(2.0, 0)
    assert not breaker.has_room(2.0, 1)


def test_one_good_answer_to_a_probe_closes_it_and_resets_the_pauses() -> None:
    breaker = opened()
    breaker.answered(2.0)
    assert breaker.state(2.0) is BreakerState.CLOSED
    breaker.rate_limited(3.0, None)
    assert breaker.held_for(3.0) == PAUSES[0]


def test_a_good_answer_to_a_request_before_the_refusal_does_not_end_the_hold() -> None:
    breaker = opened(retry_after=5.0)
    breaker.answered(1.0)
    assert breaker.state(1.0) is BreakerState.OPEN


def test_with_six_refusals_in_the_window_it_holds_until_the_oldest_leaves() -> None:
    breaker = Breaker(most_in_flight=8)
    for k in range(HOLD_AT):
        breaker.rate_limited(10.0 * k, 1.0)
        breaker.answered(10.0 * k + 5)
    last = 10.0 * (HOLD_AT - 1)
    assert breaker.held_for(last) == WINDOW - last
    assert not breaker.has_room(WINDOW - 1, 0)
    assert breaker.has_room(WINDOW, 0)


def test_what_is_in_flight_and_the_recent_refusals_stay_below_ten_together() -> None:
    breaker = Breaker(most_in_flight=100)
    for k in range(3):
        breaker.rate_limited(10.0 * k, 1.0)
        breaker.answered(10.0 * k + 5)
    assert breaker.has_room(30.0, MOST_TOGETHER - 3 - 1)
    assert not breaker.has_room(30.0, MOST_TOGETHER - 3)


def test_what_may_be_in_flight_grows_with_good_answers_while_requests_wait_and_a_refusal_sets_it_back() -> None:
    breaker = Breaker(most_in_flight=10)
    breaker.answered(0)
    assert not breaker.has_room(0, SAFE_IN_FLIGHT), "nobody had waited"
    for _ in range(5):
        breaker.answered(0)
    assert breaker.has_room(0, 9)
    assert not breaker.has_room(0, 10)
    breaker.rate_limited(0, 1.0)
    breaker.answered(1.0)
    assert not breaker.has_room(1.0 + 2 * WINDOW, SAFE_IN_FLIGHT)


@pytest.mark.parametrize("at", [WINDOW, WINDOW + 0.001])
def test_a_refusal_counts_as_recent_for_the_whole_window(at: float) -> None:
    assert opened(at=0.0).recent(at) == (1 if at <= WINDOW else 0)

"""When the API counts as locked, unreachable, well again; and how often it is tried meanwhile."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.core.health.api import (
    DOWN_AFTER,
    DOWN_FOR,
    DOWN_PROBES,
    LOCKED_PROBES,
    ApiHealth,
    ApiKind,
    after_answer,
    after_probe_went,
    try_at_once,
)
from notifier.core.snapshot.model import Reason

LOCKING = (Reason.UNAUTHORISED, Reason.FORBIDDEN)
FAILING = (Reason.SERVER_ERROR, Reason.TIMEOUT, Reason.CONNECTION, Reason.NONSENSE)


def after(*answers: tuple[float, Reason | None]) -> ApiHealth:
    health = ApiHealth()
    for at, reason in answers:
        health = after_answer(health, reason, f"it was {reason}", at)
    return health


def test_three_refusals_of_the_token_without_a_good_answer_between_lock() -> None:
    locked = after((0, LOCKING[0]), (1, LOCKING[1]), (2, LOCKING[0]))
    assert locked.kind is ApiKind.UNAUTHORISED
    assert locked.detail == "it was unauthorised"
    assert locked.next_at == 2 + LOCKED_PROBES[0]


def test_a_failure_or_a_429_between_them_is_no_good_answer() -> None:
    locked = after((0, LOCKING[0]), (1, Reason.TIMEOUT), (2, LOCKING[0]), (3, Reason.RATE_LIMITED), (4, LOCKING[0]))
    assert locked.kind is ApiKind.UNAUTHORISED


def test_one_good_answer_of_any_snapshot_starts_every_count_again() -> None:
    assert after((0, LOCKING[0]), (1, LOCKING[0]), (2, None), (3, LOCKING[0])).kind is ApiKind.OK
    nonsense_of_one = [(float(at), Reason.NONSENSE if at % 2 else None) for at in range(400)]
    assert after(*nonsense_of_one).kind is ApiKind.OK


@pytest.mark.parametrize("reason", FAILING)
def test_five_failures_in_a_row_over_half_a_minute_are_an_outage(reason: Reason) -> None:
    few = [(DOWN_FOR * k, reason) for k in range(DOWN_AFTER - 1)]
    assert after(*few).kind is ApiKind.OK
    quick = [(k / 100, reason) for k in range(100)]
    assert after(*quick).kind is ApiKind.OK
    assert after(*quick, (DOWN_FOR, reason)).kind is ApiKind.UNREACHABLE


def test_a_refused_request_says_nothing_of_the_token_and_ends_an_outage() -> None:
    """However often one snapshot is answered 400, the API is neither locked nor unreachable by that."""
    assert after(*[(DOWN_FOR * k, Reason.REFUSED) for k in range(50)]).kind is ApiKind.OK
    outage = [(DOWN_FOR * k, Reason.TIMEOUT) for k in range(DOWN_AFTER)]
    assert after(*outage, (900.0, Reason.REFUSED)).kind is ApiKind.OK
    locked = [(0.0, LOCKING[0])] * 3
    assert after(*locked, (900.0, Reason.REFUSED)).kind is ApiKind.UNAUTHORISED
    assert after(*locked, (900.0, Reason.REFUSED)).next_at == 900 + LOCKED_PROBES[0]


def test_a_refused_token_after_an_outage_is_told_as_what_it_is() -> None:
    outage = [(DOWN_FOR * k, Reason.TIMEOUT) for k in range(DOWN_AFTER)]
    assert after(*outage, *[(900.0, LOCKING[0])] * 3).kind is ApiKind.UNAUTHORISED


@pytest.mark.parametrize(("reason", "pauses"), [(Reason.UNAUTHORISED, LOCKED_PROBES), (Reason.TIMEOUT, DOWN_PROBES)])
def test_probes_go_with_growing_pauses_after_each_answer_until_a_good_one(
    reason: Reason, pauses: tuple[float, ...]
) -> None:
    health = after(*[(DOWN_FOR * k, reason) for k in range(DOWN_AFTER)])
    now, seen = DOWN_FOR * (DOWN_AFTER - 1), []
    for _ in range(len(pauses) + 2):
        assert health.next_at is not None
        seen.append(health.next_at - now)
        health = after_probe_went(health, health.next_at)
        now = health.next_at if health.next_at is not None else now
        health = after_answer(health, reason, "", now)
    assert seen == [*pauses, pauses[-1], pauses[-1]]
    assert after_answer(health, None, "", now) == ApiHealth()


def test_a_wish_lets_the_next_probe_go_at_once() -> None:
    locked = after(*[(0.0, LOCKING[0])] * 3)
    assert try_at_once(locked, 7.0).next_at == 7.0
    assert try_at_once(ApiHealth(), 7.0) == ApiHealth()


@given(st.lists(st.tuples(st.floats(0, 100), st.none() | st.sampled_from(Reason)), max_size=60))
def test_requests_are_held_exactly_while_there_is_a_trouble(steps: list[tuple[float, Reason | None]]) -> None:
    health, now = ApiHealth(), 0.0
    for passed, reason in steps:
        now += passed
        health = after_answer(after_probe_went(health, now), reason, "", now)
        assert (health.next_at is not None) is (health.kind is not ApiKind.OK)
        assert reason is not None or health == ApiHealth()

"""What follows an attempt: each outcome has its state, and what is given up has a reason."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fakes import DELIVERED, DOWN, REFUSED, START, event

from notifier.core.delivery.channel_policy import ChannelPolicy, OnUncertain
from notifier.core.delivery.model import Delivery, DeliveryState, Outcome, OutcomeKind
from notifier.core.delivery.retry_decision import RetryDecision, decide
from notifier.core.delivery.retry_pauses import GIVE_UP_AFTER, PERMANENT_TRIES
from notifier.core.delivery.states import CLAIMABLE, MOVES

outcomes = st.builds(
    Outcome,
    kind=st.sampled_from(OutcomeKind),
    reason=st.just("why"),
    retry_after=st.none() | st.timedeltas(timedelta(0), timedelta(days=2)),
)
jitters = st.floats(0, 1, exclude_max=True)


def delivery(attempt: int = 1, refusals: int = 0) -> Delivery:
    return Delivery(
        id=1, channel="chat", attempt=attempt, refusals=refusals, created_at=START, wanted_at=START, event=event()
    )


@given(outcomes, st.integers(1, 100), st.timedeltas(timedelta(0), timedelta(days=5)), jitters)
def test_every_settlement_is_a_move_of_the_table(outcome: Outcome, attempt: int, age: timedelta, jitter: float) -> None:
    now = START + age
    decision = decide(delivery(attempt), outcome, now, jitter)
    assert decision.state in MOVES[DeliveryState.SENDING]
    if decision.state in CLAIMABLE:
        assert decision.not_before is not None
        assert decision.not_before > now
    else:
        assert decision.not_before is None


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (OutcomeKind.DELIVERED, DeliveryState.DELIVERED),
        (OutcomeKind.RETRY, DeliveryState.RETRYING),
        (OutcomeKind.PERMANENT, DeliveryState.RETRYING),
        (OutcomeKind.UNCERTAIN, DeliveryState.UNCERTAIN),
    ],
)
def test_each_outcome_makes_its_state(kind: OutcomeKind, state: DeliveryState) -> None:
    assert decide(delivery(), Outcome(kind=kind, reason="why"), START, 0.5).state is state


def test_what_is_delivered_is_never_given_up_however_old() -> None:
    assert decide(delivery(999), DELIVERED, START + 9 * GIVE_UP_AFTER, 0.5).state is DeliveryState.DELIVERED


def test_what_has_not_got_through_in_three_days_is_dead() -> None:
    assert decide(delivery(), DOWN, START + GIVE_UP_AFTER, 0.5).state is DeliveryState.DEAD


@given(st.integers(1, 1_000), st.integers(0, PERMANENT_TRIES - 2))
def test_refusals_are_counted_apart_so_that_one_after_a_long_outage_does_not_kill(attempt: int, refusals: int) -> None:
    assert decide(delivery(attempt + refusals, refusals), REFUSED, START, 0.5).state is DeliveryState.RETRYING


def test_the_last_refusal_kills() -> None:
    last = PERMANENT_TRIES - 1
    assert decide(delivery(PERMANENT_TRIES, last), REFUSED, START, 0.5).state is DeliveryState.DEAD


def test_what_is_gone_for_good_is_dead_at_once() -> None:
    gone = Outcome(kind=OutcomeKind.PERMANENT, reason="http_410")
    assert decide(delivery(), gone, START, 0.5) == RetryDecision(state=DeliveryState.DEAD, not_before=None)


@given(st.integers(1, 100), st.timedeltas(timedelta(0), timedelta(days=9)), jitters)
def test_what_is_uncertain_is_held_for_a_person_where_the_channel_says_so(
    attempt: int, age: timedelta, jitter: float
) -> None:
    unsure = Outcome(kind=OutcomeKind.UNCERTAIN, reason="read_timeout")
    held = decide(delivery(attempt), unsure, START + age, jitter, ChannelPolicy(on_uncertain=OnUncertain.HOLD))
    assert held == RetryDecision(state=DeliveryState.UNCERTAIN, not_before=None)


def test_a_channel_says_itself_when_it_gives_up() -> None:
    policy = ChannelPolicy(give_up_after=timedelta(hours=1))
    assert decide(delivery(), DOWN, START + timedelta(minutes=59), 0.5, policy).state is DeliveryState.RETRYING
    assert decide(delivery(), DOWN, START + timedelta(hours=1), 0.5, policy).state is DeliveryState.DEAD


def test_the_time_to_give_up_counts_from_when_it_was_wanted_and_not_from_when_it_was_decided() -> None:
    held_back = replace(delivery(), wanted_at=START + timedelta(hours=9))
    assert decide(held_back, DOWN, START + GIVE_UP_AFTER, 0.5).state is DeliveryState.RETRYING

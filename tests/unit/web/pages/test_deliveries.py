"""A delivery's page says in a sentence what became of it, and offers to send it again where that can be."""

from dataclasses import replace
from datetime import timedelta

import pytest
from support.page_world import ATTEMPTS, DELIVERIES, NOW

from notifier.core.delivery.model import DeliveryState
from notifier.web.pages.deliveries import CAN_RETRY, one_context, sentence


@pytest.mark.parametrize("state", DeliveryState)
def test_every_state_has_a_sentence_of_its_own(state: DeliveryState) -> None:
    sentences = {sentence(replace(DELIVERIES[2], state=each), NOW) for each in DeliveryState}
    assert len(sentences) == len(DeliveryState)
    assert sentence(replace(DELIVERIES[2], state=state), NOW).endswith(".")


def test_the_next_try_is_said() -> None:
    assert (
        sentence(DELIVERIES[2], NOW) == "It has not arrived at pipeline in 3 attempts; the next try is in 2 min 10 s."
    )


def test_only_what_did_not_arrive_can_be_sent_again() -> None:
    assert {"retrying", "uncertain", "dead"} == CAN_RETRY
    assert one_context(DELIVERIES[2], NOW)["can_retry"]
    assert not one_context(DELIVERIES[0], NOW)["can_retry"]


def test_behind_a_channel_that_fails_the_next_try_is_that_of_the_channel() -> None:
    at = NOW + timedelta(minutes=5)
    waiting = replace(DELIVERIES[2], channel_next_try=at)
    assert sentence(waiting, NOW) == (
        "It has not arrived in 3 attempts. It waits behind pipeline, which fails: one message is tried in 5 min, and "
        "the rest follow once one gets through."
    )
    assert one_context(waiting, NOW)["next_try"] == at


def test_the_last_failure_stays_in_sight_when_it_is_sent_again() -> None:
    asked_again = replace(DELIVERIES[2], state="pending", reason="asked for", attempts=ATTEMPTS[:2])
    assert one_context(asked_again, NOW)["failure"] == ATTEMPTS[1]

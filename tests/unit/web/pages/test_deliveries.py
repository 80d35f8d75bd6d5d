"""A delivery's page says in a sentence what became of it, and offers to send it again where that can be."""

from dataclasses import replace

import pytest
from support.page_world import DELIVERIES, NOW

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

"""The states of a delivery: which may follow which."""

from notifier.core.delivery.model import DeliveryState
from notifier.core.delivery.states import CLAIMABLE, MOVES, OPEN


def test_a_state_is_open_until_nothing_follows_it_by_itself() -> None:
    assert set(MOVES) == set(DeliveryState)
    assert set(OPEN) == {state for state, following in MOVES.items() if following} - {DeliveryState.DEAD}
    assert DeliveryState.SENDING not in CLAIMABLE


def test_what_is_dead_is_pending_again_only_when_somebody_asks() -> None:
    assert MOVES[DeliveryState.DEAD] == {DeliveryState.PENDING}
    assert DeliveryState.DEAD not in CLAIMABLE

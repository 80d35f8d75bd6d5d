"""The state machine of a delivery: the moves between its states.

docs/architecture.md draws it, and a test compares the two. `retry_decision` decides which move an attempt makes.
"""

from notifier.core.delivery.model import DeliveryState

MOVES: dict[DeliveryState, frozenset[DeliveryState]] = {
    DeliveryState.PENDING: frozenset({DeliveryState.SENDING, DeliveryState.DROPPED}),
    DeliveryState.SENDING: frozenset(
        {DeliveryState.DELIVERED, DeliveryState.RETRYING, DeliveryState.UNCERTAIN, DeliveryState.DEAD}
    ),
    DeliveryState.RETRYING: frozenset({DeliveryState.SENDING, DeliveryState.DROPPED, DeliveryState.PENDING}),
    DeliveryState.UNCERTAIN: frozenset({DeliveryState.SENDING, DeliveryState.DROPPED, DeliveryState.PENDING}),
    DeliveryState.DELIVERED: frozenset(),
    DeliveryState.DEAD: frozenset({DeliveryState.PENDING}),
    DeliveryState.DROPPED: frozenset(),
}
"""The states that may follow each state."""

CLAIMABLE = tuple(state for state, following in MOVES.items() if DeliveryState.SENDING in following)
"""The states in which a delivery waits for its `not_before` to be sent."""

OPEN = (*CLAIMABLE, DeliveryState.SENDING)
"""The states of a delivery that has not ended."""

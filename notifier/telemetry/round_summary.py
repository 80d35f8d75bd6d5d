"""What one round over all watches did, counted."""

from dataclasses import dataclass

from notifier.core.delivery.model import OutcomeKind
from notifier.core.model import Unclear
from notifier.core.outcomes import AnyOutcome, DeliveryOutcome, PollOutcome
from notifier.telemetry.reporter import Reporter


@dataclass(frozen=True, kw_only=True, slots=True)
class OnceOutcome:
    """What one round over all watches did."""

    polls: int
    unclear: int
    transitions: int
    delivered: int
    undelivered: int


class Tally(Reporter):
    """Keeps what was done, to be counted at the end."""

    def __init__(self) -> None:
        self._polls: list[PollOutcome] = []
        self._attempts: list[DeliveryOutcome] = []

    def report(self, outcome: AnyOutcome) -> None:
        """Keep polls and attempts to deliver."""
        match outcome:
            case PollOutcome():
                self._polls.append(outcome)
            case DeliveryOutcome():
                self._attempts.append(outcome)
            case _:
                pass

    def outcome(self) -> OnceOutcome:
        """All of it in figures."""
        delivered = sum(each.outcome.kind is OutcomeKind.DELIVERED for each in self._attempts)
        return OnceOutcome(
            polls=len(self._polls),
            unclear=sum(isinstance(poll.observation, Unclear) for poll in self._polls),
            transitions=sum(len(poll.told) for poll in self._polls),
            delivered=delivered,
            undelivered=len(self._attempts) - delivered,
        )

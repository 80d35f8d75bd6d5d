"""Counts what one round over all watches did (`run --once`)."""

from dataclasses import dataclass

from notifier.core.delivery.model import OutcomeKind
from notifier.core.outcomes import AnyOutcome, DeliveryOutcome, PollOutcome
from notifier.core.snapshot.model import Unclear
from notifier.telemetry.reporter import Reporter


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundSummary:
    """The figures of one round over all watches."""

    polls: int
    unclear: int
    transitions: int
    delivered: int
    undelivered: int


class RoundCounter(Reporter):
    """Keeps the outcomes of a round, to count them at its end."""

    def __init__(self) -> None:
        self._polls: list[PollOutcome] = []
        self._attempts: list[DeliveryOutcome] = []

    def report(self, outcome: AnyOutcome) -> None:
        """Keep polls and delivery attempts."""
        match outcome:
            case PollOutcome():
                self._polls.append(outcome)
            case DeliveryOutcome():
                self._attempts.append(outcome)
            case _:
                pass

    def summary(self) -> RoundSummary:
        """Return the figures."""
        delivered = sum(each.outcome.kind is OutcomeKind.DELIVERED for each in self._attempts)
        return RoundSummary(
            polls=len(self._polls),
            unclear=sum(isinstance(poll.observation, Unclear) for poll in self._polls),
            transitions=sum(len(poll.committed) for poll in self._polls),
            delivered=delivered,
            undelivered=len(self._attempts) - delivered,
        )

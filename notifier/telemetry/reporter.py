"""Whoever is told what the daemon does."""

from collections.abc import Iterable

import structlog

from notifier.core.isolation import Faults
from notifier.core.outcomes import AnyOutcome
from notifier.core.units import Fault, Unit
from notifier.failpoints import fault as fault_here

log = structlog.get_logger("notifier")

MOST_PROBLEMS = 20
"""Of a refused configuration: as many are reported."""


class Reporter:
    """Is told every outcome. This one ignores them all; nothing that a reporter does may raise."""

    def report(self, outcome: AnyOutcome) -> None:
        """Take note of an outcome, by its type."""


class Reporters(Reporter):
    """Tells several reporters, in their order. One that raises keeps nothing from the others."""

    def __init__(self, reporters: Iterable[Reporter], faults: Faults | None = None) -> None:
        """
        Args:
            reporters: who is told.
            faults: bounds what one of them raises.
        """
        self._reporters = [*reporters]
        self._faults = faults or Faults()

    def add(self, reporter: Reporter) -> None:
        """Tell this one too, from now on."""
        self._reporters.append(reporter)

    def report(self, outcome: AnyOutcome) -> None:
        """Pass it on to each."""
        for reporter in self._reporters:
            name = type(reporter).__name__
            try:
                if not isinstance(outcome, Fault):
                    fault_here(Unit.REPORT, name)
                reporter.report(outcome)
            except Exception as error:
                if isinstance(outcome, Fault):  # reporting this one as a fault would not end
                    log.error(
                        "report.failed",
                        unit=outcome.unit,
                        subject=outcome.subject,
                        error=outcome.detail,
                        exc_info=error,
                    )
                else:
                    self._faults.note(Unit.REPORT, name, error)

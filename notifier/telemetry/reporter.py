"""Reporters: the log, the metrics and the notices subscribe to outcomes through them."""

from collections.abc import Iterable

import structlog

from notifier.core.isolation import Faults
from notifier.core.outcomes import AnyOutcome
from notifier.core.work_units import Unit, UnitFault
from notifier.failpoints import fault as fault_here

log = structlog.get_logger("notifier")

MOST_PROBLEMS = 20
"""The most problems of a refused configuration that are reported."""


class Reporter:
    """Receives every outcome; this base class ignores them. A reporter should not raise."""

    def report(self, outcome: AnyOutcome) -> None:
        """Handle an outcome, by its type."""


class Reporters(Reporter):
    """Passes each outcome to several reporters, in order. One that raises does not affect the others."""

    def __init__(self, reporters: Iterable[Reporter], faults: Faults | None = None) -> None:
        """
        Args:
            reporters: receive the outcomes.
            faults: isolates what one of them raises.
        """
        self._reporters = [*reporters]
        self._faults = faults or Faults()

    def add(self, reporter: Reporter) -> None:
        """Pass outcomes to this one too, from now on."""
        self._reporters.append(reporter)

    def report(self, outcome: AnyOutcome) -> None:
        """Pass an outcome to each reporter."""
        for reporter in self._reporters:
            name = type(reporter).__name__
            try:
                if not isinstance(outcome, UnitFault):
                    fault_here(Unit.REPORT, name)
                reporter.report(outcome)
            except Exception as error:
                if isinstance(outcome, UnitFault):  # reporting this one as a fault would not end
                    log.error(
                        "report.failed",
                        unit=outcome.unit,
                        subject=outcome.subject,
                        error=outcome.detail,
                        exc_info=error,
                    )
                else:
                    self._faults.note(Unit.REPORT, name, error)

"""Passes outcomes to the pages that are open."""

from notifier.core.outcomes import AnyOutcome
from notifier.telemetry.reporter import Reporter
from notifier.web.live.hub import Hub


class LiveReporter(Reporter):
    """A reporter for the hub, which may not know telemetry."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def report(self, outcome: AnyOutcome) -> None:
        """Note what an outcome changed."""
        self._hub.report(outcome)

"""Whoever wants to know what the daemon does."""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

import structlog

from notifier.core.apihealth import ApiNews
from notifier.core.health import Verdict
from notifier.core.model import Outcome
from notifier.core.rotation import TrustNews
from notifier.core.storehealth import StoreNews
from notifier.core.units import Fault, Unit
from notifier.deliver import DeliveryOutcome
from notifier.failpoints import fault as fault_here
from notifier.faults import Faults
from notifier.fetch.fetcher import FetchOutcome
from notifier.heartbeat import BeatOutcome
from notifier.lists import ListOutcome
from notifier.poll import LookOutcome
from notifier.reload import ReloadOutcome

log = structlog.get_logger("notifier")

MOST_PROBLEMS = 20
"""Of a refused configuration: as many are reported."""


class Reporter:
    """Whoever wants to know what the daemon does: this one wants nothing. Nothing that it does may raise."""

    def looked(self, outcome: LookOutcome) -> None:
        """A look ended."""

    def listed(self, outcome: ListOutcome) -> None:
        """A look at a dataset ended; what it made of its snapshots is told by `looked`."""

    def list_trust_changed(self, news: TrustNews) -> None:
        """A dataset's lists are not believed any more, or are again."""

    def unreadable(self, dataset_id: str, entries: Sequence[str]) -> None:
        """A dataset's list had entries that make no sense; how each begins."""

    def requested(self, status: int | None) -> None:
        """A request to Bright Data was answered with this status code; None if it was not."""

    def delivered(self, outcome: DeliveryOutcome) -> None:
        """An attempt to deliver ended."""

    def dropped(self, channel: str, reason: str, number: int) -> None:
        """So many deliveries to a channel were dropped."""

    def template_failed(self, channel: str, event_id: str, reason: str) -> None:
        """A user's template failed, and the plain message was sent instead."""

    def channel_changed(self, channel: str, verdict: Verdict, outcome: Outcome) -> None:
        """A channel broke, or works again; the outcome of the message that showed it."""

    def api_changed(self, news: ApiNews) -> None:
        """The API does otherwise than before."""

    def store_changed(self, news: StoreNews) -> None:
        """The database cannot be used, or can be again."""

    def fetched(self, outcome: FetchOutcome) -> None:
        """An attempt to fetch results ended."""

    def reloaded(self, outcome: ReloadOutcome) -> None:
        """The configuration was read again."""

    def clock_shifted(self, shift: timedelta) -> None:
        """The wall clock was moved."""

    def beat(self, outcome: BeatOutcome) -> None:
        """It was time for a heartbeat."""

    def listening(self, address: str, trouble: str) -> None:
        """The daemon answers over HTTP there; or it cannot, and why; or (without an address) it is not to."""

    def faulted(self, fault: Fault) -> None:
        """A unit raised, and failed alone."""


class Reporters(Reporter):
    """Tells several, in their order. One more may be added at any time. One that raises costs nobody else a word."""

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

    def looked(self, outcome: LookOutcome) -> None:
        """Pass it on."""
        self._each(lambda reporter: reporter.looked(outcome))

    def listed(self, outcome: ListOutcome) -> None:
        """Pass it on."""
        self._each(lambda reporter: reporter.listed(outcome))

    def list_trust_changed(self, news: TrustNews) -> None:
        """Pass it on."""
        self._each(lambda reporter: reporter.list_trust_changed(news))

    def unreadable(self, dataset_id: str, entries: Sequence[str]) -> None:
        """Pass it on."""
        self._each(lambda reporter: reporter.unreadable(dataset_id, entries))

    def requested(self, status: int | None) -> None:
        """Pass it on."""
        self._each(lambda reporter: reporter.requested(status))

    def delivered(self, outcome: DeliveryOutcome) -> None:
        """Pass it on."""
        self._each(lambda reporter: reporter.delivered(outcome))

    def dropped(self, channel: str, reason: str, number: int) -> None:
        """Pass it on."""
        self._each(lambda reporter: reporter.dropped(channel, reason, number))

    def template_failed(self, channel: str, event_id: str, reason: str) -> None:
        """Pass it on."""
        self._each(lambda reporter: reporter.template_failed(channel, event_id, reason))

    def channel_changed(self, channel: str, verdict: Verdict, outcome: Outcome) -> None:
        """Pass it on."""
        self._each(lambda reporter: reporter.channel_changed(channel, verdict, outcome))

    def api_changed(self, news: ApiNews) -> None:
        """Pass it on."""
        self._each(lambda reporter: reporter.api_changed(news))

    def store_changed(self, news: StoreNews) -> None:
        """Pass it on."""
        self._each(lambda reporter: reporter.store_changed(news))

    def fetched(self, outcome: FetchOutcome) -> None:
        """Pass it on."""
        self._each(lambda reporter: reporter.fetched(outcome))

    def reloaded(self, outcome: ReloadOutcome) -> None:
        """Pass it on."""
        self._each(lambda reporter: reporter.reloaded(outcome))

    def clock_shifted(self, shift: timedelta) -> None:
        """Pass it on."""
        self._each(lambda reporter: reporter.clock_shifted(shift))

    def beat(self, outcome: BeatOutcome) -> None:
        """Pass it on."""
        self._each(lambda reporter: reporter.beat(outcome))

    def listening(self, address: str, trouble: str) -> None:
        """Pass it on."""
        self._each(lambda reporter: reporter.listening(address, trouble))

    def faulted(self, fault: Fault) -> None:
        """Pass it on."""
        for reporter in self._reporters:
            try:
                reporter.faulted(fault)
            except Exception as error:
                log.error("report.failed", unit=fault.unit, subject=fault.subject, error=fault.detail, exc_info=error)

    def _each(self, tell: Callable[[Reporter], None]) -> None:
        for reporter in self._reporters:
            try:
                fault_here(Unit.REPORT, type(reporter).__name__)
                tell(reporter)
            except Exception as error:  # noqa: BLE001 - one reporter must not cost the others their word
                self._faults.note(Unit.REPORT, type(reporter).__name__, error)

"""Whoever wants to know what the daemon does."""

from collections.abc import Iterable
from datetime import timedelta

from notifier.core.apihealth import ApiNews
from notifier.core.health import Verdict
from notifier.core.model import Outcome
from notifier.core.storehealth import StoreNews
from notifier.deliver import DeliveryOutcome
from notifier.fetch.fetcher import FetchOutcome
from notifier.heartbeat import BeatOutcome
from notifier.lists import ListOutcome
from notifier.poll import LookOutcome
from notifier.reload import ReloadOutcome

MOST_PROBLEMS = 20
"""Of a refused configuration: as many are reported."""


class Reporter:
    """Whoever wants to know what the daemon does: this one wants nothing. Nothing that it does may raise."""

    def looked(self, outcome: LookOutcome) -> None:
        """A look ended."""

    def listed(self, outcome: ListOutcome) -> None:
        """A look at a dataset ended; what it made of its snapshots is told by `looked`."""

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


class Reporters(Reporter):
    """Tells several, in their order. One more may be added at any time."""

    def __init__(self, reporters: Iterable[Reporter]) -> None:
        self._reporters = [*reporters]

    def add(self, reporter: Reporter) -> None:
        """Tell this one too, from now on."""
        self._reporters.append(reporter)

    def looked(self, outcome: LookOutcome) -> None:
        """Pass it on."""
        for reporter in self._reporters:
            reporter.looked(outcome)

    def listed(self, outcome: ListOutcome) -> None:
        """Pass it on."""
        for reporter in self._reporters:
            reporter.listed(outcome)

    def requested(self, status: int | None) -> None:
        """Pass it on."""
        for reporter in self._reporters:
            reporter.requested(status)

    def delivered(self, outcome: DeliveryOutcome) -> None:
        """Pass it on."""
        for reporter in self._reporters:
            reporter.delivered(outcome)

    def dropped(self, channel: str, reason: str, number: int) -> None:
        """Pass it on."""
        for reporter in self._reporters:
            reporter.dropped(channel, reason, number)

    def template_failed(self, channel: str, event_id: str, reason: str) -> None:
        """Pass it on."""
        for reporter in self._reporters:
            reporter.template_failed(channel, event_id, reason)

    def channel_changed(self, channel: str, verdict: Verdict, outcome: Outcome) -> None:
        """Pass it on."""
        for reporter in self._reporters:
            reporter.channel_changed(channel, verdict, outcome)

    def api_changed(self, news: ApiNews) -> None:
        """Pass it on."""
        for reporter in self._reporters:
            reporter.api_changed(news)

    def store_changed(self, news: StoreNews) -> None:
        """Pass it on."""
        for reporter in self._reporters:
            reporter.store_changed(news)

    def fetched(self, outcome: FetchOutcome) -> None:
        """Pass it on."""
        for reporter in self._reporters:
            reporter.fetched(outcome)

    def reloaded(self, outcome: ReloadOutcome) -> None:
        """Pass it on."""
        for reporter in self._reporters:
            reporter.reloaded(outcome)

    def clock_shifted(self, shift: timedelta) -> None:
        """Pass it on."""
        for reporter in self._reporters:
            reporter.clock_shifted(shift)

    def beat(self, outcome: BeatOutcome) -> None:
        """Pass it on."""
        for reporter in self._reporters:
            reporter.beat(outcome)

    def listening(self, address: str, trouble: str) -> None:
        """Pass it on."""
        for reporter in self._reporters:
            reporter.listening(address, trouble)

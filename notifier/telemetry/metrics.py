"""Counts outcomes for Prometheus. docs/metrics.md lists the metrics, and a test compares it with the page."""

import platform
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.metrics_core import Metric

from notifier import __version__
from notifier.core.delivery.model import DeliveryState, OutcomeKind
from notifier.core.health.api import ApiNews
from notifier.core.health.store import StoreNews
from notifier.core.outcomes import (
    AnyOutcome,
    ChannelChange,
    ClockShift,
    DeliveryOutcome,
    DownloadOutcome,
    DroppedDeliveries,
    HeartbeatKind,
    HeartbeatOutcome,
    HintOutcome,
    HttpListening,
    ListOutcome,
    PollOutcome,
    ReloadOutcome,
    RequestOutcome,
    TemplateFailure,
    UnreadableEntries,
)
from notifier.core.snapshot.download_job import Fetched, GivenUp
from notifier.core.snapshot.hint_queue import HintResult
from notifier.core.snapshot.rotation import TrustNews
from notifier.core.work_units import Unit, UnitFault
from notifier.telemetry.gauges import Readings, gauges
from notifier.telemetry.labels import BoundedLabels, answer_label, code_label, status_label
from notifier.telemetry.reporter import Reporter

_LAG = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_DURATION = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_DELAY = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400)
_LOOP = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)

_SNAPSHOT, _DATASET = "snapshot", "dataset"


class Metrics(Reporter):
    """Counts in a registry of its own: two daemons in one process do not share metrics."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._reason = BoundedLabels()
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"notifier_{name}", text, labels, registry=registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(f"notifier_{name}", text, labels, buckets=buckets, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"notifier_{name}", text, labels, registry=registry)

        gauge("build_info", "The version that runs; always 1.", "version", "python").labels(
            __version__, platform.python_version()
        ).set(1)
        self._transitions = counter("transitions_total", "Transitions of snapshots, and derived events.", "status")
        self._polls = counter("polls_total", "Polls of snapshots and of datasets.", "kind", "answer")
        self._lag = histogram("poll_lag_seconds", "How late polls began.", _LAG, "kind")
        self._poll_duration = histogram("poll_duration_seconds", "How long polls took.", _DURATION, "kind")
        self._requests = counter("requests_total", "Requests to Bright Data.", "code")
        self._attempts = counter(
            "delivery_attempts_total", "Attempts to deliver an event.", "channel", "outcome", "reason"
        )
        self._deliveries = counter(
            "deliveries_total", "Deliveries that came to their end: delivered, dead or dropped.", "channel", "outcome"
        )
        self._dropped = counter("deliveries_dropped_total", "Deliveries that were dropped.", "channel", "reason")
        self._delay = histogram(
            "delivery_delay_seconds", "From when a delivery was decided until it was delivered.", _DELAY, "channel"
        )
        self._send = histogram("send_duration_seconds", "How long sends took.", _DURATION, "channel")
        self._templates = counter("template_failures_total", "Messages of which a template failed.", "channel")
        self._downloads = counter("download_attempts_total", "Attempts to fetch results.", "outcome")
        self._reloads = counter("config_reloads_total", "Reloads of the configuration.", "outcome")
        self._reload_successful = gauge(
            "config_last_reload_successful", "Whether the configuration on disk is the one that runs."
        )
        self._reload_at = gauge("config_last_reload_success_timestamp_seconds", "When a configuration was last loaded.")
        self._hints = counter("hints_total", "Hints that came, by what they led to.", "result")
        self._heartbeats = counter("heartbeats_total", "Heartbeats to the dead man's switch.", "outcome")
        self._clock_shifts = counter("clock_shifts_total", "How often the wall clock was moved.")
        self._unreadable = counter("list_entries_unreadable_total", "Unreadable entries of lists.")
        self._faults = counter("internal_errors_total", "Units that raised, each of which failed alone.", "unit")
        self._loop_lag = histogram("event_loop_lag_seconds", "How late the event loop woke a timer.", _LOOP)
        self._taken_up()
        self._show_from_the_start()

    def _taken_up(self) -> None:
        self._reload_successful.set(1)
        self._reload_at.set(self._clock().timestamp())

    def _show_from_the_start(self) -> None:
        """Create the series of known labels: `rate()` over a series that appears later misses its first event."""
        for status in ("ready", "failed", "canceled", "missing", "stalled"):
            self._transitions.labels(status)
        for kind in (_SNAPSHOT, _DATASET):
            self._polls.labels(kind, "status")
            self._lag.labels(kind)
            self._poll_duration.labels(kind)
        for code in ("2xx", "4xx", "429", "5xx", "none"):
            self._requests.labels(code)
        for outcome in ("done", "refused"):
            self._reloads.labels(outcome)
        for outcome in ("fetched", "retrying", "given_up"):
            self._downloads.labels(outcome)
        for unit in Unit:
            self._faults.labels(unit.value)
        for beat in HeartbeatKind:
            self._heartbeats.labels(beat.value)
        for result in HintResult:
            self._hints.labels(result.value)

    def configure(self, channels: Iterable[str]) -> None:
        """Create the series of these channels, before anything is sent to them."""
        for channel in channels:
            for state in (DeliveryState.DELIVERED, DeliveryState.DEAD, DeliveryState.DROPPED):
                self._deliveries.labels(channel, state.value)

    def page(self, readings: Readings) -> bytes:
        """Return the page for Prometheus, in its text format 0.0.4."""
        return generate_latest(_Page(self._registry, readings))

    def report(self, outcome: AnyOutcome) -> None:
        """Count an outcome."""
        match outcome:
            case PollOutcome():
                self._polled(outcome)
            case ListOutcome():
                self._listed(outcome)
            case UnreadableEntries():
                self._unreadable.inc(len(outcome.entries))
            case RequestOutcome():
                self._requests.labels(code_label(outcome.status)).inc()
            case DeliveryOutcome():
                self._delivered(outcome)
            case DroppedDeliveries():
                self._deliveries.labels(outcome.channel, DeliveryState.DROPPED.value).inc(outcome.number)
                self._dropped.labels(outcome.channel, self._reason(outcome.reason)).inc(outcome.number)
            case TemplateFailure():
                self._templates.labels(outcome.channel).inc()
            case DownloadOutcome():
                self._fetched(outcome)
            case ReloadOutcome():
                self._reloaded(outcome)
            case HeartbeatOutcome():
                self._heartbeats.labels(outcome.kind.value).inc()
            case HintOutcome():
                self._hints.labels(outcome.result.value).inc()
            case ClockShift():
                self._clock_shifts.inc()
            case UnitFault():
                self._faults.labels(outcome.unit.value).inc()
            case ChannelChange() | HttpListening() | ApiNews() | StoreNews() | TrustNews():
                pass  # gauges, read when Prometheus asks (`telemetry.gauges`)

    def _polled(self, outcome: PollOutcome) -> None:
        """Count a poll and its transitions."""
        if outcome.observation is not None:
            self._polls.labels(_SNAPSHOT, answer_label(outcome.observation)).inc()
            self._lag.labels(_SNAPSHOT).observe(outcome.lag.total_seconds())
            self._poll_duration.labels(_SNAPSHOT).observe(outcome.duration.total_seconds())
        for each in outcome.committed:
            self._transitions.labels(status_label(each.event.transition.status)).inc()

    def _listed(self, outcome: ListOutcome) -> None:
        """Count a poll of a dataset."""
        answer = "status" if outcome.unclear is None else answer_label(outcome.unclear)
        self._polls.labels(_DATASET, answer).inc()
        self._lag.labels(_DATASET).observe(outcome.lag.total_seconds())
        self._poll_duration.labels(_DATASET).observe(outcome.duration.total_seconds())

    def _delivered(self, outcome: DeliveryOutcome) -> None:
        """Count a delivery attempt, and the delivery if it ended."""
        channel, reason = outcome.delivery.channel, self._reason(outcome.outcome.reason)
        self._attempts.labels(channel, outcome.outcome.kind.value, reason).inc()
        self._send.labels(channel).observe(outcome.duration.total_seconds())
        if outcome.outcome.kind is OutcomeKind.DELIVERED:
            delay = self._clock() - outcome.delivery.created_at
            self._delay.labels(channel).observe(max(delay, timedelta(0)).total_seconds())
        if outcome.decision.state in (DeliveryState.DELIVERED, DeliveryState.DEAD):
            self._deliveries.labels(channel, outcome.decision.state.value).inc()

    def _fetched(self, outcome: DownloadOutcome) -> None:
        """Count an attempt to fetch results."""
        match outcome.result:
            case Fetched():
                self._downloads.labels("fetched").inc()
            case GivenUp():
                self._downloads.labels("given_up").inc()
            case _:
                self._downloads.labels("retrying").inc()

    def _reloaded(self, outcome: ReloadOutcome) -> None:
        """Count a reload, and whether the configuration on disk is the one that runs."""
        self._reloads.labels("done" if outcome.done else "refused").inc()
        if outcome.done:
            self._taken_up()
        else:
            self._reload_successful.set(0)

    def loop_lagged(self, seconds: float) -> None:
        """Observe how late the event loop woke a timer."""
        self._loop_lag.observe(max(seconds, 0.0))


class _Page:
    """Counters and gauges as one page."""

    def __init__(self, registry: CollectorRegistry, readings: Readings) -> None:
        self._registry = registry
        self._readings = readings

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            # The library adds to each series when it began: a third of the page, and nobody needs it.
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric
        yield from gauges(self._readings)

"""The composition root: builds the components of a notifier, and reconfigures them. Nothing runs here."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from notifier.app.api_client import client_of, token_of, token_source_of
from notifier.app.background_queue import BackgroundQueue
from notifier.app.job_runner import JobRunner
from notifier.app.live_reporter import LiveReporter
from notifier.app.notice_reporter import NoticeReporter
from notifier.brightdata.datasets.results import ResultsClient
from notifier.brightdata.limits.limiter import Limiter
from notifier.brightdata.limits.probe import Probe
from notifier.config.model import Config
from notifier.core.config_diff import ConfigDiff
from notifier.core.delivery.channel_policy import ChannelPolicy
from notifier.core.delivery.model import Outcome
from notifier.core.health.channel import ChannelVerdict
from notifier.core.isolation import Faults
from notifier.core.outcomes import (
    ChannelChange,
    ClockShift,
    DroppedDeliveries,
    PollOutcome,
    TemplateFailure,
)
from notifier.delivery.dispatcher import Dispatcher
from notifier.delivery.maintenance import Maintenance
from notifier.delivery.operator_notices import OperatorNotices
from notifier.delivery.out_of_band import OutOfBandNotices
from notifier.downloads.downloader import Downloader
from notifier.downloads.worker import DownloadWorker
from notifier.failpoints import fault as fault_here
from notifier.polling.manager import PollManager
from notifier.polling.poller import Poller
from notifier.polling.scheduler import PollScheduler
from notifier.store.reading.reading import Reading
from notifier.store.store import Store
from notifier.store.write_retries import StoreRetry
from notifier.telemetry.redaction import Redactor
from notifier.telemetry.reporter import Reporter, Reporters
from notifier.web.live.changes import CHANNELS, CONDITIONS, DELIVERIES
from notifier.web.live.hub import Hub

POLLS = "polls"
"""The job that begins the polls that are due."""

log = structlog.get_logger("notifier")


class Components:
    """The components of a daemon. Each knows the others only by the functions that it is given here."""

    def __init__(
        self,
        config: Config,
        *,
        reporters: Collection[Reporter],
        redactor: Redactor,
        clock: Callable[[], datetime],
        jitter: Callable[[], float],
    ) -> None:
        """
        Args:
            config: what to watch and whom to notify.
            reporters: receive every outcome.
            redactor: masks secrets; those of the configuration are added to it.
            clock: the time, UTC.
            jitter: numbers in [0, 1), to spread retries.
        """
        redactor.add(config.secrets)
        self.redactor = redactor
        self.config = config
        self.faults = Faults(lambda fault: self.report(fault), jitter=jitter, failpoint=fault_here)
        self.reporters = Reporters(reporters, self.faults)
        self.report = self.reporters.report
        self.live = Hub(clock=clock, redact=redactor.of, faults=self.faults)
        self.reporters.add(LiveReporter(self.live))
        self.clock = clock
        self.store = Store(config.database, StoreRetry(lambda news: self.report(news), clock))
        self.reading = Reading(config.database, clock)
        self.background = BackgroundQueue(self.faults)
        self.jobs = JobRunner(self.faults)
        self.limiter = Limiter(
            requests_per_second=config.api.requests_per_second,
            clock=_monotonic,
            wall=clock,
            refused=lambda at: self.background.later(self.store.record_rate_limit, at),
            changed=self.report,
        )
        self.client = client_of(config.api, self.limiter, self._learned, self.report)
        self.polling = PollManager(
            api=self.client,
            store=self.store,
            poller=Poller(observer=self.client, store=self.store, clock=clock, committed=self._wake),
            clock=clock,
            keep=config.keep,
            gap=_gap(config),
            lists=config.api.batches,
            scheduler=partial(
                PollScheduler,
                admit=self.limiter.admit,
                clock=clock,
                clock_shifted=self._clock_shifted,
                wake_by=partial(self.jobs.wake_by, POLLS),
                gap=lambda: _gap(self.config),
            ),
            polled=self._polled,
            listed=self.report,
            hinted=self.report,
            faults=self.faults,
            trust_changed=self.report,
        )
        self.schedule = self.polling.schedule
        self.probe = Probe(
            limiter=self.limiter,
            observer=self.client,
            snapshot=lambda: next((watch.snapshot_id for watch in self.config.watches), None),
            idle=lambda: self.schedule.queued == 0,
        )
        self.operators = OperatorNotices(
            channels=config.operators,
            outbox=self.store.outbox,
            conditions=self.store.conditions,
            clock=clock,
            committed=self._noticed,
            token_source=token_source_of(config.api),
        )
        self.downloads = DownloadWorker(
            jobs=self.store.downloads,
            downloader=Downloader(observer=self.client, results=ResultsClient(self.client.gateway)),
            clock=clock,
            jitter=jitter,
            committed=self._wake,
            report=self.report,
            events_only=_events_only(config),
            faults=self.faults,
        )
        self.clock_set = asyncio.Event()
        self.maintenance = Maintenance(
            store=self.store,
            clock=clock,
            policies=_policies(config),
            keep=config.keep,
            watched=lambda: {watch.snapshot_id for watch in self.config.watches},
            datasets=lambda: {watch.id: watch.dataset_id for watch in self.config.datasets},
            committed=self._wake,
            audited=self.operators.audited,
            died=self.operators.died,
            faults=self.faults,
        )
        self.dispatcher = Dispatcher(
            outbox=self.store.outbox,
            clock=clock,
            jitter=jitter,
            redact=redactor,
            delivered=self.report,
            dropped=self._dropped,
            template_failed=self._template_failed,
            verdict=self._channel_changed,
            faults=self.faults,
        )
        self.dispatcher.configure(config.channels)
        self.out_of_band = OutOfBandNotices(
            operators=self.operators, send=self.dispatcher.send_past_outbox, later=self.background.notice
        )
        self.notices = NoticeReporter(
            self.operators, background=self.background, out_of_band=self.out_of_band, clock=clock
        )
        self.reporters.add(self.notices)

    async def load(self) -> None:
        """Take up what the configuration watches, with what the store knows of it."""
        await self.polling.load(self.config.watches, self.config.datasets, self.config.adopting)

    @property
    def watches(self) -> int:
        """The number of watches of the configuration."""
        return len(self.config.watches) + len(self.config.datasets)

    async def log_configuration(self) -> None:
        """Log the warnings of the configuration, and the requests that its watches need."""
        for warning in self.config.warnings:
            log.warning("config.warning", text=str(warning))
        budget = await self.polling.budget(self.config.api.requests_per_second)
        if budget.fits:
            log.info("schedule.budget", text=budget.sentence(), **budget.fields())
        else:
            log.warning("schedule.budget", text=f"{budget.sentence()}; {budget.warning()}", **budget.fields())

    async def configure(self, config: Config, changed: ConfigDiff) -> None:
        """Take up another configuration. It has been checked, so nothing of it can fail.

        Watches come before channels: a delivery to a new channel may wait for it, but none may be made for a channel
        that is gone.
        """
        self.redactor.add(config.secrets)
        # Without `hooks:` what was adopted keeps its options.
        adopting = config.adopting if config.hooks is not None else replace(self.config.adopting, enabled=False)
        before, self.config = self.config, replace(config, database=self.config.database, adopting=adopting)
        if before.api != config.api:
            self.client.gateway.reconfigure(
                base_url=config.api.base_url, token=token_of(config.api, self._learned), timeout=config.api.timeout
            )
            self.limiter.set_rate(config.api.requests_per_second)
            self.limiter.try_at_once()
        await self.polling.reload(
            config.watches,
            config.datasets,
            self.config.adopting,
            lists=config.api.batches,
            gap=_gap(config),
            keep=config.keep,
        )
        self.operators.configure(config.operators, token_source_of(config.api))
        self.maintenance.configure(_policies(config), config.keep)
        self.downloads.configure(_events_only(config))
        self.dispatcher.configure(config.channels)
        await self.store.outbox.release(self.clock(), self.dispatcher.holding)
        if changed.channels.removed:
            await self.log_orphans(changed.channels.removed)
        self.dispatcher.wake_all()
        await self.log_configuration()

    async def log_orphans(self, channels: Collection[str] | None = None) -> None:
        """Log how many deliveries wait for channels that are not configured: for these, or for any."""
        for channel, number in (await self.store.outbox.open_deliveries()).items():
            if channel not in self.dispatcher and (channels is None or channel in channels):
                log.warning("channel.not_configured", channel=channel, waiting=number)

    def _learned(self, token: str) -> None:
        self.redactor.add([token])

    def _polled(self, outcome: PollOutcome) -> None:
        self.report(outcome)
        if outcome.committed and outcome.watch.download is not None:
            self.downloads.wake()

    def _channel_changed(self, channel: str, verdict: ChannelVerdict, outcome: Outcome) -> None:
        self.report(ChannelChange(channel=channel, verdict=verdict, outcome=outcome))

    def _dropped(self, channel: str, reason: str, number: int) -> None:
        self.report(DroppedDeliveries(channel=channel, reason=reason, number=number))

    def _template_failed(self, channel: str, event_id: str, reason: str) -> None:
        self.report(TemplateFailure(channel=channel, event_id=event_id, reason=reason))

    def _wake(self, channels: Collection[str]) -> None:
        self.dispatcher.wake(channels)
        if channels:
            self.live.change(DELIVERIES, CHANNELS)

    def _noticed(self, channels: Collection[str]) -> None:
        self._wake(channels)
        self.live.change(CONDITIONS)

    def _clock_shifted(self, shift: timedelta) -> None:
        self.clock_set.set()
        self.report(ClockShift(shift=shift))


def _monotonic() -> float:
    """Return the time of the event loop in seconds."""
    return asyncio.get_running_loop().time()


def _gap(config: Config) -> timedelta:
    return timedelta(seconds=1 / config.api.requests_per_second)


def _policies(config: Config) -> dict[str, ChannelPolicy]:
    return {channel.name: channel.policy for channel in config.channels.values()}


def _events_only(config: Config) -> list[str]:
    """The channels that take events only, and no notices."""
    return [channel.name for channel in config.channels.values() if channel.webhook is not None]

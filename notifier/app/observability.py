"""Shows the daemon to the outside: health and metrics over HTTP, the heartbeat, and the monitor of resources."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import structlog

from notifier.app.components import Components
from notifier.app.loop_lag import LoopLag
from notifier.app.vitals import VitalsReader
from notifier.app.web import application_for
from notifier.core.errors import NotifierError, StoreError
from notifier.core.health.vitals import Vitals, troubles
from notifier.core.outcomes import HttpListening
from notifier.store.reading.reading import Watched
from notifier.telemetry.gauges import Readings, Stored
from notifier.telemetry.heartbeat import Heartbeat
from notifier.telemetry.labels import status_label
from notifier.telemetry.metrics import Metrics
from notifier.telemetry.resource_monitor import ResourceMonitor
from notifier.web.server import Server
from notifier.web.single_flight import SingleFlight

LONGEST_ANSWER = timedelta(seconds=5)
"""The longest wait for the store before it counts as one that does not answer."""

HEARTBEAT = "heartbeat"
"""The job that sends the heartbeats."""

_SLICE = 10_000
"""Snapshots to count before other tasks run: about a millisecond of work."""

log = structlog.get_logger("notifier")


class Observability:
    """Serves HTTP while it `run`s; jobs of the daemon do the rest (`app.jobs`)."""

    def __init__(
        self,
        components: Components,
        metrics: Metrics,
        *,
        vitals: VitalsReader,
        config_hash: Callable[[], str],
    ) -> None:
        """
        Args:
            components: what is shown.
            metrics: one of their reporters.
            vitals: how the daemon does.
            config_hash: returns the hash of the files that run.
        """
        self._components = components
        self._metrics = metrics
        self._vitals = vitals
        self._config_hash = config_hash
        self._ask_vitals = SingleFlight(self.vitals, LONGEST_ANSWER)
        self._ask_store = SingleFlight(self._read_store, LONGEST_ANSWER)
        self._server = Server(
            components.config.http,
            make=application_for(components, vitals=self._ask_vitals, metrics=self._page, config_hash=config_hash),
            changed=self._listening,
            faults=components.faults,
        )
        self.heartbeat = Heartbeat(components.config.heartbeat, troubles=self._troubles, report=components.report)
        self.resources = ResourceMonitor(self._exhausted)
        self.loop_lag = LoopLag(wanted=lambda: components.config.http is not None, report=metrics.loop_lagged)
        self._running = False
        self.configure()

    def configure(self) -> None:
        """Take up the present configuration of the components."""
        config = self._components.config
        self._metrics.configure(config.channels)
        self._server.configure(config.http)
        if self.heartbeat.configure(config.heartbeat):
            self._components.jobs.wake(HEARTBEAT)
        if self._running:
            self._read_ahead()

    async def run(self) -> None:
        """Serve HTTP until cancelled."""
        self._running = True
        self._read_ahead()
        await self._server.run()

    def _read_ahead(self) -> None:
        """Have the watches read in that the pages show, so that the first page of 100,000 does not wait for it."""
        if self._components.config.http is not None:
            self._components.background.later(self._prepare_pages)

    async def _prepare_pages(self) -> None:
        config = self._components.config
        watched = Watched(watches=config.watches, datasets=config.datasets)
        with contextlib.suppress(StoreError):  # the pages say it, as long as it is so
            await asyncio.to_thread(self._components.reading.prepare, watched)

    async def vitals(self) -> Vitals:
        """How the daemon does.

        Raises:
            StoreError: the store fails.
        """
        known = await self._vitals.with_store()
        return replace(known, page=self._server.trouble, machine=self.resources.shortage)

    async def _troubles(self) -> list[str]:
        try:
            return troubles(await self._ask_vitals())
        except NotifierError as error:
            return [str(error)]
        except TimeoutError as error:
            return [f"the database does not answer: {error}"]

    def _listening(self, address: str, trouble: str) -> None:
        self._components.report(HttpListening(address=address, trouble=trouble))

    def _exhausted(self, shortage: str) -> None:
        if shortage:
            log.error("machine.short", text=shortage)
        self._components.background.notice(self._components.operators.machine_changed, shortage)

    async def _page(self) -> bytes:
        readings = await self._read()
        return await asyncio.to_thread(self._metrics.page, readings)

    async def _read(self) -> Readings:
        components = self._components
        try:
            stored = await self._ask_store()
        except (NotifierError, TimeoutError):
            stored = None  # a page with `notifier_store_up 0` is what is needed then
        snapshots = await self._count_snapshots()
        return Readings(
            at=components.clock(),
            api=components.limiter.api,
            breaker=components.limiter.state,
            in_flight=components.limiter.in_flight,
            due_polls=components.schedule.queued,
            overdue=components.schedule.overdue,
            watches={"snapshot": len(components.config.watches), "dataset": len(components.config.datasets)},
            snapshots=snapshots,
            broken=components.dispatcher.broken,
            config_hash=self._config_hash(),
            jobs=components.jobs.states(),
            stored=stored,
        )

    async def _read_store(self) -> Stored:
        vitals = await self.vitals()
        return Stored(
            open_deliveries=await self._components.store.outbox.open_deliveries(),
            oldest_open=vitals.oldest_open,
            healthy=not troubles(vitals),
        )

    async def _count_snapshots(self) -> Counter[str]:
        states = list(self._components.polling.states.values())
        words: Counter[str] = Counter()
        for start in range(0, len(states), _SLICE):
            words.update([state.status for state in states[start : start + _SLICE]])
            await asyncio.sleep(0)
        counts: Counter[str] = Counter()
        for word, number in words.items():
            counts[status_label(word)] += number
        return counts

"""Runs the components of a notifier, once or until it is stopped; `app.components` builds them."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import structlog

from notifier.app.clock_change import follow_clock
from notifier.app.components import Components
from notifier.app.jobs import WATCHDOG, table
from notifier.app.loading.first_config import LONGEST_START
from notifier.app.loading.first_config import keep as keep_copy
from notifier.app.loading.loading_process import Loaded
from notifier.app.observability import Observability
from notifier.app.reload import Reloader
from notifier.app.reload_history import ReloadHistory
from notifier.app.startup import keep_configuration, resume
from notifier.app.vitals import VitalsReader
from notifier.app.watchdog import Watchdog
from notifier.config.model import Config
from notifier.control.handler import DaemonActions
from notifier.control.limiter_lease import lend
from notifier.control.server import listening
from notifier.core.config_diff import ConfigDiff
from notifier.core.errors import StoreError, StoreUnready
from notifier.core.health.resources import plain
from notifier.core.work_units import Unit
from notifier.telemetry.loop_exceptions import watch_loop
from notifier.telemetry.metrics import Metrics
from notifier.telemetry.redaction import Redactor
from notifier.telemetry.reporter import Reporter
from notifier.telemetry.round_summary import RoundCounter, RoundSummary
from notifier.telemetry.systemd import EXTEND, is_listening, more_time, notify, watchdog_interval

POLLS_GRACE = timedelta(seconds=1.5)
SENDS_GRACE = timedelta(seconds=2.5)
"""Both well under the 5 s in which the daemon ends after SIGTERM; they run side by side."""

LONGEST_STOP = timedelta(minutes=2)
"""A migration, or a database of 100,000 watches, takes that long to close. What takes longer hangs."""

log = structlog.get_logger("notifier")


class Daemon:
    """One notifier. Make it, then call `run()` or `once()`, one time."""

    def __init__(
        self,
        config: Config,
        *,
        reporters: Collection[Reporter],
        redactor: Redactor,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        jitter: Callable[[], float] = random.random,
        loaded: Loaded | None = None,
        refused: Sequence[str] = (),
    ) -> None:
        """
        Args:
            config: what to watch and whom to notify.
            reporters: get every outcome.
            redactor: takes secrets out of text; the configuration's are added to it.
            clock: the time, UTC.
            jitter: numbers in [0, 1), to spread retries.
            loaded: how the configuration was loaded. With it, changes of its files are reloaded.
            refused: why the files are refused; `loaded` is then the configuration that was loaded last.
        """
        metrics = Metrics(clock)
        self._components = Components(
            config, reporters=[*reporters, metrics], redactor=redactor, clock=clock, jitter=jitter
        )
        self._loaded = loaded
        self._refused = tuple(refused)
        self._reloads = ReloadHistory(
            refused=self._refused,
            runs_of=None if loaded is None else loaded.read_at,
            clock=clock,
            report=self._components.report,
            notify=lambda refused: self._components.background.notice(self._components.operators.reloaded, refused),
        )
        vitals = VitalsReader(self._components, lambda: self._reloads.last)
        self._watchdog = Watchdog(
            notify=notify,
            interval=watchdog_interval(),
            vitals=vitals.in_memory,
            in_progress=lambda: self._components.polling.in_progress,
            waiting=vitals.count_waiting,
        )
        self._reloader: Reloader | None = None
        if loaded is not None:
            self._reloader = Reloader(
                loaded=loaded,
                take_up=self._configure,
                keep=partial(keep_copy, config.database),
                report=self._reloads.reloaded,
                status=self._watchdog.status,
                faults=self._components.faults,
                refused=bool(refused),
            )
        self._observability = Observability(self._components, metrics, vitals=vitals, config_hash=self._config_hash)

    async def run(self, stop: asyncio.Event, ready: Callable[[], None] = lambda: None) -> None:
        """Watch and deliver until `stop` is set, then end within 5 s.

        Args:
            stop: set it to end the daemon in order.
            ready: called once everything runs.

        Raises:
            StoreError: the database cannot be used.
            Exception: whatever ended one of the daemon's tasks; nothing goes on without it.
        """
        components = self._components
        watch_loop(asyncio.get_running_loop(), self._observability.resources.noted)
        async with AsyncExitStack() as stack:
            stopping = stack.enter_context(ExitStack())
            with more_time(LONGEST_START):
                await stack.enter_async_context(self._opened(patient=True))
                database, store = components.config.database, components.store
                control = await stack.enter_async_context(listening(database, store, self._actions()))
                components.polling.begin()
                components.jobs.add(table(components, self._observability, control, self._watchdog))
            with _first_failure():
                async with asyncio.TaskGroup() as tasks:
                    background = self._start(tasks)
                    sending = tasks.create_task(_for_good(components.dispatcher.run()))
                    await components.log_configuration()
                    self._announce()
                    ready()
                    await stop.wait()
                    log.info("daemon.stopping")
                    notify("STOPPING=1", EXTEND)
                    stopping.enter_context(more_time(LONGEST_STOP))
                    components.store.retries.disable()
                    await self._stop(background)
                    sending.cancel()
        log.info("daemon.stopped")

    def _actions(self) -> DaemonActions:
        """What commands can ask of this daemon."""
        components = self._components
        return DaemonActions(
            wake=components.dispatcher.wake,
            got_through=components.dispatcher.got_through,
            preview=self._reloader.preview if self._reloader is not None else None,
            health=self._health,
            lend=partial(lend, components.limiter, lambda: components.client.gateway.identity),
            changed=components.live.change,
            faults=components.faults,
        )

    def _start(self, tasks: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """Start everything but the deliveries, which end last."""
        components = self._components
        parts = [
            components.schedule.run(),
            components.polling.hints.run(),
            components.jobs.run(),
            components.background.run(),
            components.downloads.run(),
            follow_clock(components),
            self._observability.run(),
        ]
        if self._reloader is not None:
            parts.append(self._reloader.run())
        return [tasks.create_task(_for_good(each)) for each in parts]

    def _announce(self) -> None:
        """Say in the log, and to the service manager, that everything runs."""
        config = self._components.config
        log.info(
            "daemon.started",
            watches=len(config.watches) + len(config.datasets),
            in_progress=self._components.polling.in_progress,
            channels=len(self._components.dispatcher),
            config=str(config.path),
        )
        notify("READY=1", f"STATUS={self._watchdog.status()}")
        if is_listening():
            self._watchdog.begin()
            self._components.jobs.wake(WATCHDOG)

    async def once(self) -> RoundSummary:
        """Poll every watch that has not ended once, deliver what is due, and return how it went."""
        counter = RoundCounter()
        self._components.reporters.add(counter)
        async with self._opened():
            with _first_failure():
                self._components.polling.begin()
                await self._components.schedule.once()
                await self._components.downloads.fetch_due()
                await self._components.dispatcher.deliver_all()
                # What follows from it: fallbacks, notices to the operators, and their deliveries.
                await self._components.maintenance.run_once()
                await self._components.background.end()
                await self._components.dispatcher.deliver_all()
        return counter.summary()

    def reload(self) -> None:
        """Read the configuration again, soon."""
        if self._reloader is not None:
            self._reloader.ask()

    async def _configure(self, config: Config, changed: ConfigDiff) -> None:
        await self._components.configure(config, changed)
        self._observability.configure()

    def _config_hash(self) -> str:
        return self._reloader.config_hash if self._reloader is not None else "none"

    async def _health(self) -> dict[str, Any]:
        since = self._reloader.reading_since if self._reloader is not None else None
        return plain(await self._observability.vitals()) | {"reading_since": since and since.isoformat()}

    @asynccontextmanager
    async def _opened(self, *, patient: bool = False) -> AsyncIterator[None]:
        async with self._components.store, self._components.client:
            if patient:  # from here on: a database that cannot be opened is refused
                self._components.store.retries.enable()
            await self._components.load()
            await resume(self._components)
            loaded, self._loaded = self._loaded, None
            await keep_configuration(self._components, loaded, self._refused)
            del loaded  # the next reload brings its own; this one would stay for good
            try:
                yield
            except StoreError as error:
                if not isinstance(error, StoreUnready):  # which operators were notified of already
                    self._components.store.retries.disable()
                    await self._components.out_of_band.announce_end(error)
                raise
            finally:
                await self._end()

    async def _end(self) -> None:
        """Write what is left to be written, and leave nothing open, whether or not it could be."""
        self._components.store.retries.disable()
        await self._components.schedule.cancel()
        try:
            await self._components.faults.attempt(Unit.FLUSH, "", self._components.polling.flush)
            await self._components.background.end()
        finally:
            self._watchdog.close()
            await asyncio.to_thread(self._components.reading.close)
            await self._components.out_of_band.aclose()
            await self._components.dispatcher.aclose()

    async def _stop(self, background: Iterable[asyncio.Task[None]]) -> None:
        self._reloads.close()
        for task in background:
            task.cancel()
        draining = asyncio.create_task(self._components.schedule.drain(POLLS_GRACE))
        await self._components.dispatcher.stop(SENDS_GRACE)
        await draining


async def _for_good(part: Awaitable[None]) -> None:
    """Run a part of the daemon, which ends only when it is cancelled.

    Raises:
        RuntimeError: it has ended by itself. Without it the daemon would go on and look well.
    """
    await part
    raise RuntimeError(f"{part} has ended by itself")


@contextmanager
def _first_failure() -> Iterator[None]:
    """Raise the first failure of a task group as itself: one cause ended the daemon, the rest followed."""
    try:
        yield
    except BaseExceptionGroup as group:
        first: BaseException = group
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None


async def run_until_signalled(daemon: Daemon, ended: asyncio.Event | None = None) -> None:
    """Run the daemon until SIGTERM or SIGINT; SIGHUP has it read its configuration again.

    Args:
        daemon: made, and not run yet.
        ended: set once it has ended in order.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, daemon.reload)
    await daemon.run(stop)
    if ended is not None:
        ended.set()

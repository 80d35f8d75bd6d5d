"""Runs all parts of a notifier, once or until stopped, and goes on where the last one ended; `parts` builds them."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import structlog

from notifier.app.components import Components
from notifier.app.jobs import WATCHDOG, table
from notifier.app.loading.apart import Loaded
from notifier.app.loading.start import LONGEST_START
from notifier.app.loading.start import keep as keep_copy
from notifier.app.observability import Observability
from notifier.app.reload import Reloader, ReloadNotices
from notifier.app.watchdog import Watchdog
from notifier.brightdata.limits.breaker import WINDOW
from notifier.config.model import Config
from notifier.control.handler import DaemonActions
from notifier.control.limiter_lease import lend
from notifier.control.server import listening
from notifier.core.config_diff import ConfigDiff
from notifier.core.errors import StoreError, StoreUnready
from notifier.core.health.api import ApiKind
from notifier.core.health.conditions import API, CHANNEL, LIST, REFUSED, kind_of, names_of
from notifier.core.health.vitals import LastReload, plain
from notifier.core.outcomes import ReloadOutcome
from notifier.core.units import Unit
from notifier.failpoints import fault
from notifier.telemetry.loop import watch_loop
from notifier.telemetry.metrics import Metrics
from notifier.telemetry.redaction import Redactor
from notifier.telemetry.reporter import MOST_PROBLEMS, Reporter
from notifier.telemetry.round_summary import OnceOutcome, Tally
from notifier.telemetry.systemd import EXTEND, is_listening, more_time, notify, watchdog_interval

LOOKS_GRACE = timedelta(seconds=1.5)
SENDS_GRACE = timedelta(seconds=2.5)
"""Together under the 5 s in which the daemon ends after SIGTERM; they run side by side."""

LONGEST_STOP = timedelta(minutes=2)
"""A migration, or a database with all of 100,000 watches, takes its time. What takes longer hangs."""

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
            config: what to watch and whom to tell.
            reporters: told of everything that happens.
            redactor: takes secrets out of text; the configuration's are added to it.
            clock: the time, UTC.
            jitter: numbers in [0, 1), to spread retries.
            loaded: how the configuration was loaded; with it, what changes in its files is taken up.
            refused: why the files are refused, instead of which `loaded` is the configuration taken up last.
        """
        metrics = Metrics(clock)
        self._parts = Components(config, reporters=[*reporters, metrics], redactor=redactor, clock=clock, jitter=jitter)
        self._loaded = loaded
        self._refused = tuple(refused)
        self._last_reload = self._refused_at_start(clock())
        self._watchdog = Watchdog(
            tell=notify,
            interval=watchdog_interval(),
            vitals=lambda: self._parts.vitals_in_memory(self._last_reload),
            in_progress=lambda: self._parts.polling.in_progress,
            waiting=self._parts.waiting,
        )
        self._reloader: Reloader | None = None
        self._tidings = ReloadNotices(
            lambda refused: self._parts.errands.notice(self._parts.operators.reloaded, refused)
        )
        if loaded is not None:
            self._reloader = Reloader(
                loaded=loaded,
                take_up=self._configure,
                keep=partial(keep_copy, config.database),
                report=self._reloaded,
                status=self._watchdog.status,
                faults=self._parts.faults,
                refused=bool(refused),
            )
        self._outside = Observability(
            self._parts, metrics, last_reload=lambda: self._last_reload, config_hash=self._config_hash
        )

    async def run(self, stop: asyncio.Event, ready: Callable[[], None] = lambda: None) -> None:
        """Watch and deliver until `stop` is set, then end within 5 s.

        Args:
            stop: set it to end the daemon in order.
            ready: called once everything runs.

        Raises:
            StoreError: the database cannot be used.
            Exception: whatever ended one of the daemon's tasks; nothing goes on without it.
        """
        answers = DaemonActions(
            wake=self._parts.senders.wake,
            got_through=self._parts.senders.got_through,
            preview=self._reloader.preview if self._reloader is not None else None,
            health=self._health,
            lend=partial(lend, self._parts.limiter, lambda: self._parts.client.gateway.identity),
            faults=self._parts.faults,
        )
        watch_loop(asyncio.get_running_loop(), self._outside.exhaustion.noted)
        async with AsyncExitStack() as stack:
            stopping = stack.enter_context(ExitStack())
            with more_time(LONGEST_START):
                await stack.enter_async_context(self._opened(patient=True))
                database, store = self._parts.config.database, self._parts.store
                control = await stack.enter_async_context(listening(database, store, answers))
                self._parts.polling.begin()
                self._parts.jobs.add(table(self._parts, self._outside, control, self._watchdog))
            with _first_failure():
                async with asyncio.TaskGroup() as tasks:
                    background = [
                        tasks.create_task(_for_good(each))
                        for each in (
                            self._parts.schedule.run(),
                            self._parts.jobs.run(),
                            self._parts.errands.run(),
                            self._follow_clock(),
                            self._parts.fetcher.run(),
                            self._outside.run(),
                            *([self._reloader.run()] if self._reloader is not None else []),
                        )
                    ]
                    sending = tasks.create_task(_for_good(self._parts.senders.run()))
                    await self._parts.log_configuration()
                    channels = len(self._parts.senders)
                    log.info(
                        "daemon.started", **self._watched(), channels=channels, config=str(self._parts.config.path)
                    )
                    notify("READY=1", f"STATUS={self._watchdog.status()}")
                    if is_listening():
                        self._watchdog.begin()
                        self._parts.jobs.wake(WATCHDOG)
                    ready()
                    await stop.wait()
                    log.info("daemon.stopping")
                    notify("STOPPING=1", EXTEND)
                    stopping.enter_context(more_time(LONGEST_STOP))
                    self._parts.store.retries.disable()
                    await self._stop(background)
                    sending.cancel()
        log.info("daemon.stopped")

    def _watched(self) -> dict[str, int]:
        """How many watches the configuration has, and how many snapshots of them are in progress."""
        config = self._parts.config
        return {
            "watches": len(config.watches) + len(config.datasets),
            "in_progress": self._parts.polling.in_progress,
        }

    async def once(self) -> OnceOutcome:
        """Look at every watch that has not ended once, deliver what is due, and say how it went."""
        tally = Tally()
        self._parts.reporters.add(tally)
        async with self._opened():
            with _first_failure():
                self._parts.polling.begin()
                await self._parts.schedule.once()
                await self._parts.fetcher.fetch_due()
                await self._parts.senders.deliver_all()
                # What follows from it: fallbacks, notices to the operators, and their deliveries.
                await self._parts.maintenance.run_once()
                await self._parts.errands.end()
                await self._parts.senders.deliver_all()
        return tally.outcome()

    def reload(self) -> None:
        """Read the configuration again, soon."""
        if self._reloader is not None:
            self._reloader.ask()

    async def _configure(self, config: Config, changed: ConfigDiff) -> None:
        await self._parts.configure(config, changed)
        self._outside.configure()

    def _config_hash(self) -> str:
        return self._reloader.config_hash if self._reloader is not None else "none"

    def _reloaded(self, outcome: ReloadOutcome) -> None:
        before, began = self._last_reload, self._parts.clock() - outcome.duration
        refused = outcome.refused[:MOST_PROBLEMS]
        runs_of = before.runs_of if before is not None and refused else None
        self._last_reload = LastReload(at=began, refused=refused, runs_of=runs_of)
        if outcome.asked or not (outcome.again or runs_of) or before is None or refused != before.refused:
            self._parts.report(outcome)  # that nothing has changed is no news
        self._tidings.reloaded(outcome)

    def _refused_at_start(self, now: datetime) -> LastReload | None:
        if not self._refused or self._loaded is None:
            return None
        return LastReload(at=now, refused=self._refused[:MOST_PROBLEMS], runs_of=self._loaded.read_at)

    async def _health(self) -> dict[str, Any]:
        since = self._reloader.reading_since if self._reloader is not None else None
        return plain(await self._outside.vitals()) | {"reading_since": since and since.isoformat()}

    @asynccontextmanager
    async def _opened(self, *, patient: bool = False) -> AsyncIterator[None]:
        async with self._parts.store, self._parts.client:
            if patient:  # from here on: a database that cannot be opened is refused
                self._parts.store.retries.enable()
            await self._parts.polling.load(self._parts.config.watches, self._parts.config.datasets)
            await self._take_up()
            await self._remember_api()
            try:
                yield
            except StoreError as error:
                if not isinstance(error, StoreUnready):  # of that one they know
                    self._parts.store.retries.disable()
                    await self._parts.out_of_band.announce_end(error)
                raise
            finally:
                await self._end()

    async def _end(self) -> None:
        """Write what is left to be written, and leave nothing open, whether or not it could be."""
        self._parts.store.retries.disable()
        try:
            await self._parts.faults.attempt(Unit.FLUSH, "", self._parts.polling.flush)
            await self._parts.errands.end()
        finally:
            self._watchdog.close()
            await self._parts.out_of_band.aclose()
            await self._parts.senders.aclose()

    async def _take_up(self) -> None:
        """Go on where the last daemon ended, however it did."""
        outbox = self._parts.store.outbox
        if recovered := await outbox.recover(self._parts.clock(), self._parts.senders.holding):
            log.warning("delivery.recovered", count=recovered)
        await self._reschedule_after_clock_change()
        if hastened := await outbox.retry_now_after_start(self._parts.clock(), self._parts.config.channels):
            log.info("delivery.hastened", count=hastened)
        await self._parts.log_orphans()
        standing = await self._parts.store.conditions.standing()
        for channel in names_of(standing, CHANNEL):
            self._parts.senders.assume_broken(channel)
        self._parts.polling.doubt(names_of(standing, LIST))
        self._parts.polling.refused_before(names_of(standing, REFUSED))
        await self._take_up_configuration()

    async def _take_up_configuration(self) -> None:
        """Keep what the files say, or tell that it is refused and what runs instead."""
        loaded, self._loaded = self._loaded, None
        if not self._refused or loaded is None or loaded.read_at is None:
            self._parts.errands.notice(self._parts.operators.reloaded, ())  # whatever was refused before
            if loaded is not None:
                await keep_copy(self._parts.config.database, loaded)
            return
        log.error("daemon.last_configuration", of=loaded.read_at.isoformat(), path=str(loaded.config.path))
        self._parts.report(ReloadOutcome(refused=self._refused, duration=timedelta(0)))
        self._parts.errands.notice(self._parts.operators.started_with_last, self._refused, loaded.read_at)

    async def _remember_api(self) -> None:
        """Tell the limiter what the last daemon knew of the API."""
        now = self._parts.clock()
        since = now - timedelta(seconds=WINDOW)
        last_poll = await self._parts.store.last_poll()
        told = kind_of(await self._parts.store.conditions.standing(API), API) or ApiKind.OK
        self._parts.limiter.remember(
            [now - at for at in await self._parts.store.refusals(since)],
            restarted=last_poll is not None and last_poll > since,
            announced=ApiKind(told),
        )

    async def _stop(self, background: Iterable[asyncio.Task[None]]) -> None:
        self._tidings.cancel()
        for task in background:
            task.cancel()
        draining = asyncio.create_task(self._parts.schedule.drain(LOOKS_GRACE))
        await self._parts.senders.stop(SENDS_GRACE)
        await draining

    async def _follow_clock(self) -> None:
        """After the clock was set, call back what it has put out of reach."""
        while True:
            await self._parts.clock_set.wait()
            self._parts.clock_set.clear()
            with self._parts.faults.alone(Unit.CLOCK) as attempt:
                fault(Unit.CLOCK)
                await self._reschedule_after_clock_change()
                self._parts.senders.recheck()
                self._parts.fetcher.wake()
            if attempt.pause is not None:
                await asyncio.sleep(attempt.pause.total_seconds())
                self._parts.clock_set.set()

    async def _reschedule_after_clock_change(self) -> None:
        if moved := await self._parts.store.outbox.reschedule_after_clock_change(self._parts.clock()):
            log.warning("delivery.called_back", count=moved)
            self._parts.senders.wake_all()
        if moved := await self._parts.store.downloads.reschedule_after_clock_change(self._parts.clock()):
            log.warning("download.called_back", count=moved)


async def _for_good(part: Awaitable[None]) -> None:
    """Run a part of the daemon, which ends only by being cancelled.

    Raises:
        RuntimeError: it has ended by itself: the daemon would go on without it, and nobody know.
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

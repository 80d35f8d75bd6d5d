"""The composition root: builds every part from a configuration, runs them, stops them. The only place that sees all."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import structlog

from notifier.brightdata.breaker import WINDOW
from notifier.brightdata.client import Client
from notifier.brightdata.limiter import Limiter, most_in_flight
from notifier.brightdata.results import Results
from notifier.brightdata.tokens import FileToken, StaticToken, TokenSource
from notifier.caretaker import Caretaker
from notifier.config.diff import ConfigDiff
from notifier.config.model import Api, Config
from notifier.config.secrets import read_token
from notifier.control import Answers, listening
from notifier.core.apihealth import ApiKind, ApiNews
from notifier.core.health import Verdict
from notifier.core.model import Outcome, OutcomeKind, Unclear
from notifier.core.policy import ChannelPolicy
from notifier.core.transitions import NAMES, is_known_word
from notifier.core.vitals import LastReload, Vitals, plain
from notifier.core.words import count
from notifier.deliver import DeliveryOutcome
from notifier.fetch.download import Downloader
from notifier.fetch.fetcher import Fetcher, FetchOutcome
from notifier.lists import ListOutcome
from notifier.loading.apart import Loaded
from notifier.lookout import Lookout
from notifier.operators import API, Operators
from notifier.poll import LookOutcome, Poller
from notifier.reload import Reloader, ReloadOutcome
from notifier.report import MOST_PROBLEMS, Reporter
from notifier.schedule import Schedule
from notifier.senders import Senders
from notifier.store.store import Store
from notifier.telemetry.redaction import Redactor
from notifier.telemetry.systemd import notify

FLUSH_LOOKS_EVERY = timedelta(seconds=2)
WARN_EXPIRING_EVERY = timedelta(minutes=10)
LOOKS_GRACE = timedelta(seconds=1.5)
SENDS_GRACE = timedelta(seconds=2.5)
"""Together under the 5 s in which the daemon ends after SIGTERM; they run side by side."""

log = structlog.get_logger("notifier")


@dataclass(frozen=True, kw_only=True, slots=True)
class OnceOutcome:
    """What one round over all watches did."""

    looks: int
    unclear: int
    transitions: int
    delivered: int
    undelivered: int


class Daemon:
    """All parts of one notifier. Make it, then call `run()` or `once()`, one time."""

    def __init__(
        self,
        config: Config,
        *,
        reporters: Collection[Reporter],
        redactor: Redactor,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        dice: Callable[[], float] = random.random,
        loaded: Loaded | None = None,
    ) -> None:
        """
        Args:
            config: what to watch and whom to tell.
            reporters: told of everything that happens.
            redactor: takes secrets out of text; the configuration's are added to it.
            clock: the time, UTC.
            dice: numbers in [0, 1), to spread retries.
            loaded: how the configuration was loaded; with it, what changes in its files is taken up.
        """
        redactor.add(config.secrets)
        self._redactor = redactor
        self._config = config
        self._reporters = tuple(reporters)
        self._clock = clock
        self._store = Store(config.database)
        self._errands: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue()
        self._limiter = Limiter(
            requests_per_second=config.api.requests_per_second,
            clock=_monotonic,
            wall=clock,
            refused=lambda at: self._later(self._store.note_refusal, at),
            changed=self._api_changed,
        )
        self._client = _client(config, self._limiter, self._learned)
        self._lookout = Lookout(
            api=self._client,
            store=self._store,
            poller=Poller(observer=self._client, store=self._store, clock=clock, committed=self._wake),
            clock=clock,
            keep=config.keep,
            gap=_gap(config),
            lists=config.api.batches,
            looked=self._looked,
            listed=self._listed,
        )
        self._schedule = self._lookout.schedule = Schedule(
            look=self._lookout.look, admit=self._limiter.admit, clock=clock, clock_shifted=self._clock_shifted
        )
        self._operators = Operators(
            channels=config.operators,
            outbox=self._store.outbox,
            clock=clock,
            committed=self._wake,
            token_source=_token_source(config.api),
        )
        self._fetcher = Fetcher(
            jobs=self._store.downloads,
            downloader=Downloader(observer=self._client, results=Results(self._client.door)),
            clock=clock,
            dice=dice,
            committed=self._wake,
            report=self._fetched,
            deaf=_deaf(config),
        )
        self._clock_set = asyncio.Event()
        self._caretaker = Caretaker(
            store=self._store,
            clock=clock,
            policies=_policies(config),
            keep=config.keep,
            watched=lambda: {watch.snapshot_id for watch in self._config.watches},
            committed=self._wake,
            audited=self._operators.audited,
            died=self._operators.died,
        )
        self._senders = Senders(
            outbox=self._store.outbox,
            clock=clock,
            dice=dice,
            redact=redactor,
            delivered=self._delivered,
            dropped=_log_dropped,
            template_failed=_log_template_failed,
            verdict=lambda *news: self._later(self._tell_operators, *news),
        )
        self._senders.configure(config.channels)
        self._last_reload: LastReload | None = None
        self._reloader: Reloader | None = None
        if loaded is not None:
            self._reloader = Reloader(
                loaded=loaded, take_up=self._reconfigure, report=self._reloaded, status=self._status
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
        answers = Answers(
            wake=self._senders.wake,
            preview=self._reloader.preview if self._reloader is not None else None,
            health=self._health,
        )
        async with self._opened(), listening(self._config.database, self._store, answers):
            watches = self._lookout.begin()
            with _first_failure():
                async with asyncio.TaskGroup() as tasks:
                    background = [
                        tasks.create_task(each)
                        for each in (
                            self._schedule.run(),
                            self._flush_looks(),
                            self._warn_expiring(),
                            self._run_errands(),
                            self._follow_clock(),
                            self._caretaker.run(),
                            self._fetcher.run(),
                            *([self._reloader.run()] if self._reloader is not None else []),
                        )
                    ]
                    sending = tasks.create_task(self._senders.run())
                    self._log_configuration()
                    channels = len(self._senders)
                    log.info("daemon.started", watches=watches, channels=channels, config=str(self._config.path))
                    notify("READY=1", f"STATUS={self._status()}")
                    ready()
                    await stop.wait()
                    log.info("daemon.stopping")
                    notify("STOPPING=1")
                    await self._stop(background)
                    sending.cancel()
        log.info("daemon.stopped")

    async def once(self) -> OnceOutcome:
        """Look at every watch that has not ended once, deliver what is due, and say how it went."""
        attempts: list[DeliveryOutcome] = []
        looks: list[LookOutcome] = []
        self._reporters = (*self._reporters, _Collector(looks, attempts))
        async with self._opened():
            with _first_failure():
                self._lookout.begin()
                await self._schedule.once()
                await self._fetcher.fetch_due()
                await self._senders.deliver_all()
                # What follows from it: fallbacks, notices to the operators, and their deliveries.
                await self._caretaker.go_round()
                await self._end_errands()
                await self._senders.deliver_all()
        delivered = sum(each.outcome.kind is OutcomeKind.DELIVERED for each in attempts)
        return OnceOutcome(
            looks=len(looks),
            unclear=sum(isinstance(look.observation, Unclear) for look in looks),
            transitions=sum(len(look.told) for look in looks),
            delivered=delivered,
            undelivered=len(attempts) - delivered,
        )

    def _log_configuration(self) -> None:
        """What is not wrong with it, but worth to be known."""
        for warning in self._config.warnings:
            log.warning("config.warning", text=str(warning))
        budget = self._lookout.budget(self._config.api.requests_per_second)
        if budget.fits:
            log.info("schedule.budget", text=budget.sentence(), **budget.fields())
        else:
            log.warning("schedule.budget", text=f"{budget.sentence()}; {budget.warning()}", **budget.fields())

    def _status(self) -> str:
        """How many watches and channels there are, in a line."""
        watches = len(self._config.watches) + len(self._config.datasets)
        return f"{count(watches, 'watch', 'watches')}, {count(len(self._senders), 'channel')}"

    def reload(self) -> None:
        """Read the configuration again, soon."""
        if self._reloader is not None:
            self._reloader.ask()

    async def _reconfigure(self, config: Config, changed: ConfigDiff) -> None:
        """Take up another configuration: all of it has been checked, and nothing of it can fail.

        Watches come before channels: what is to be told on a new channel may wait for it, but nothing more may be
        meant for one that is gone.
        """
        self._redactor.add(config.secrets)
        before, self._config = self._config, replace(config, database=self._config.database)
        if before.api != config.api:
            self._client.door.reconfigure(
                base_url=config.api.base_url, token=_token(config.api, self._learned), timeout=config.api.timeout
            )
            self._limiter.set_rate(config.api.requests_per_second)
            self._limiter.try_at_once()
        await self._lookout.reload(
            config.watches, config.datasets, lists=config.api.batches, gap=_gap(config), keep=config.keep
        )
        self._operators.configure(config.operators, _token_source(config.api))
        self._caretaker.configure(_policies(config), config.keep)
        self._fetcher.configure(_deaf(config))
        self._senders.configure(config.channels)
        await self._store.outbox.release(self._clock(), self._senders.holding)
        if changed.channels.removed:
            await self._log_orphans(changed.channels.removed)
        self._senders.wake_all()
        self._log_configuration()

    async def _log_orphans(self, channels: Collection[str] | None = None) -> None:
        """Say how much waits for channels that are not configured: for these, or for any."""
        for channel, number in (await self._store.outbox.open_deliveries()).items():
            if channel not in self._senders and (channels is None or channel in channels):
                log.warning("channel.not_configured", channel=channel, waiting=number)

    def _reloaded(self, outcome: ReloadOutcome) -> None:
        began = self._clock() - outcome.duration
        self._last_reload = LastReload(at=began, refused=outcome.refused[:MOST_PROBLEMS])
        for reporter in self._reporters:
            reporter.reloaded(outcome)
        self._later(self._operators.reloaded, outcome.refused)

    async def _health(self) -> dict[str, Any]:
        """How the daemon does, for who asks. That the store answers is seen by asking it."""
        return plain(
            Vitals(
                api=self._limiter.api,
                overdue=self._schedule.overdue,
                watches=len(self._config.watches) + len(self._config.datasets),
                channels=len(self._senders),
                oldest_open=await self._store.outbox.oldest_open(),
                reload=self._last_reload,
            )
        )

    def _learned(self, token: str) -> None:
        self._redactor.add([token])

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[None]:
        async with self._store, self._client:
            await self._lookout.load(self._config.watches, self._config.datasets)
            await self._take_up()
            await self._remember_api()
            try:
                yield
            finally:
                await self._lookout.flush()
                await self._end_errands()
                await self._senders.aclose()

    async def _take_up(self) -> None:
        """Go on where the last daemon ended, however it did."""
        outbox = self._store.outbox
        if recovered := await outbox.recover(self._clock(), self._senders.holding):
            log.warning("delivery.recovered", count=recovered)
        await self._call_back()
        await self._log_orphans()
        for subject, kind in (await outbox.last_kinds()).items():
            if kind == Verdict.BROKEN:
                self._senders.assume_broken(subject.removeprefix("channel:"))
        self._later(self._operators.reloaded, ())  # it was taken up, whatever was refused before

    async def _remember_api(self) -> None:
        """Tell the limiter what the last daemon knew of the API."""
        now = self._clock()
        since = now - timedelta(seconds=WINDOW)
        last_look = await self._store.last_look()
        told = (await self._store.outbox.last_kinds()).get(API, ApiKind.OK)
        self._limiter.remember(
            [now - at for at in await self._store.refusals(since)],
            restarted=last_look is not None and last_look > since,
            told=ApiKind(told),
        )

    async def _stop(self, background: Iterable[asyncio.Task[None]]) -> None:
        for task in background:
            task.cancel()
        draining = asyncio.create_task(self._schedule.drain(LOOKS_GRACE))
        await self._senders.stop(SENDS_GRACE)
        await draining

    def _looked(self, outcome: LookOutcome) -> None:
        for reporter in self._reporters:
            reporter.looked(outcome)
        if outcome.told:
            self._fetcher.wake()
        for told in outcome.told:
            transition = told.event.transition
            if transition.status not in NAMES and not is_known_word(transition.status):
                self._later(self._operators.unknown_word, transition.status, transition.snapshot_id)

    def _listed(self, outcome: ListOutcome) -> None:
        for reporter in self._reporters:
            reporter.listed(outcome)

    def _fetched(self, outcome: FetchOutcome) -> None:
        for reporter in self._reporters:
            reporter.fetched(outcome)

    async def _warn_expiring(self) -> None:
        while True:
            await self._lookout.warn_expiring()
            await asyncio.sleep(WARN_EXPIRING_EVERY.total_seconds())

    async def _flush_looks(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_LOOKS_EVERY.total_seconds())
            await self._lookout.flush()

    async def _follow_clock(self) -> None:
        """After the clock was set, call back what it has put out of reach."""
        while True:
            await self._clock_set.wait()
            self._clock_set.clear()
            await self._call_back()
            self._senders.reconsider()

    async def _call_back(self) -> None:
        if moved := await self._store.outbox.clock_was_set(self._clock()):
            log.warning("delivery.called_back", count=moved)
            self._senders.wake_all()

    def _later(self, errand: Callable[..., Awaitable[None]], *arguments: Any) -> None:
        """Have this done by the task that does what nobody waits for, in order."""
        self._errands.put_nowait(partial(errand, *arguments))

    async def _run_errands(self) -> None:
        while True:
            await (await self._errands.get())()

    async def _end_errands(self) -> None:
        while not self._errands.empty():
            await self._errands.get_nowait()()

    def _api_changed(self, news: ApiNews) -> None:
        for reporter in self._reporters:
            reporter.api_changed(news)
        self._later(self._operators.api_changed, news)

    async def _tell_operators(self, channel: str, verdict: Verdict, outcome: Outcome) -> None:
        if verdict is Verdict.BROKEN:
            log.error("channel.broken", channel=channel, reason=outcome.reason, detail=outcome.detail)
        else:
            log.info("channel.healed", channel=channel)
        await self._operators.channel_changed(channel, verdict, outcome)

    def _wake(self, channels: Collection[str]) -> None:
        self._senders.wake(channels)

    def _delivered(self, outcome: DeliveryOutcome) -> None:
        for reporter in self._reporters:
            reporter.delivered(outcome)

    def _clock_shifted(self, shift: timedelta) -> None:
        self._clock_set.set()
        for reporter in self._reporters:
            reporter.clock_shifted(shift)


class _Collector(Reporter):
    """A reporter that keeps what was done."""

    def __init__(self, looks: list[LookOutcome], attempts: list[DeliveryOutcome]) -> None:
        self._looks = looks
        self._attempts = attempts

    def looked(self, outcome: LookOutcome) -> None:
        """Keep it."""
        self._looks.append(outcome)

    def delivered(self, outcome: DeliveryOutcome) -> None:
        """Keep it."""
        self._attempts.append(outcome)


def _monotonic() -> float:
    """Seconds by the clock of the loop, by which everything else waits too."""
    return asyncio.get_running_loop().time()


def _log_template_failed(channel: str, event_id: str, reason: str) -> None:
    log.warning("template.failed", channel=channel, event_id=event_id, reason=reason)


def _log_dropped(channel: str, reason: str, number: int) -> None:
    log.info("delivery.dropped", channel=channel, reason=reason, count=number)


def _client(config: Config, limiter: Limiter, learned: Callable[[str], None]) -> Client:
    api = config.api
    return Client(
        base_url=api.base_url,
        token=_token(api, learned),
        timeout=api.timeout,
        limiter=limiter,
        max_connections=most_in_flight(api.requests_per_second),
    )


def _token(api: Api, learned: Callable[[str], None]) -> TokenSource:
    return StaticToken(api.token) if api.token is not None else FileToken(lambda: read_token(api), learned)


def _gap(config: Config) -> timedelta:
    return timedelta(seconds=1 / config.api.requests_per_second)


def _policies(config: Config) -> dict[str, ChannelPolicy]:
    return {channel.name: channel.policy for channel in config.channels.values()}


def _deaf(config: Config) -> list[str]:
    """The channels that take events only, and no notices."""
    return [channel.name for channel in config.channels.values() if channel.webhook is not None]


def _token_source(api: Api) -> str:
    return "`api: token`" if api.token is not None else f"the file {api.token_file}"


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


async def run_until_signalled(daemon: Daemon) -> None:
    """Run the daemon until SIGTERM or SIGINT; SIGHUP has it read its configuration again."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, daemon.reload)
    await daemon.run(stop)

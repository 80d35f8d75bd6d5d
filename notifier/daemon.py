"""The composition root: builds every part from a configuration, runs them, stops them. The only place that sees all."""

import asyncio
import random
import signal
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from notifier.brightdata.breaker import WINDOW
from notifier.brightdata.client import Client
from notifier.brightdata.limiter import Limiter, most_in_flight
from notifier.brightdata.tokens import FileToken, StaticToken
from notifier.caretaker import Caretaker
from notifier.config.model import Api, Config
from notifier.config.secrets import read_token
from notifier.control import listening
from notifier.core.apihealth import ApiKind, ApiNews
from notifier.core.health import Verdict
from notifier.core.model import Outcome, OutcomeKind, Unclear, Watch
from notifier.core.words import count
from notifier.deliver import Deliverer, DeliveryOutcome
from notifier.operators import API, Operators
from notifier.poll import LookOutcome, Poller
from notifier.report import Reporter
from notifier.schedule import Schedule
from notifier.speak import Signed, voice_of
from notifier.store.store import Store
from notifier.telemetry.redaction import Redactor
from notifier.telemetry.systemd import notify

FLUSH_LOOKS_EVERY = timedelta(seconds=2)
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
    ) -> None:
        """
        Args:
            config: what to watch and whom to tell.
            reporters: told of everything that happens.
            redactor: takes secrets out of text; the configuration's are added to it.
            clock: the time, UTC.
            dice: numbers in [0, 1), to spread retries.
        """
        redactor.add(config.secrets)
        self._config = config
        self._reporters = tuple(reporters)
        self._clock = clock
        self._store = Store(config.database)
        self._news: asyncio.Queue[ApiNews | datetime] = asyncio.Queue()
        self._limiter = Limiter(
            requests_per_second=config.api.requests_per_second,
            clock=time.monotonic,
            wall=clock,
            refused=self._news.put_nowait,
            changed=self._api_changed,
        )
        self._client = _client(config, self._limiter, lambda token: redactor.add([token]))
        self._poller = Poller(observer=self._client, store=self._store, clock=clock, committed=self._wake)
        self._schedule = Schedule(look=self._look, clock=clock, clock_shifted=self._clock_shifted)
        self._operators = Operators(
            channels=config.operators,
            outbox=self._store.outbox,
            clock=clock,
            committed=self._wake,
            token_source=_token_source(config.api),
        )
        self._clock_set = asyncio.Event()
        self._verdicts: asyncio.Queue[tuple[str, Verdict, Outcome]] = asyncio.Queue()
        self._caretaker = Caretaker(
            store=self._store,
            clock=clock,
            policies={channel.name: channel.policy for channel in config.channels.values()},
            keep=config.keep,
            watched=lambda: {watch.snapshot_id for watch in config.watches},
            committed=self._wake,
            audited=self._operators.audited,
            died=self._operators.died,
        )
        self._voices = {
            channel.name: voice_of(channel, redact=redactor, clock=clock, template_failed=_log_template_failed)
            for channel in config.channels.values()
        }
        self._deliverers = {
            channel.name: Deliverer(
                channel=self._voices[channel.name],
                policy=channel.policy,
                outbox=self._store.outbox,
                clock=clock,
                dice=dice,
                report=self._delivered,
                dropped=_log_dropped,
                verdict=lambda *news: self._verdicts.put_nowait(news),
            )
            for channel in config.channels.values()
        }

    async def run(self, stop: asyncio.Event, ready: Callable[[], None] = lambda: None) -> None:
        """Watch and deliver until `stop` is set, then end within 5 s.

        Args:
            stop: set it to end the daemon in order.
            ready: called once everything runs.

        Raises:
            StoreError: the database cannot be used.
            Exception: whatever ended one of the daemon's tasks; nothing goes on without it.
        """
        async with self._opened(), listening(self._config.database, self._store, self._wake):
            watches = self._schedule_watches()
            with _first_failure():
                async with asyncio.TaskGroup() as tasks:
                    background = [
                        tasks.create_task(each)
                        for each in (
                            self._schedule.run(),
                            self._flush_looks(),
                            self._tell_operators(),
                            self._take_news(),
                            self._follow_clock(),
                            self._caretaker.run(),
                        )
                    ]
                    sending = [tasks.create_task(each.run()) for each in self._deliverers.values()]
                    log.info("daemon.started", watches=watches, channels=len(sending), config=str(self._config.path))
                    notify("READY=1", f"STATUS={count(watches, 'watch', 'watches')}, {count(len(sending), 'channel')}")
                    ready()
                    await stop.wait()
                    log.info("daemon.stopping")
                    notify("STOPPING=1")
                    await self._stop(background, sending)
        log.info("daemon.stopped")

    async def once(self) -> OnceOutcome:
        """Look at every watch that has not ended once, deliver what is due, and say how it went."""
        attempts: list[DeliveryOutcome] = []
        self._reporters = (*self._reporters, _Collector(attempts))
        async with self._opened():
            watches = [watch for watch in self._config.watches if self._poller.pause(watch) is not None]
            now = self._clock()
            with _first_failure():
                async with asyncio.TaskGroup() as tasks:
                    looking = [tasks.create_task(self._observe(watch, now)) for watch in watches]
                looks = [task.result() for task in looking]
                await self._deliver_all()
                # What follows from it: fallbacks, notices to the operators, and their deliveries.
                await self._caretaker.go_round()
                while not self._verdicts.empty():
                    await self._tell_operator(*self._verdicts.get_nowait())
                while not self._news.empty():
                    await self._take(self._news.get_nowait())
                await self._deliver_all()
        delivered = sum(each.outcome.kind is OutcomeKind.DELIVERED for each in attempts)
        return OnceOutcome(
            looks=len(looks),
            unclear=sum(isinstance(look.observation, Unclear) for look in looks),
            transitions=sum(len(look.told) for look in looks),
            delivered=delivered,
            undelivered=len(attempts) - delivered,
        )

    async def _deliver_all(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for deliverer in self._deliverers.values():
                tasks.create_task(deliverer.deliver_all())

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[None]:
        async with self._store, self._client:
            await self._poller.load()
            await self._take_up()
            await self._remember_api()
            try:
                yield
            finally:
                await self._poller.flush_looks()
                while not self._news.empty():
                    await self._take(self._news.get_nowait())
                for voice in self._voices.values():
                    if isinstance(voice, Signed):
                        await voice.aclose()

    async def _take_up(self) -> None:
        """Go on where the last daemon ended, however it did."""
        outbox = self._store.outbox
        held = [name for name, deliverer in self._deliverers.items() if deliverer.holds_uncertain]
        if recovered := await outbox.recover(self._clock(), held):
            log.warning("delivery.recovered", count=recovered)
        await self._call_back()
        for channel, number in (await outbox.open_deliveries()).items():
            if channel not in self._deliverers:
                log.warning("channel.not_configured", channel=channel, waiting=number)
        for subject, kind in (await outbox.last_kinds()).items():
            channel = subject.removeprefix("channel:")
            if kind == Verdict.BROKEN and channel in self._deliverers:
                self._deliverers[channel].assume_broken()

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

    def _schedule_watches(self) -> int:
        """Schedule every watch that has not ended: the first looks follow each other as fast as the limiter allows."""
        now = self._clock()
        gap = timedelta(seconds=1 / self._config.api.requests_per_second)
        scheduled = 0
        for watch in self._config.watches:
            pause = self._poller.pause(watch)
            if pause is not None:
                self._schedule.add(watch, pause=pause, first=now + min(gap * scheduled, pause))
                scheduled += 1
        return scheduled

    async def _stop(self, background: Iterable[asyncio.Task[None]], sending: Collection[asyncio.Task[None]]) -> None:
        for task in background:
            task.cancel()
        for deliverer in self._deliverers.values():
            deliverer.stop()
        draining = asyncio.create_task(self._schedule.drain(LOOKS_GRACE))
        if sending:
            await asyncio.wait(sending, timeout=SENDS_GRACE.total_seconds())
        for task in sending:
            task.cancel()
        await draining

    async def _look(self, watch: Watch, due: datetime) -> timedelta | None:
        return (await self._observe(watch, due)).pause

    async def _observe(self, watch: Watch, due: datetime) -> LookOutcome:
        outcome = await self._poller.look(watch, due)
        for reporter in self._reporters:
            reporter.looked(outcome)
        return outcome

    async def _flush_looks(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_LOOKS_EVERY.total_seconds())
            await self._poller.flush_looks()

    async def _follow_clock(self) -> None:
        """After the clock was set, call back what it has put out of reach."""
        while True:
            await self._clock_set.wait()
            self._clock_set.clear()
            await self._call_back()
            for deliverer in self._deliverers.values():
                deliverer.reconsider()

    async def _call_back(self) -> None:
        if moved := await self._store.outbox.clock_was_set(self._clock()):
            log.warning("delivery.called_back", count=moved)
            self._wake(self._deliverers)

    async def _tell_operators(self) -> None:
        while True:
            await self._tell_operator(*await self._verdicts.get())

    async def _take_news(self) -> None:
        while True:
            await self._take(await self._news.get())

    async def _take(self, news: ApiNews | datetime) -> None:
        if isinstance(news, datetime):
            await self._store.note_refusal(news)
        else:
            await self._operators.api_changed(news)

    def _api_changed(self, news: ApiNews) -> None:
        for reporter in self._reporters:
            reporter.api_changed(news)
        self._news.put_nowait(news)

    async def _tell_operator(self, channel: str, verdict: Verdict, outcome: Outcome) -> None:
        if verdict is Verdict.BROKEN:
            log.error("channel.broken", channel=channel, reason=outcome.reason, detail=outcome.detail)
        else:
            log.info("channel.healed", channel=channel)
        await self._operators.channel_changed(channel, verdict, outcome)

    def _wake(self, channels: Collection[str]) -> None:
        for channel in channels:
            if channel in self._deliverers:  # else it is no longer configured, and what it has waits
                self._deliverers[channel].wake()

    def _delivered(self, outcome: DeliveryOutcome) -> None:
        for reporter in self._reporters:
            reporter.delivered(outcome)

    def _clock_shifted(self, shift: timedelta) -> None:
        self._clock_set.set()
        for reporter in self._reporters:
            reporter.clock_shifted(shift)


class _Collector:
    """A reporter that keeps the attempts."""

    def __init__(self, attempts: list[DeliveryOutcome]) -> None:
        self._attempts = attempts

    def looked(self, outcome: LookOutcome) -> None:
        """Not kept."""

    def delivered(self, outcome: DeliveryOutcome) -> None:
        """Keep it."""
        self._attempts.append(outcome)

    def api_changed(self, news: ApiNews) -> None:
        """Not kept."""

    def clock_shifted(self, shift: timedelta) -> None:
        """Not kept."""


def _log_template_failed(channel: str, event_id: str, reason: str) -> None:
    log.warning("template.failed", channel=channel, event_id=event_id, reason=reason)


def _log_dropped(channel: str, reason: str, number: int) -> None:
    log.info("delivery.dropped", channel=channel, reason=reason, count=number)


def _client(config: Config, limiter: Limiter, learned: Callable[[str], None]) -> Client:
    api = config.api
    return Client(
        base_url=api.base_url,
        token=StaticToken(api.token) if api.token is not None else FileToken(lambda: read_token(api), learned),
        timeout=api.timeout,
        limiter=limiter,
        max_connections=most_in_flight(api.requests_per_second),
    )


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
    """Run the daemon until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    # Who is used to reloading a daemon by it must not kill this one, which cannot reload yet.
    loop.add_signal_handler(signal.SIGHUP, lambda: log.warning("reload.not_supported", cure="restart it"))
    await daemon.run(stop)

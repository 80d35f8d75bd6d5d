"""The real poll manager with its scheduler, poller and store, on a moving clock, against a scripted account."""

import asyncio
import shutil
import sqlite3
import tempfile
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from contextlib import asynccontextmanager, closing
from datetime import datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

from notifier.app.components import POLLS
from notifier.app.job_runner import JobRunner
from notifier.brightdata.limits.limiter import Limiter
from notifier.core.delivery.model import Event
from notifier.core.isolation import Faults
from notifier.core.outcomes import HintOutcome, ListOutcome, PollOutcome
from notifier.core.snapshot.model import AdoptingWatch, DatasetWatch, Watch
from notifier.core.snapshot.rotation import TrustNews
from notifier.core.work_units import UnitFault
from notifier.polling.dataset_group import DatasetGroup
from notifier.polling.manager import PollManager
from notifier.polling.poller import Poller
from notifier.polling.scheduler import PollScheduler
from notifier.store.reader import Reader
from notifier.store.store import Store
from support import jobs
from support.fake_account import FakeAccount
from support.fakes import START, watch
from support.moving_clock import MovingClock, run

MEMORY = Path("/dev/shm")
ENDS = ("ready", "failed", "canceled", "stalled", "missing", "again")


@cache
def _empty() -> bytes:
    """Return a new database; making one takes longer than most tests."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "notifier.db"

        async def make() -> None:
            async with Store(path):
                pass

        asyncio.run(make())
        return path.read_bytes()


class PollingWorld:
    """One notifier, run by run, with its database; events are read from there."""

    def __init__(self, clock: MovingClock, account: FakeAccount, path: Path) -> None:
        self.clock = clock
        self.account = account
        self.path = path
        self.watches: Collection[Watch] = ()
        self.datasets: Collection[DatasetWatch] = ()
        self.adopting = AdoptingWatch(every=timedelta(seconds=30), notify=("chat",), on=ENDS)
        self.lists = True
        self.rate = 10.0
        self.keep = timedelta(days=90)
        self.polled: list[PollOutcome] = []
        self.listed: list[ListOutcome] = []
        self.hints: list[HintOutcome] = []
        self.trust: list[TrustNews] = []
        self.faults: list[UnitFault] = []
        self.isolated = False  # or what a poll raises ends the test
        self.turns = Counter[str]()
        self._events: list[Event] | None = None
        self.manager: PollManager
        self.poller: Poller
        self.store: Store

    @property
    def schedule(self) -> PollScheduler:
        """The scheduler of the present run."""
        return self.manager.schedule

    @asynccontextmanager
    async def running(self, *, killed: bool = False) -> AsyncIterator[None]:
        """One run of the notifier; a killed one stores no more polls at its end."""
        store = Store(self.path)
        self.clock.busy = partial(getattr, store._database, "busy")
        async with store as self.store:
            self.poller = Poller(
                observer=self.account, store=self.store, clock=self.clock.now, committed=lambda _: None
            )
            runner = JobRunner()
            limiter = Limiter(requests_per_second=self.rate, clock=self.clock.monotonic)
            self.manager = PollManager(
                api=self.account,
                store=self.store,
                poller=self.poller,
                clock=self.clock.now,
                keep=self.keep,
                gap=timedelta(seconds=1 / self.rate),
                lists=self.lists,
                scheduler=partial(
                    PollScheduler,
                    admit=limiter.admit,
                    clock=self.clock.now,
                    clock_shifted=lambda _: None,
                    wake_by=partial(runner.wake_by, POLLS),
                    gap=lambda: timedelta(seconds=1 / self.rate),
                ),
                polled=self.polled.append,
                hinted=self.hints.append,
                listed=self.listed.append,
                trust_changed=self.trust.append,
                faults=Faults(self.faults.append) if self.isolated else None,
            )
            self._count_turns()
            await self.manager.load(self.watches, self.datasets, self.adopting)
            self.manager.begin()
            try:
                async with (
                    jobs.in_background(self.schedule.run()),
                    jobs.in_background(self.manager.hints.run()),
                    jobs.running(runner, jobs.polls(self.schedule)),
                ):
                    yield
            finally:
                await self.schedule.drain(timedelta(0))
                if not killed:
                    await self.manager.flush()
        self.clock.busy = lambda: False

    def _count_turns(self) -> None:
        strategy = self.manager._strategy
        take = strategy._take_turn

        def counted(group: DatasetGroup) -> str | None:
            if (id_ := take(group)) is not None:
                self.turns[id_] += 1
            return id_

        strategy._take_turn = counted  # type: ignore[method-assign]

    def needed_polls(self) -> Counter[str]:
        """Return how often each snapshot was polled individually, without its turns in the rotation."""
        return +(self.account.polls - self.turns)

    def forget_polls(self) -> None:
        """Count polls and turns from now on."""
        self.account.polls.clear()
        self.turns.clear()

    async def run_for(self, *, killed: bool = False, **duration: float) -> None:
        """Run the notifier for a duration: `run_for(minutes=5)`."""
        async with self.running(killed=killed):
            await asyncio.sleep(timedelta(**duration).total_seconds())

    async def clock_passes(self, duration: timedelta) -> None:
        """Let time pass in a run."""
        await asyncio.sleep(duration.total_seconds())

    def sql(self, statement: str) -> None:
        """Change the database between two runs."""
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(statement)

    def events(self) -> list[Event]:
        """Return all committed events, the oldest first."""
        if self._events is not None:
            return self._events
        return list(Reader(self.path).history(START - timedelta(days=400)))

    def close(self) -> None:
        """Read the events before the database is deleted."""
        self._events = self.events()

    def statuses(self) -> dict[str, list[str]]:
        """Return the committed statuses of each snapshot, in their order."""
        found = defaultdict[str, list[str]](list)
        for event in sorted(self.events(), key=lambda each: each.transition.revision):
            found[event.transition.snapshot_id].append(event.transition.status)
        return dict(found)


def run_scenario(
    scenario: Callable[[PollingWorld, FakeAccount], Coroutine[Any, Any, None]], **account: Any
) -> PollingWorld:
    """Run a scenario on a virtual clock, with a fake account and a real database."""
    folder = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None, prefix="notifier-polling-"))

    async def test(clock: MovingClock) -> PollingWorld:
        fake = FakeAccount(**account)
        world = PollingWorld(clock, fake, folder / "notifier.db")
        await scenario(world, fake)
        world.close()
        return world

    try:
        (folder / "notifier.db").write_bytes(_empty())
        return run(test)
    finally:
        shutil.rmtree(folder)


def watches(account: FakeAccount, *, on: tuple[str, ...] = ENDS, **changes: Any) -> list[Watch]:
    """Watch each snapshot of the account."""
    return [watch(snapshot_id, on=on, **changes) for snapshot_id in account.lives]


def whole(dataset: str = "gd_1", **changes: Any) -> DatasetWatch:
    """Watch a dataset."""
    given: dict[str, Any] = {
        "id": "profiles",
        "dataset_id": dataset,
        "name": "Profiles",
        "every": timedelta(seconds=30),
        "notify": ("chat",),
        "on": ENDS,
    }
    return DatasetWatch(**{**given, **changes})


def running(
    account: FakeAccount, number: int, *, dataset: str = "gd_1", begun: datetime = START - timedelta(hours=1)
) -> list[str]:
    """Add so many snapshots that never end, and return their ids."""
    ids = [f"{dataset}_{each:04}" for each in range(number)]
    for snapshot_id in ids:
        account.add(snapshot_id, dataset, begun, (0, "running"))
    return ids

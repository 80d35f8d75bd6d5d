"""Every unit fails alone: an exception inside it costs that one thing, is counted and told once, and is tried again.

The daemon is the real one, in this process; the units are those of the enum, so that a new one without a case fails.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from support.ports import free_port
from support.waiting import until

from acceptance.bright_data import BrightData
from acceptance.harness import Notifier
from acceptance.in_process import running
from acceptance.receivers import Receiver
from notifier.app import background_queue, jobs
from notifier.app.background_queue import BackgroundQueue
from notifier.app.daemon import Daemon
from notifier.app.observability import HEARTBEAT
from notifier.brightdata.simulator import life as lives
from notifier.config.model import HeartbeatSettings
from notifier.control.client import ask
from notifier.control.protocol import Health, Mute
from notifier.core import work_units
from notifier.core.delivery import retry_pauses
from notifier.core.errors import NotifierError
from notifier.core.work_units import Unit
from notifier.delivery.notice_texts import Heading
from notifier.failpoints import arm_fault, disarm_faults

POISON, GOOD, NEAR = "s_poison", "s_good", "s_near"


@dataclass(kw_only=True)
class World:
    """A daemon with a watched dataset (`s_good`, `s_poison`) and a watch of `s_near`; `team` is told of their ends."""

    api: BrightData
    team: Receiver
    ops: Receiver
    notifier: Notifier
    running: Daemon
    page: str

    @property
    def units_failing(self) -> set[Unit]:
        """Those of which one has raised and not run well since."""
        return {unit for unit, _ in self.running._components.faults._failures}

    def counted(self, unit: Unit) -> float:
        """What the metric says."""
        registry = self.running._observability._metrics._registry
        return registry.get_sample_value("notifier_internal_errors_total", {"unit": unit.value}) or 0.0

    def told_of(self, snapshot_id: str) -> int:
        """In how many messages the team was told of a snapshot."""
        return sum(snapshot_id in each.message + each.title for each in self.team.received.entries)


async def nothing(world: World) -> None:
    """The daemon comes to it by itself."""


async def ask_for_the_page(world: World) -> None:
    """Twice, and for another one."""
    await until(lambda: world.running._observability._server._listener is not None)
    async with aiohttp.ClientSession() as session:
        for path, status in (("metrics", 500), ("metrics", 500), ("healthz", 200)):
            async with session.get(f"{world.page}/{path}") as response:
                assert response.status == status
                assert "Traceback" not in await response.text()


async def ask_for_a_mute(world: World) -> None:
    """Twice, and for something else."""
    for _ in range(2):
        with pytest.raises(NotifierError, match="its log says more"):
            await ask(world.notifier.database, Mute(watch="x"))
    assert "troubles" in await ask(world.notifier.database, Health())


async def have_work_done(world: World) -> None:
    """In the background, with other work behind it."""
    done = asyncio.Event()

    async def poison() -> None:
        """Nothing."""

    async def neighbour() -> None:
        done.set()

    world.running._components.background.later(poison)
    world.running._components.background.later(neighbour)
    await done.wait()


async def tell_operators(world: World) -> None:
    """Of an unknown word."""
    world.running._components.background.notice(world.running._components.operators.unknown_word, "pondering", NEAR)


async def edit(world: World) -> None:
    """The YAML, rightly; it is taken up once the fault is over."""
    world.notifier.config.write_text(world.notifier.config.read_text() + "\n")


async def set_the_clock(world: World) -> None:
    """As the schedule tells it."""
    world.running._components.clock_set.set()


@dataclass(frozen=True, kw_only=True)
class Case:
    """How a unit comes to run, for which subject it raises, and how often at least it is to be seen raising."""

    subject: str = ""
    provoke: Callable[[World], Awaitable[None]] = nothing
    times: int = 2
    dataset: dict[str, object] = field(default_factory=dict)


CASES = {
    Unit.POLL: Case(subject=POISON),
    Unit.LIST: Case(),
    Unit.ENTRY: Case(subject=POISON, times=1),
    Unit.DELIVERY: Case(subject=POISON),
    Unit.DOWNLOAD: Case(subject=POISON, dataset={"download": "results"}),
    Unit.PAGE: Case(subject="/metrics", provoke=ask_for_the_page),
    Unit.COMMAND: Case(subject="mute", provoke=ask_for_a_mute),
    Unit.BACKGROUND: Case(subject="have_work_done.<locals>.poison", provoke=have_work_done),
    Unit.NOTICE: Case(subject="OperatorNotices.unknown_word", provoke=tell_operators),
    Unit.RELOAD: Case(provoke=edit),
    Unit.REPORT: Case(subject="Metrics"),
    Unit.FLUSH: Case(),
    Unit.EXPIRY: Case(),
    Unit.HEARTBEAT: Case(),
    Unit.FALLBACK: Case(),
    Unit.AUDIT: Case(),
    Unit.RETENTION: Case(),
    Unit.CLOCK: Case(provoke=set_the_clock),
    Unit.WATCHDOG: Case(),
    Unit.PROBE: Case(),
    Unit.EXHAUSTION: Case(),
}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every round comes often, and what raised is tried again soon."""
    soon = timedelta(milliseconds=100)
    monkeypatch.setattr(work_units, "FIRST_PAUSE", timedelta(milliseconds=40))
    monkeypatch.setattr(work_units, "LONGEST_PAUSE", soon)
    monkeypatch.setattr(background_queue, "MOST_TRIES", 10_000)
    monkeypatch.setattr(retry_pauses, "FIRST_RETRY", timedelta(milliseconds=40))
    monkeypatch.setattr(retry_pauses, "LONGEST_RETRY", soon)
    for name in (
        "FALLBACKS_EVERY", "AUDIT_EVERY", "RETENTION_EVERY", "FLUSH_EVERY", "EXPIRY_EVERY", "PROBE_EVERY",
        "EXHAUSTION_EVERY",
    ):  # fmt: skip
        monkeypatch.setattr(jobs, name, soon)
    yield
    disarm_faults()


@pytest.fixture
def service_manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Somebody who takes what the watchdog tells."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "600000")
        yield


@pytest.fixture
async def world(
    request: pytest.FixtureRequest,
    api: BrightData,
    team: Receiver,
    ops: Receiver,
    notifier: Notifier,
    service_manager: None,
) -> AsyncIterator[World]:
    """The daemon, when it knows all three snapshots as running. What it is to do beyond that is the unit's case."""
    for snapshot_id, dataset_id in ((POISON, "gd_1"), (GOOD, "gd_1"), (NEAR, "gd_2")):
        api.add(snapshot_id, lives.of("running", "ready", seconds=60, records=3), dataset_id=dataset_id)
    page = f"127.0.0.1:{free_port()}"
    (notifier.folder / "results").mkdir()
    notifier.configure(
        api=api.url,
        channels={"team": {"url": team.url, "pace": "1000/s"}, "ops": {"url": ops.url, "pace": "1000/s"}},
        watches=[NEAR, {"dataset": "gd_1", "name": "All", **CASES[request.param].dataset}],
        defaults={"notify": ["team"], "on": ["ready"]},
        operators=["ops"],
        http=page,
        heartbeat={"url": "http://127.0.0.1:1/", "every": "10s"},
    )
    async with running(notifier) as (made, task):
        world = World(api=api, team=team, ops=ops, notifier=notifier, running=made, page=f"http://{page}")
        made._observability.heartbeat.configure(_often(made))
        made._components.jobs.wake(HEARTBEAT)
        await until(lambda: all(each in made._components.polling.states for each in (POISON, GOOD, NEAR)))
        yield world
        assert not task.done()


def _often(made: Daemon) -> HeartbeatSettings:
    wanted = made._components.config.heartbeat
    assert wanted is not None
    return replace(wanted, every=timedelta(milliseconds=50))


@pytest.mark.parametrize(("world", "unit"), [(unit, unit) for unit in Unit], indirect=["world"], ids=list(Unit))
async def test_a_unit_that_raises_costs_only_itself(world: World, unit: Unit) -> None:
    """It is counted, tried again, and told once; neighbours are told at once; all is well when the fault is over."""
    case = CASES[unit]
    arm_fault(unit, case.subject)
    world.api.advance(60)
    await case.provoke(world)
    await until(lambda: world.counted(unit) >= case.times)
    await until(lambda: world.told_of(NEAR) == world.told_of(GOOD) == 1)
    await until(lambda: notices(world, unit) == 1)

    disarm_faults()
    await until(lambda: world.told_of(POISON) == 1 and unit not in world.units_failing - {Unit.COMMAND})
    counted = world.counted(unit)
    if case.provoke is edit:
        await until(lambda: world.running._reloads.last is not None and not world.running._reloads.last.refused)
    assert notices(world, unit) == 1
    assert world.counted(unit) == counted
    assert [world.told_of(each) for each in (POISON, GOOD, NEAR)] == [1, 1, 1]


async def test_a_part_of_the_daemon_that_ends_by_itself_ends_the_daemon_loudly(
    api: BrightData, team: Receiver, notifier: Notifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is no unit: without it the daemon would be another one, and nobody know."""

    async def ends(self: BackgroundQueue) -> None:
        """Nothing more is done."""

    monkeypatch.setattr(BackgroundQueue, "run", ends)
    notifier.configure(api=api.url, channels={"team": {"url": team.url}}, watches=[NEAR])
    with pytest.raises(RuntimeError, match="has ended by itself"):
        async with running(notifier) as (_, task):
            await asyncio.wait({task}, timeout=60)


def notices(world: World, unit: Unit) -> int:
    """How many notices of the unit's internal error the operators have had."""
    title = Heading.INTERNAL_ERROR.format(unit=unit.words, error="InjectedFault")
    return sum(title in each.title + each.message for each in world.ops.received.entries)

"""Kills by the hundred: daemons that die at a failpoint or at any instant, and what must be true whenever they do.

A *case* is one installation in which several daemons follow each other. Each but the last is killed (or, when it never
comes to its failpoint, ends by itself); the last one does what is left to do. The database is held against the rules
after every death, and against what the far sides got at the end.
"""

import asyncio
import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from acceptance import killable_daemon
from acceptance.bright_data import BrightData
from acceptance.harness import DEADLINE, NEVER_SHOWN, TOKEN, Notifier
from acceptance.killable_daemon import DONE, Request
from acceptance.receivers import Answer, Receiver, receiver
from notifier.brightdata.simulator import life as lives
from notifier.failpoints import NAMES

SIGKILLED = -9
SECRET = "whsec_bm90IGEgc2VjcmV0LCBidXQgMjQgYnl0ZXM="
BUSY = Answer(status=503, body="busy")
BETWEEN = frozenset({"deliver.after_send", "outbox.half_settled"})
"""The failpoints between a send and the record of it."""

_ORPHANS = """
select count(*) from deliveries
    left join events on events.id = deliveries.event_id left join notices on notices.id = deliveries.notice_id
    where events.id is null and notices.id is null
"""
_UNTOLD = """
select count(*) from events
    where json_array_length(channels) > (select count(*) from deliveries where event_id = events.id)
"""
_DELIVERIES = """
select coalesce(event_id, notice_id), channel, state, reason,
    (select count(*) from attempts where delivery_id = deliveries.id and reason = 'interrupted') from deliveries
"""


class Lender:
    """The running victim program."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def run(self, request: Request) -> int:
        """Have a daemon live and die; its exit status, negative for a signal."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asdict(request)).encode() + b"\n")
        return int(await self._line())

    async def _line(self) -> str:
        assert self._process.stdout is not None
        async with asyncio.timeout(DEADLINE):
            return (await self._process.stdout.readline()).decode().strip()

    @classmethod
    @asynccontextmanager
    async def lending(cls) -> AsyncIterator["Lender"]:
        """The program runs as long as the block lasts."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", killable_daemon.__name__),
            cwd=Path(__file__).parents[1],
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        lender = cls(process)
        try:
            assert await lender._line() == "ready"
            yield lender
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # with the victim it may have, when a case went wrong
            await process.wait()


@dataclass(kw_only=True)
class World:
    """What surrounds the daemons of one case."""

    api: BrightData
    far_sides: Mapping[str, Receiver]
    notifier: Notifier
    snapshots: list[str] = field(default_factory=list)


_USUAL = Request(folder="")


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A way on which daemons are killed.

    `points` lie on it. `prepare` makes the world, `before_each` what happens to it before each daemon that is to be
    killed, and `before_last` before the last. `request` says how the daemons work, each `ahead_s` further ahead than
    the one before. `alone` means one channel: its kills are the only ones beside a send. `first_lives` lets the first
    daemon end its work. After the first death of a case only the points of `later` can be come to again, if it names
    any. Where `all_at_once`, a daemon that ended by itself has left nothing to do but for the last one.
    """

    name: str
    points: tuple[str, ...]
    far_sides: tuple[str, ...]
    prepare: Callable[[World], None]
    before_each: Callable[[World], None] = lambda world: None
    before_last: Callable[[World], None] = lambda world: None
    request: Request = _USUAL
    ahead_s: float = 3_600
    alone: bool = False
    first_lives: bool = False
    most_countdown: int = 3
    later: tuple[str, ...] = ()
    all_at_once: bool = False


ON_THE_WAY = (
    "poll.before_commit",
    "store.event_written",
    "poll.after_commit",
    "deliver.after_claim",
    "deliver.before_send",
    "deliver.after_send",
    "outbox.half_settled",
    "deliver.after_settle",
    "outbox.recovering",
)


def _one(world: World) -> None:
    _add(world, {"s_1": lives.complete(seconds=0)})
    _configure(world)


def _stream(world: World) -> None:
    _add(world, {f"s_{k}": lives.of("starting", "running", "ready", seconds=50 + 20 * k) for k in range(3)})
    _configure(world, on=["all"])


def _flood(world: World) -> None:
    _add(world, {f"s_{k}": lives.complete(seconds=0, records=k) for k in range(5)})
    hook = world.far_sides["hook"]
    _configure(world, hook={"webhook": hook.web_url, "secret": SECRET, "allow_private": True, "pace": "1000/s"})


def _late(world: World) -> None:
    _add(world, {"s_1": lives.complete(seconds=0), "s_2": lives.failed(seconds=30)})
    mail = {"url": world.far_sides["mail"].url, "fallback": "team", "fallback_after": "1s", "pace": "1000/s"}
    _configure(world, mail=mail, notify=["mail"])
    world.far_sides["mail"].usual = BUSY


def _told(world: World) -> None:
    _add(world, {"s_1": lives.complete(seconds=0), "s_2": lives.complete(seconds=10_000)})
    _configure(world, notify=["team"], operators=["ops"])
    world.far_sides["team"].usual = BUSY


def _old(world: World) -> None:
    _add(world, {f"s_{k}": lives.complete(seconds=0, records=k) for k in range(5)})
    _configure(world, keep="1d")


def _refuse(world: World) -> None:
    world.far_sides["team"].answer_only(BUSY, BUSY)


def _take(world: World) -> None:
    world.far_sides["team"].answer_only()


def _pass(seconds: float) -> Callable[[World], None]:
    return lambda world: world.api.advance(seconds)


def _heal(channel: str, seconds: float) -> Callable[[World], None]:
    def heal(world: World) -> None:
        world.far_sides[channel].usual = Answer()
        world.api.advance(seconds)

    return heal


SCENARIOS = (
    Scenario(
        name="one", points=ON_THE_WAY, far_sides=("team",), prepare=_one, alone=True, most_countdown=1, all_at_once=True
    ),
    Scenario(
        name="stream",
        points=ON_THE_WAY,
        far_sides=("team", "ops"),
        prepare=_stream,
        before_each=_pass(25),
        before_last=_pass(200),
        most_countdown=4,
    ),
    Scenario(
        name="once",
        points=ON_THE_WAY,
        far_sides=("team", "ops"),
        prepare=_stream,
        before_each=_pass(25),
        before_last=_pass(200),
        request=Request(folder="", once=True),
    ),
    Scenario(
        name="digest",
        points=(*ON_THE_WAY, "deliver.digest_claimed"),
        far_sides=("team", "hook"),
        prepare=_flood,
        all_at_once=True,
    ),
    Scenario(
        name="retry",
        points=(*ON_THE_WAY, "deliver.retry_settled"),
        far_sides=("team",),
        prepare=_one,
        before_each=_refuse,
        before_last=_take,
        request=Request(folder="", jump_s=30),
        alone=True,
        most_countdown=2,
        all_at_once=True,
    ),
    Scenario(
        name="fallback",
        points=("outbox.falling_back", "caretaker.after_fallback", "deliver.before_send", "deliver.after_send"),
        far_sides=("mail", "team"),
        prepare=_late,
        before_each=_pass(15),
        before_last=_heal("mail", 60),
        request=Request(folder="", jump_s=2),
        most_countdown=2,
    ),
    Scenario(
        name="notices",
        points=("outbox.notice_written", "operators.after_notice", "deliver.after_send", "outbox.half_settled"),
        later=("deliver.after_send", "outbox.half_settled"),  # a notice is written once
        far_sides=("team", "ops"),
        prepare=_told,
        before_last=_heal("team", 20_000),
        request=Request(folder="", jump_s=7_200, notices=1),
        ahead_s=28_800,
        most_countdown=1,
    ),
    Scenario(
        name="retention",
        points=("upkeep.half_forgotten", "upkeep.batch_forgotten", "caretaker.after_forgetting"),
        far_sides=("team",),
        prepare=_old,
        request=Request(folder="", forgets=True, batch=1, once=True),  # `run --once` makes its rounds to their end
        ahead_s=3 * 86_400,
        first_lives=True,
    ),
)
"""The ways on which daemons are killed."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """Daemons that follow each other: the failpoint and countdown of each, or the seconds of a random kill."""

    scenario: Scenario
    deaths: tuple[tuple[str, int] | float, ...]

    def __str__(self) -> str:
        told = (f"{death:.3f} s" if isinstance(death, float) else f"{death[0]}:{death[1]}" for death in self.deaths)
        return f"{self.scenario.name}: {', '.join(told)}"


def cases(seed: int, *, countdowns: int = 4, deaths: int = 4, at_random: int = 3) -> Iterator[Case]:
    """Every failpoint of every scenario with every countdown as the first death; further ones follow by the dice.

    Args:
        seed: of the dice.
        countdowns: up to which the first deaths go.
        deaths: how many daemons of a case are to die.
        at_random: how many cases of each scenario are killed at any instant.
    """
    dice = random.Random(seed)

    def further(scenario: Scenario) -> tuple[tuple[str, int], ...]:
        return tuple(
            (dice.choice(scenario.later or scenario.points), dice.randint(1, min(countdowns, scenario.most_countdown)))
            for _ in range(deaths - 1)
        )

    for scenario in SCENARIOS:
        for point in scenario.points:
            for countdown in range(1, min(countdowns, scenario.most_countdown) + 1):
                yield Case(scenario=scenario, deaths=((point, countdown), *further(scenario)))
        for _ in range(at_random):
            instants = tuple(dice.uniform(0.02, 0.15) for _ in range(deaths))
            yield Case(scenario=scenario, deaths=instants)


@dataclass(kw_only=True)
class Tally:
    """How many daemons were killed, at which failpoint (or `any instant`)."""

    cases: int = 0
    kills: Counter[str] = field(default_factory=Counter)

    @property
    def unreached(self) -> set[str]:
        """The failpoints at which nobody died."""
        return set(NAMES) - set(self.kills)


async def play(case: Case, lender: Lender, folder: Path, tally: Tally) -> None:
    """Play one case, and hold it against the rules.

    Raises:
        AssertionError: something was lost, or invented; the text begins with the case.
    """
    scenario = case.scenario
    async with _world(scenario, folder) as world:
        scenario.prepare(world)
        request = replace(scenario.request, folder=str(folder))
        ahead = 0.0
        if scenario.first_lives:
            await _end(case, lender, replace(request, forgets=False))
        between = 0
        for death in case.deaths:
            ahead += scenario.ahead_s
            scenario.before_each(world)
            if isinstance(death, float):
                dying = replace(request, ahead_s=ahead, seconds=death)
            else:
                dying = replace(request, ahead_s=ahead, failpoint=death[0], countdown=death[1])
            status = await lender.run(dying)
            assert status in (SIGKILLED, DONE), f"{case}: ended with {status}: {_log(folder)}"
            if status == SIGKILLED:
                tally.kills["any instant" if isinstance(death, float) else death[0]] += 1
                between += isinstance(death, float) or death[0] in BETWEEN
            _hold_to_rules(case, folder)
            if status == DONE and scenario.all_at_once:
                break
        scenario.before_last(world)
        await _end(case, lender, replace(request, ahead_s=ahead + scenario.ahead_s, once=False, notices=0, last=True))
        _hold_to_rules(case, folder)
        _hold_against_far_sides(case, world, between)
    log = (folder / "log").read_text("utf-8")
    for text in (*NEVER_SHOWN, TOKEN):
        assert text not in log, f"{case}: {text!r} was shown: {log}"
    tally.cases += 1


async def play_all(chosen: Iterator[Case], folder: Path, tally: Tally, told: Callable[[Tally], None]) -> None:
    """Play cases, two at a time; `told` after each."""

    async def work(number: int) -> None:
        async with Lender.lending() as lender:
            for serial, case in enumerate(chosen):
                await play(case, lender, folder / f"{number}-{serial}", tally)
                told(tally)

    async with asyncio.TaskGroup() as tasks:
        for number in range(2):
            tasks.create_task(work(number))


async def _end(case: Case, lender: Lender, request: Request) -> None:
    status = await lender.run(request)
    assert status == DONE, f"{case}: the first or last daemon ended with {status}: {_log(Path(request.folder))}"


@asynccontextmanager
async def _world(scenario: Scenario, folder: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        far_sides = {name: await stack.enter_async_context(receiver(name)) for name in scenario.far_sides}
        api = await stack.enter_async_context(BrightData())
        yield World(api=api, far_sides=far_sides, notifier=Notifier(folder))


def _add(world: World, snapshots: Mapping[str, lives.Life]) -> None:
    for snapshot, life in snapshots.items():
        world.api.add(snapshot, life)
        world.snapshots.append(snapshot)


def _configure(
    world: World,
    *,
    on: list[str] | None = None,
    notify: list[str] | None = None,
    operators: list[str] | None = None,
    keep: str = "90d",
    **channels: object,
) -> None:
    quick: dict[str, object] = {
        name: {"url": each.url, "pace": "1000/s"} for name, each in world.far_sides.items() if name not in channels
    }
    world.notifier.configure(
        api=world.api.url,
        channels=quick | channels,
        watches=world.snapshots,
        api_options={"requests_per_second": 500},
        defaults={"on": on or ["ready", "failed"], "notify": notify or list(world.far_sides)},
        operators=operators or [],
        keep=keep,
    )


@contextmanager
def _remains(folder: Path) -> Iterator[sqlite3.Connection]:
    """A copy of the database as the dead left it: SQLite's own recovery is left to the daemon that follows."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        for path in folder.glob("notifier.db*"):
            if path.name in ("notifier.db", "notifier.db-wal"):
                shutil.copy(path, scratch)
        with closing(sqlite3.connect(Path(scratch) / "notifier.db")) as connection:
            yield connection


def _hold_to_rules(case: Case, folder: Path) -> None:
    """What must be true at every instant."""
    with _remains(folder) as connection:
        if not connection.execute("select 1 from sqlite_master where name = 'attempts'").fetchone():
            return
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",), case
        assert not connection.execute("pragma foreign_key_check").fetchall(), case
        assert connection.execute(_ORPHANS).fetchone() == (0,), f"{case}: a delivery without its event"
        assert connection.execute(_UNTOLD).fetchone() == (0,), f"{case}: an event without its deliveries"


def _hold_against_far_sides(case: Case, world: World, between: int) -> None:
    """At the end: everything was told, to everybody, again only after an interruption; and nothing else."""
    folder = world.notifier.folder
    with _remains(folder) as connection:
        found = connection.execute(_DELIVERIES).fetchall()
        events = Counter(connection.execute("select snapshot_id, status from events").fetchall())
        ended = {row[0] for row in connection.execute("select snapshot_id from snapshots where status <> 'running'")}
    came = {(name, told): times for name, each in world.far_sides.items() for told, times in each.copies.items()}
    assert ended == set(world.snapshots), f"{case}: not all was seen: {ended}"
    assert not events or max(events.values()) == 1, f"{case}: told twice: {events}"
    for told, channel, state, reason, interrupted in found:
        times = came.get((channel, told), 0)
        if (state, reason) != ("dropped", "superseded"):
            assert state == "delivered", f"{case}: {told} to {channel} is {state} ({reason})"
            assert times >= 1, f"{case}: {told} was lost for {channel}"
        assert times <= 1 + interrupted, f"{case}: {told} came to {channel} {times} times: {_log(folder)}"
        if case.scenario.alone:
            assert times <= 1 + between, f"{case}: a second copy though nobody died between send and settle"
    if case.scenario.request.forgets:
        assert not found, f"{case}: not all that is old was forgotten"
        assert set(came.values()) == {1}, f"{case}: told again after it was forgotten"
        assert len(came) == len(world.snapshots), case
    else:
        assert came.keys() <= {(channel, told) for told, channel, *_ in found}, f"{case}: invented"


def _log(folder: Path) -> str:
    return (folder / "log").read_text("utf-8")[-6000:]

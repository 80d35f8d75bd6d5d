"""Kills daemons by the hundred, at a failpoint or at any instant, and checks the rules after each death.

A *case* is one installation in which several daemons follow each other. Each but the last is killed, or ends by itself
when it never comes to its failpoint; the last one does what is left to do. `kill_rules` holds the database against the
rules after every death, and what the receivers got at the end.
"""

import asyncio
import json
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from acceptance import killable_daemon
from acceptance.harness import DEADLINE, NEVER_SHOWN, TOKEN
from acceptance.kill_rules import check_database, check_receivers, end_of_log
from acceptance.kill_scenarios import SCENARIOS, Scenario, world_of
from acceptance.killable_daemon import DONE, Request
from notifier.failpoints import NAMES

SIGKILLED = -9
BETWEEN = frozenset({"deliver.after_send", "outbox.half_settled"})
"""The failpoints between a send and the record of it."""


class KillableDaemons:
    """The program that runs daemons to be killed."""

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
    async def running(cls) -> AsyncIterator["KillableDaemons"]:
        """The program runs as long as the block lasts."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", killable_daemon.__name__),
            cwd=Path(__file__).parents[1],
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        daemons = cls(process)
        try:
            assert await daemons._line() == "ready"
            yield daemons
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # with the daemon it may have, when a case went wrong
            await process.wait()


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


async def play(case: Case, daemons: KillableDaemons, folder: Path, tally: Tally) -> None:
    """Play one case, and hold it against the rules.

    Raises:
        AssertionError: something was lost, or invented; the text begins with the case.
    """
    scenario = case.scenario
    async with world_of(scenario, folder) as world:
        scenario.prepare(world)
        request = replace(scenario.request, folder=str(folder))
        ahead = 0.0
        if scenario.first_lives:
            await _end(case, daemons, replace(request, forgets=False))
        between = 0
        for death in case.deaths:
            ahead += scenario.ahead_s
            scenario.before_each(world)
            if isinstance(death, float):
                dying = replace(request, ahead_s=ahead, seconds=death)
            else:
                dying = replace(request, ahead_s=ahead, failpoint=death[0], countdown=death[1])
            status = await daemons.run(dying)
            assert status in (SIGKILLED, DONE), f"{case}: ended with {status}: {end_of_log(folder)}"
            if status == SIGKILLED:
                tally.kills["any instant" if isinstance(death, float) else death[0]] += 1
                between += isinstance(death, float) or death[0] in BETWEEN
            check_database(str(case), folder)
            if status == DONE and scenario.all_at_once:
                break
        scenario.before_last(world)
        await _end(case, daemons, replace(request, ahead_s=ahead + scenario.ahead_s, once=False, notices=0, last=True))
        check_database(str(case), folder)
        check_receivers(str(case), world, scenario, between)
    log = (folder / "log").read_text("utf-8")
    for text in (*NEVER_SHOWN, TOKEN):
        assert text not in log, f"{case}: {text!r} was shown: {log}"
    tally.cases += 1


async def play_all(chosen: Iterator[Case], folder: Path, tally: Tally, told: Callable[[Tally], None]) -> None:
    """Play cases, two at a time; `told` after each."""

    async def work(number: int) -> None:
        async with KillableDaemons.running() as daemons:
            for serial, case in enumerate(chosen):
                await play(case, daemons, folder / f"{number}-{serial}", tally)
                told(tally)

    async with asyncio.TaskGroup() as tasks:
        for number in range(2):
            tasks.create_task(work(number))


async def _end(case: Case, daemons: KillableDaemons, request: Request) -> None:
    status = await daemons.run(request)
    assert status == DONE, f"{case}: the first or last daemon ended with {status}: {end_of_log(Path(request.folder))}"

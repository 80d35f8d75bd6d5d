"""Killed at any instant, the notifier goes on where it was: nothing is lost, nothing is invented."""

import ast
import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import notifier as package
from acceptance.bright_data import BrightData
from acceptance.harness import Notifier
from acceptance.receivers import Receiver, receiver
from notifier import failpoints
from notifier.brightdata.simulator import life as lives

SIGKILLED = -9

POINTS = (
    "poll.before_commit",
    "poll.after_commit",
    "deliver.before_send",
    "deliver.after_send",
    "deliver.after_settle",
)
"""Those at which the real command is killed; `test_crash_enumeration` has all of them."""

BEFORE_ANY_SEND = POINTS[:1]

SEEDS = (20261123, 4)
KILLS = 5
WORKING_SECONDS = 0.6
"""About as long as a daemon needs for what there is to do after each start."""


def test_the_failpoints_enumerated_here_are_all_there_are() -> None:
    """Every `failpoint()` call in the source names a point of NAMES, and every name has its call."""
    root = Path(package.__file__).parent
    called = [
        call.args[0]
        for path in root.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "failpoint"
    ]
    names = [argument.value for argument in called if isinstance(argument, ast.Constant)]
    assert len(names) == len(called), "a failpoint's name must be written out"
    assert sorted(map(str, names)) == sorted(failpoints.NAMES)
    assert set(POINTS) < set(failpoints.NAMES)


async def test_a_kill_at_any_failpoint_loses_nothing(tmp_path: Path) -> None:
    """Whoever follows a daemon that was killed there brings every event to every channel."""
    await asyncio.gather(*(killed_at(failpoint, tmp_path / failpoint) for failpoint in POINTS))


async def killed_at(failpoint: str, folder: Path) -> None:
    """One daemon dies at the failpoint, and another one follows."""
    async with place(folder) as (api, notifier, channels):
        api.add("s_ready", lives.complete(seconds=0))
        api.add("s_failed", lives.failed(seconds=0))
        urls = {name: each.url for name, each in channels.items()}
        notifier.configure(api=api.url, channels=urls, watches=["s_ready", "s_failed"])
        dying = await notifier.start("run", NOTIFIER_FAILPOINT=failpoint)
        assert (await dying.ended()).status == SIGKILLED, failpoint

        following = await notifier.command("run", "--once")

        assert following.status == 0, (failpoint, following)
        deliveries = await notifier.deliveries()
        check(deliveries, channels)
        told = {(each["snapshot"], each["status"]) for each in deliveries}
        assert told == {("s_ready", "ready"), ("s_failed", "failed")}, failpoint
        copies = sum(each.copies.total() for each in channels.values())
        interrupted = sum(each["attempts_begun"] for each in deliveries) - len(deliveries)
        assert len(deliveries) <= copies <= len(deliveries) + interrupted, failpoint
        if failpoint in BEFORE_ANY_SEND:
            assert interrupted == 0
        if failpoint == "deliver.after_send":
            assert copies > len(deliveries), "what was sent and not settled is sent again"


async def test_kills_at_random_instants_lose_nothing(tmp_path: Path) -> None:
    """However often it is killed in the middle of its work, every event comes to every channel, and no other."""
    await asyncio.gather(*(killed_often(seed, tmp_path / str(seed)) for seed in SEEDS))


async def killed_often(seed: int, folder: Path) -> None:
    """Daemons that follow each other are killed at instants that the seed chooses; the last one may end its work."""
    dice = random.Random(seed)
    async with place(folder) as (api, notifier, channels):
        snapshots = [f"s_{k:02}" for k in range(20)]
        for k, snapshot in enumerate(snapshots):
            api.add(snapshot, lives.complete(seconds=40 + 2 * k, records=k))
        urls = {name: each.url for name, each in channels.items()}
        notifier.configure(api=api.url, channels=urls, watches=snapshots, defaults={"on": ["all"]})
        for _ in range(KILLS):
            api.advance(80 / KILLS)
            running = await notifier.start("run")
            await api.more_asked(1)
            await running.outlives(dice.uniform(0, WORKING_SECONDS))
            assert (await running.kill()).status == SIGKILLED
        assert any(len(each.received) for each in channels.values()), "the kills came too early to mean anything"

        following = await notifier.command("run", "--once")

        assert following.status == 0, (seed, following)
        deliveries = await notifier.deliveries()
        check(deliveries, channels)
        told = Counter((each["snapshot"], each["status"]) for each in deliveries)
        assert set(told.values()) == {len(channels)}, "a status is told at most once of each snapshot"
        assert {snapshot for snapshot, status in told if status == "ready"} == set(snapshots)


@asynccontextmanager
async def place(folder: Path) -> AsyncIterator[tuple[BrightData, Notifier, dict[str, Receiver]]]:
    """A world of its own, so that several can be tried side by side."""
    async with BrightData() as api, receiver("team") as team, receiver("ops") as ops:
        notifier = Notifier(folder)
        try:
            yield api, notifier, {"team": team, "ops": ops}
        finally:
            await notifier.close()


def check(deliveries: list[dict[str, Any]], channels: dict[str, Receiver]) -> None:
    """Every delivery is delivered and came at least once, more often only after an interruption; and nothing else."""
    ends = {(each["state"], each["reason"]) for each in deliveries}
    assert {state for state, reason in ends if reason != "superseded"} == {"delivered"}
    begun = {(each["channel"], each["event_id"]): each["attempts_begun"] for each in deliveries}
    assert len(begun) == len(deliveries)
    came = {(name, event_id): times for name, channel in channels.items() for event_id, times in channel.copies.items()}
    delivered = {(each["channel"], each["event_id"]) for each in deliveries if each["state"] == "delivered"}
    assert delivered <= came.keys() <= begun.keys()
    assert all(times <= begun[key] for key, times in came.items()), "a second copy without a second attempt"

"""A hint is only a faster way to look: within its share, beside the schedule, and never believed."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from support.fake_account import FakeAccount
from support.fakes import START
from support.polling_world import PollingWorld, run_scenario, running, watches, whole

from notifier.core.snapshot.hint_queue import BURST_S, PAUSES_S, SHARE, HintResult

HOUR = timedelta(hours=1)


def ends_after(account: FakeAccount, seconds: float, *, snapshot_id: str = "s_1", dataset: str = "gd_1") -> None:
    """Add an old snapshot, polled every 30 s, that ends so many seconds after the start."""
    account.add(snapshot_id, dataset, START - HOUR, (0, "running"), (3_600 + seconds, "ready"))


def found_after(world: PollingWorld, snapshot_id: str = "s_1") -> float:
    """Return the seconds from the start to the event of the end."""
    (end,) = (
        each
        for each in world.events()
        if each.transition.snapshot_id == snapshot_id and "ready" in each.transition.names
    )
    return (end.transition.observed_at - START).total_seconds()


def test_an_end_is_found_as_soon_as_a_hint_comes() -> None:
    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        ends_after(account, 200.5)
        world.watches = watches(account)
        async with world.running():
            await asyncio.sleep(201)
            assert world.manager.hints.hint("s_1") is HintResult.ACCEPTED
            await asyncio.sleep(0.2)
            assert "s_1" not in world.schedule
            assert world.manager.hints.hint("s_1") is HintResult.ENDED
            await asyncio.sleep(600)

    world = run_scenario(scenario)
    assert 201 < found_after(world) < 201.2
    assert world.statuses() == {"s_1": ["running", "ready"]}


def test_a_hint_that_comes_early_has_the_snapshot_polled_after_short_growing_pauses() -> None:
    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        ends_after(account, 205)
        world.watches = watches(account, every=timedelta(minutes=10))
        async with world.running():
            await asyncio.sleep(202)
            account.polls.clear()
            world.manager.hints.hint("s_1")
            await asyncio.sleep(10)
        assert account.polls["s_1"] == 3

    world = run_scenario(scenario)
    assert 205 < found_after(world) < 206


def test_a_hint_that_is_wrong_costs_a_few_polls_and_the_schedule_stays_as_it_was() -> None:
    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        running(account, 1)
        world.watches = watches(account, every=timedelta(minutes=10))
        async with world.running():
            await asyncio.sleep(300)
            account.polls.clear()
            before = dict(world.schedule.next_polls())
            world.manager.hints.hint("gd_1_0000")
            await asyncio.sleep(30)
            assert dict(world.schedule.next_polls()) == before
            assert account.polls["gd_1_0000"] == 1 + len(PAUSES_S)

    run_scenario(scenario)


@pytest.mark.parametrize("trouble", ["refused", "hung"])
def test_polls_without_a_status_because_of_hints_do_not_lengthen_the_pauses(trouble: str) -> None:
    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        running(account, 2)
        world.watches = watches(account)
        async with world.running():
            await asyncio.sleep(125)
            getattr(account, trouble).add("gd_1_0000")
            for _ in range(20):
                world.manager.hints.hint("gd_1_0000")
                await asyncio.sleep(1)
            getattr(account, trouble).clear()
            await asyncio.sleep(15)
            account.polls.clear()
            await asyncio.sleep(300)
        assert account.polls["gd_1_0000"] >= 9

    run_scenario(scenario)


def test_a_flood_of_hints_gets_at_most_its_share_and_delays_no_end_by_much() -> None:
    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        ids = running(account, 150, dataset="gd_2")
        ends_after(account, 330)
        world.watches, world.lists = watches(account), False
        async with world.running():
            await asyncio.sleep(300)
            account.polls.clear()
            world.polled.clear()
            for _ in range(600):
                for snapshot_id in ids:
                    world.manager.hints.hint(snapshot_id)
                world.manager.hints.hint(f"unknown_{random.random()}")
                await asyncio.sleep(0.1)
            assert account.requests
            total = account.polls.total()
            regular = 60 * 151 / 30
            assert total <= 60 * world.rate + 30
            assert total - regular <= 60 * world.rate * SHARE + BURST_S * world.rate * SHARE + 10
            assert total - regular >= 0.9 * 60 * world.rate * SHARE
            await asyncio.sleep(60)

    world = run_scenario(scenario)
    assert found_after(world) < 330 + 33


def test_a_member_of_a_listed_dataset_is_found_at_once_too_and_stays_with_its_list() -> None:
    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        ids = running(account, 50)
        ends_after(account, 250)
        world.datasets = [whole(every=timedelta(minutes=5))]
        async with world.running():
            await asyncio.sleep(251)
            keys = set(world.schedule.next_polls())
            assert world.manager.hints.hint("s_1") is HintResult.ACCEPTED
            assert world.manager.hints.hint(ids[0]) is HintResult.ACCEPTED
            await asyncio.sleep(10)
            assert set(world.schedule.next_polls()) <= keys | {"s_1"}
            await asyncio.sleep(600)

    world = run_scenario(scenario)
    assert 251 < found_after(world) < 252


def test_an_outage_makes_a_hint_try_again_and_never_a_status() -> None:
    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        ends_after(account, 200)
        world.watches = watches(account, every=timedelta(minutes=10))
        account.poll_fails = lambda now: START + timedelta(seconds=200) <= now < START + timedelta(seconds=202)
        async with world.running():
            await asyncio.sleep(201)
            world.manager.hints.hint("s_1")
            await asyncio.sleep(10)

    world = run_scenario(scenario)
    assert 202 < found_after(world) < 203
    assert world.statuses() == {"s_1": ["running", "ready"]}


def test_unknown_ids_cost_no_request_where_nothing_can_become_of_them() -> None:
    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        running(account, 1)
        world.watches = watches(account)
        async with world.running():
            for each in ("s_9", "", "../x", "a/b", "x" * 300):
                assert world.manager.hints.hint(each) is HintResult.UNKNOWN
            await asyncio.sleep(20)
            assert set(account.polls) == {"gd_1_0000"}

    run_scenario(scenario)


@pytest.mark.parametrize("seed", range(5))
def test_no_hint_ever_makes_an_end_later_than_without_it(seed: int) -> None:
    """Random lives, once plainly and once with hints at random times, early, late, doubled or lost."""

    def ends_of(hints: bool) -> dict[str, float]:
        dice = random.Random(seed)
        ends = {f"s_{number}": dice.uniform(30, 500) for number in range(12)}

        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            for snapshot_id, at in ends.items():
                ends_after(account, at, snapshot_id=snapshot_id)
            world.watches, world.lists = watches(account), False
            times = sorted(
                (at + dice.uniform(-20, 5), id_) for id_, at in ends.items() for _ in range(dice.randint(0, 3))
            )
            async with world.running():
                loop = asyncio.get_running_loop()
                began = loop.time()
                for at, snapshot_id in times if hints else []:
                    await asyncio.sleep(max(0.0, began + at - loop.time()))
                    world.manager.hints.hint(snapshot_id)
                await asyncio.sleep(began + 700 - loop.time())

        world = run_scenario(scenario)
        assert {id_: words[-1] for id_, words in world.statuses().items()} == dict.fromkeys(ends, "ready")
        assert {tuple(words) for words in world.statuses().values()} == {("running", "ready")}
        return {id_: found_after(world, id_) for id_ in ends}

    plainly, hinted = ends_of(hints=False), ends_of(hints=True)
    assert all(hinted[id_] <= plainly[id_] + 0.5 for id_ in plainly)
    assert sum(hinted.values()) < sum(plainly.values())


def test_a_poll_that_raises_costs_only_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        ends_after(account, 200)
        world.watches, world.isolated = watches(account), True
        async with world.running():
            await asyncio.sleep(201)
            observe: Callable[..., Awaitable[object]] = account.observe

            async def broken(*arguments: object, **more: object) -> object:
                monkeypatch.setattr(account, "observe", observe)
                raise RuntimeError("broken")

            monkeypatch.setattr(account, "observe", broken)
            world.manager.hints.hint("s_1")
            await asyncio.sleep(0.5)
            await asyncio.sleep(1)

    world = run_scenario(scenario)
    assert found_after(world) < 203
    assert len(world.faults) == 1

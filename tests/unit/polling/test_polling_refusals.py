"""A refusal for good causes one notice, is no status, and the snapshot is polled with growing pauses."""

import asyncio
from datetime import timedelta

from support.fake_account import REFUSED, FakeAccount
from support.fakes import START, watch
from support.polling_world import PollingWorld, run_scenario

from notifier.core.snapshot.model import DatasetWatch
from notifier.core.snapshot.refusals import RefusalNews

EVERY = timedelta(seconds=30)


def news_of(world: PollingWorld) -> list[RefusalNews]:
    """Return all news, in order."""
    found = [*(poll.refusal for poll in world.polled), *(listed.refusal for listed in world.listed)]
    return [each for each in found if each is not None]


def test_a_watch_that_is_answered_400_is_news_once_and_again_when_it_is_over() -> None:
    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        account.add("s_1", "gd_1", START - timedelta(hours=1), (0, "running"), (3_600 + 8_000, "ready"))
        world.watches = [watch("s_1", name="Prices", on=("all",), every=EVERY)]
        async with world.running():
            await asyncio.sleep(150)
            account.refused.add("s_1")
            account.polls.clear()
            await asyncio.sleep(3_600)
            assert [(each.subject, each.name, each.over) for each in news_of(world)] == [("s_1", "Prices", False)]
            assert news_of(world)[0].detail == REFUSED.detail
            assert account.polls["s_1"] <= 15, "each time after a longer pause, up to ten minutes"
            account.refused.clear()
            await asyncio.sleep(900)
            assert [each.over for each in news_of(world)] == [False, True]
            account.polls.clear()
            await asyncio.sleep(300)
            assert account.polls["s_1"] >= 9, "as usual"
        await world.run_for(hours=2)

    world = run_scenario(scenario)
    assert world.statuses() == {"s_1": ["running", "ready"]}
    assert [each.over for each in news_of(world)] == [False, True]


def test_one_refusal_or_two_are_no_news() -> None:
    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        account.add("s_1", "gd_1", START, (0, "running"))
        world.watches = [watch("s_1", every=EVERY)]
        async with world.running():
            for _ in range(5):
                account.refused.add("s_1")
                await asyncio.sleep(8)
                account.refused.clear()
                await asyncio.sleep(52)

    assert news_of(run_scenario(scenario)) == []


def test_the_end_is_told_after_a_restart_too_and_a_second_beginning_is_none() -> None:
    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        account.add("s_1", "gd_1", START, (0, "running"))
        account.refused.add("s_1")
        world.watches = [watch("s_1", every=EVERY)]
        async with world.running():
            world.manager.restore_refusals({"s_1", "s_unknown"})
            await asyncio.sleep(3_600)
            assert news_of(world) == []
            account.refused.clear()
            await asyncio.sleep(660)

    assert [each.over for each in news_of(run_scenario(scenario))] == [True]


def test_the_list_of_a_watched_dataset_that_is_refused_is_told_too() -> None:
    """If only snapshots are watched, there is no notice: they are polled individually."""

    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        for number in range(5):
            account.add(f"s_{number}", "gd_1", START, (0, "running"))
            account.add(f"t_{number}", "gd_2", START, (0, "running"))
        account.refused |= {"gd_1", "gd_2"}
        world.watches = [watch(id_, every=EVERY) for id_ in account.lives if id_.startswith("t_")]
        world.datasets = [
            DatasetWatch(id="all", dataset_id="gd_1", name="All", every=EVERY, notify=("chat",), on=("all",))
        ]
        async with world.running():
            await asyncio.sleep(3_600)
            account.refused.clear()
            await asyncio.sleep(600)

    assert [(each.subject, each.over) for each in news_of(run_scenario(scenario))] == [("gd_1", False), ("gd_1", True)]


def test_a_refused_one_in_a_list_is_found_in_its_turn_and_costs_the_others_nothing() -> None:
    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        for number in range(10):
            account.add(f"s_{number}", "gd_1", START, (0, "running"), (2_000, "ready"))
        world.watches = [watch(id_, on=("ready",), every=EVERY) for id_ in account.lives]
        async with world.running():
            await asyncio.sleep(60)
            account.refused.add("s_3")
            await asyncio.sleep(2_040)
            ready = [id_ for id_, statuses in world.statuses().items() if statuses[-1] == "ready"]
            assert sorted(ready) == sorted(set(account.lives) - {"s_3"})
            assert [each.subject for each in news_of(world)] == ["s_3"]
            account.refused.clear()
            await asyncio.sleep(660)

    assert all(statuses[-1] == "ready" for statuses in run_scenario(scenario).statuses().values())

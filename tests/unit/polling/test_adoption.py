"""A snapshot that nobody watches is adopted once Bright Data confirms it, and told of like any other."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from support.fake_account import FakeAccount
from support.fakes import START, watch
from support.polling_world import PollingWorld, run_scenario, running, watches, whole

from notifier.core.snapshot.hint_queue import PAUSES_S, HintResult
from notifier.core.snapshot.model import EXPIRING
from notifier.store.reading.filters import SnapshotFilters
from notifier.store.reading.reading import Reading, Watched

HOUR = timedelta(hours=1)


def adopting(world: PollingWorld) -> None:
    """Have the world adopt what hints name."""
    world.adopting = replace(world.adopting, enabled=True)


def ends_after(account: FakeAccount, seconds: float, *, snapshot_id: str = "s_1", dataset: str = "gd_1") -> None:
    account.add(snapshot_id, dataset, START - HOUR, (0, "running"), (3_600 + seconds, "ready"))


async def hint(world: PollingWorld, snapshot_id: str = "s_1", *, wait: float = 0.5) -> None:
    world.manager.hints.hint(snapshot_id)
    await asyncio.sleep(wait)


def results(world: PollingWorld) -> list[HintResult]:
    return [each.result for each in world.hints]


def watch_ids(world: PollingWorld) -> set[str]:
    return {event.watch_id for event in world.events()}


def test_an_adopted_snapshot_is_watched_to_its_end_and_then_forgotten() -> None:
    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        adopting(world)
        ends_after(account, 100)
        async with world.running():
            await hint(world)
            assert "s_1" in world.schedule
            assert world.manager.in_progress == 1
            await asyncio.sleep(200)
            assert not world.manager.states
            assert world.manager.in_progress == 0
            account.polls.clear()
            await hint(world, wait=100)
            assert not account.polls  # a doubled hint of what is known to have ended

    world = run_scenario(scenario)
    assert world.statuses() == {"s_1": ["running", "ready"]}
    assert watch_ids(world) == {"hooks/s_1"}
    assert {event.name for event in world.events()} == {"s_1"}
    assert results(world) == [
        HintResult.UNCONFIRMED, HintResult.ADOPTED, HintResult.UNCONFIRMED, HintResult.ENDED,
    ]  # fmt: skip


def test_one_that_has_ended_already_is_told_of_at_once_and_once() -> None:
    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        adopting(world)
        ends_after(account, -60)
        async with world.running():
            for _ in range(5):
                await hint(world, wait=0.05)
            await asyncio.sleep(20)
        async with world.running():
            await hint(world, wait=5)

    world = run_scenario(scenario)
    assert world.statuses() == {"s_1": ["ready"]}


def test_what_bright_data_does_not_know_is_asked_for_a_few_times_and_not_adopted() -> None:
    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        adopting(world)
        account.add("s_late", "gd_1", START, (5, "running"))  # 404 for its first seconds, as after a trigger
        async with world.running():
            await hint(world, "s_none")
            await hint(world, "s_late", wait=60)
            assert account.polls["s_none"] == 1 + len(PAUSES_S)
            assert set(world.manager.states) == {"s_late"}
            assert len(world.manager.hints) == 0

    world = run_scenario(scenario)
    assert world.statuses() == {"s_late": ["running"]}


def test_without_adopt_an_unknown_snapshot_stays_unknown() -> None:
    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        ends_after(account, 100)
        async with world.running():
            await hint(world, wait=10)
            assert not account.polls

    assert results(run_scenario(scenario)) == [HintResult.UNKNOWN]


def test_it_survives_a_restart_also_one_that_was_killed() -> None:
    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        adopting(world)
        ends_after(account, 300)
        async with world.running(killed=True):
            await hint(world, wait=60)
        async with world.running():
            assert "s_1" in world.schedule
            await asyncio.sleep(400)

    world = run_scenario(scenario)
    assert world.statuses() == {"s_1": ["running", "ready"]}
    assert watch_ids(world) == {"hooks/s_1"}


@pytest.mark.parametrize("how", ["reload", "restart"])
def test_switched_off_what_was_adopted_goes_on_and_nothing_else_is_adopted(how: str) -> None:
    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        adopting(world)
        ends_after(account, 300)
        ends_after(account, 300, snapshot_id="s_2")
        async with world.running():
            await hint(world, wait=60)
            world.adopting = replace(world.adopting, enabled=False)
            if how == "reload":
                await world.manager.reload([], [], world.adopting)
                await hint(world, "s_2", wait=400)
        if how == "restart":
            async with world.running():
                await hint(world, "s_2", wait=400)

    world = run_scenario(scenario)
    assert world.statuses() == {"s_1": ["running", "ready"]}


@pytest.mark.parametrize("how", ["reload", "restart"])
def test_a_watch_of_the_configuration_takes_over_and_nothing_is_told_twice(how: str) -> None:
    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        adopting(world)
        ends_after(account, 300)
        async with world.running():
            await hint(world, wait=60)
            world.watches = [watch("s_1", id="mine", every=timedelta(seconds=20))]
            if how == "reload":
                await world.manager.reload(world.watches, [], world.adopting)
                await asyncio.sleep(100)
                await hint(world, wait=300)
        if how == "restart":
            async with world.running():
                await asyncio.sleep(400)
        world.watches = []
        async with world.running():
            assert not world.manager.states  # the user took his watch out: it is not adopted again by itself

    world = run_scenario(scenario)
    assert world.statuses() == {"s_1": ["running", "ready"]}
    assert [event.watch_id for event in world.events()] == ["hooks/s_1", "mine"]


def test_a_watch_that_took_over_and_is_taken_out_again_ends_the_watching() -> None:
    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        adopting(world)
        running(account, 1)
        async with world.running():
            await hint(world, "gd_1_0000", wait=60)
            await world.manager.reload([watch("gd_1_0000", id="mine")], [], world.adopting)
            await world.manager.reload([], [], world.adopting)
            assert not world.manager.states
        async with world.running():
            assert not world.manager.states

    run_scenario(scenario)


def test_a_reload_changes_the_options_of_what_was_adopted() -> None:
    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        adopting(world)
        running(account, 1)
        world.adopting = replace(world.adopting, every=timedelta(minutes=10))
        async with world.running():
            await hint(world, "gd_1_0000", wait=300)
            world.adopting = replace(world.adopting, every=timedelta(seconds=15))
            await world.manager.reload([], [], world.adopting)
            account.polls.clear()
            await asyncio.sleep(160)
            assert 9 <= account.polls["gd_1_0000"] <= 12

    run_scenario(scenario)


def test_it_is_polled_through_the_list_of_its_dataset_with_the_other_watches() -> None:
    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        adopting(world)
        running(account, 100)
        ends_after(account, 300)
        world.watches = [each for each in watches(account) if each.snapshot_id != "s_1"]
        async with world.running():
            await asyncio.sleep(10)
            await hint(world, wait=100)
            assert "s_1" not in world.schedule
            await asyncio.sleep(400)

    world = run_scenario(scenario)
    assert world.statuses()["s_1"] == ["running", "ready"]


class TestOfAWatchedDataset:
    def test_a_snapshot_that_no_list_has_had_yet_belongs_to_the_watch_of_its_dataset(self) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            running(account, 1)
            world.datasets = [whole(every=timedelta(minutes=5))]
            async with world.running():
                await asyncio.sleep(60)
                account.add("s_new", "gd_1", START + timedelta(seconds=50), (0, "running"), (40, "ready"))
                await asyncio.sleep(40)
                await hint(world, "s_new")
                assert world.statuses()["s_new"] == ["ready"]
                await asyncio.sleep(1_000)

        world = run_scenario(scenario)
        assert world.statuses()["s_new"] == ["ready"]
        assert {event.watch_id for event in world.events()} <= {"profiles/s_new", "profiles/gd_1_0000"}

    def test_its_baseline_stays_untold(self) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            adopting(world)
            account.add("s_old", "gd_1", START - timedelta(days=30), (0, "ready"))
            account.add("s_recent", "gd_1", START - HOUR, (0, "ready"))
            world.datasets = [whole()]
            async with world.running():
                await asyncio.sleep(60)
                await hint(world, "s_old", wait=10)
                await hint(world, "s_recent", wait=10)

        world = run_scenario(scenario)
        assert world.statuses() == {}

    def test_other_datasets_stay_unknown_without_adopt(self) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            running(account, 1)
            ends_after(account, 100, dataset="gd_2")
            world.datasets = [whole()]
            async with world.running():
                await asyncio.sleep(60)
                account.polls.clear()
                await hint(world, wait=60)
                assert account.polls["s_1"] == 1

        assert results(run_scenario(scenario)) == [HintResult.UNCONFIRMED, HintResult.UNKNOWN]


def test_its_results_are_warned_of_before_they_are_deleted() -> None:
    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        adopting(world)
        world.adopting = replace(world.adopting, on=(EXPIRING,))
        ends_after(account, -60)
        async with world.running():
            await hint(world, wait=14.5 * 86_400)
            await world.manager.warn_expiring()

    world = run_scenario(scenario)
    assert world.statuses() == {"s_1": ["ready", EXPIRING]}


def test_it_is_among_what_pages_the_api_and_commands_show() -> None:
    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        adopting(world)
        ends_after(account, 100)
        watched = Watched(watches=(watch("s_9"),), datasets=(whole(),))
        async with world.running():
            await hint(world)
            reading = Reading(world.path, world.clock.now)
            assert [(each.watch, each.name) for each in reading.everything(watched)][1:] == [
                ("profiles", "Profiles"), ("hooks/s_1", "s_1"),
            ]  # fmt: skip
            await asyncio.sleep(200)
            for filters in (SnapshotFilters(), SnapshotFilters(watch="hooks"), SnapshotFilters(watch="hooks/s_1")):
                shown = reading.overview(watched, filters).snapshots
                assert ("hooks/s_1", "s_1", "ready") in {(each.watch, each.name, each.status) for each in shown}
            found = reading.watch(watched, "hooks/s_1")
            assert found is not None
            assert (found.snapshot.name, len(found.events)) == ("s_1", 2)
            reading.close()

    run_scenario(scenario)


@pytest.mark.parametrize("when", [0.02, 0.06, 0.09, 0.12])
def test_a_reload_in_the_middle_of_an_adoption_leaves_one_watch(when: float) -> None:
    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        adopting(world)
        ends_after(account, 100)
        async with world.running():
            await hint(world, wait=when)
            await world.manager.reload([watch("s_1", id="mine")], [], world.adopting)
            await asyncio.sleep(200)
            assert world.manager.in_progress == 0

    world = run_scenario(scenario)
    assert world.statuses() == {"s_1": ["running", "ready"]}
    assert [event.watch_id for event in world.events()][-1] == "mine"

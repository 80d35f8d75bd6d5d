"""Snapshots are polled individually or through a list: few requests, and one notification of every end."""

import asyncio
import random
from datetime import datetime, timedelta

import pytest
from support.fake_account import RECORDS, FakeAccount
from support.fakes import START
from support.polling_world import ENDS, PollingWorld, run_scenario, running, watches, whole

from notifier.polling.dataset_group import DATASET

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class TestGroups:
    def test_the_first_list_of_a_dataset_takes_over_all_watched_snapshots_of_it(self) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            running(account, 200)
            running(account, 2, dataset="gd_2")
            world.watches = watches(account)
            async with world.running():
                await asyncio.sleep(5)
                assert set(world.schedule.next_polls()) == {DATASET + "gd_1", "gd_2_0000", "gd_2_0001"}
                account.requests = 0
                world.forget_polls()
                await asyncio.sleep(600)
                assert (
                    account.requests - world.turns.total() <= 85
                )  # 60 of them for the two, which count as young at first

        world = run_scenario(scenario)
        assert world.needed_polls().total() < 150

    def test_a_change_in_a_list_is_polled_individually_and_told_once_with_its_facts(self) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            for number in range(20):
                account.add(f"s_{number}", "gd_1", START - HOUR, (0, "running"), (3_660 + 10 * number, "ready"))
            world.watches = watches(account)
            await world.run_for(minutes=10)
            assert set(world.needed_polls().values()) <= {1, 2}

        world = run_scenario(scenario)
        ends = [event for event in world.events() if event.transition.status == "ready"]
        assert len(ends) == 20
        assert all(event.transition.facts.records == RECORDS for event in ends)

    @pytest.mark.parametrize(("on", "polls"), [(ENDS, 0), (("building",), 1)])
    def test_a_status_in_progress_is_taken_from_the_list_unless_someone_is_notified_of_it(
        self, on: tuple[str, ...], polls: int
    ) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            for number in range(5):
                account.add(f"s_{number}", "gd_1", START - HOUR, (0, "running"), (4_000, "building"))
            world.watches = watches(account, on=on)
            async with world.running():
                await asyncio.sleep(60)
                world.forget_polls()
                await asyncio.sleep(600)
                assert world.needed_polls().total() == 5 * polls

        assert set(map(tuple, run_scenario(scenario).statuses().values())) == {("running", "building")}

    def test_without_batches_only_watched_datasets_are_listed(self) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            running(account, 10)
            running(account, 10, dataset="gd_2")
            world.watches = watches(account)
            world.datasets = [whole("gd_2")]
            world.lists = False
            await world.run_for(minutes=5)
            assert set(account.lists) == {"gd_2"}
            assert all(account.polls[f"gd_1_{number:04}"] > 5 for number in range(10))

        run_scenario(scenario)

    def test_a_group_whose_list_has_too_many_pages_is_polled_individually(self) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            account.page = 2
            ids = running(account, 4)
            world.watches = watches(account)
            async with world.running():
                await asyncio.sleep(10)
                world.manager._groups.of(ids[0])._expected = 50_000  # type: ignore[union-attr]
                await asyncio.sleep(300)
                assert set(world.schedule.next_polls()) <= {*ids, DATASET + "gd_1"}

        run_scenario(scenario)

    def test_a_hint_causes_one_poll_at_once(self) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            ids = running(account, 10)
            world.watches = watches(account)
            async with world.running():
                await asyncio.sleep(60)
                world.forget_polls()
                assert world.manager.hasten(ids[3])
                assert not world.manager.hasten("s_unknown")
                await asyncio.sleep(1)
                assert world.needed_polls() == {ids[3]: 1}
                await asyncio.sleep(120)
                assert world.needed_polls() == {ids[3]: 1}

        run_scenario(scenario)


class TestFreshness:
    def test_an_end_is_told_within_one_and_a_half_pauses(self) -> None:
        ended: dict[str, datetime] = {}

        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            dice = random.Random(3)
            for number in range(200):
                lasts = 3_600 + dice.uniform(200, 1_200)
                life = account.add(f"s_{number}", f"gd_{number % 5}", START - HOUR, (0, "running"), (lasts, "ready"))
                ended[f"s_{number}"] = life.words[-1][0]
            world.watches = watches(account)
            world.rate = 2.5
            await world.run_for(seconds=1_300)

        ends = [event.transition for event in run_scenario(scenario).events() if event.transition.status == "ready"]
        late = sorted(end.observed_at - ended[end.snapshot_id] for end in ends)
        assert len(late) == 200
        assert late[197] <= 45 * SECOND

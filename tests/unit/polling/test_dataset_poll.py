"""Lists fail, omit snapshots, lag or contradict polls, and every end still causes one notification."""

import asyncio
from datetime import timedelta

import pytest
from support.fake_account import FakeAccount
from support.fakes import START
from support.polling_world import PollingWorld, run_scenario, running, watches

from notifier.polling.dataset_group import DATASET

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class TestFaultyLists:
    def test_after_three_failed_lists_members_are_polled_individually_until_a_list_comes(self) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            ids = running(account, 20)
            world.watches = watches(account)
            async with world.running():
                await asyncio.sleep(120)
                account.list_fails = lambda _: True
                world.forget_polls()
                await asyncio.sleep(300)
                assert set(ids) <= set(world.schedule.next_polls())
                assert min(account.polls[each] for each in ids) >= 3
                account.list_fails = lambda _: False
                await asyncio.sleep(360)
                assert set(world.schedule.next_polls()) == {DATASET + "gd_1"}

        run_scenario(scenario)

    def test_members_are_polled_individually_if_the_first_list_already_fails(self) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            ids = running(account, 20)
            world.watches = watches(account)
            await world.run_for(minutes=2)
            account.list_fails = lambda _: True
            world.forget_polls()
            await world.run_for(minutes=6)
            assert set(account.polls) == set(ids)

        run_scenario(scenario)

    def test_while_no_poll_is_answered_failed_lists_cause_no_individual_polls(self) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            running(account, 200)
            world.watches = watches(account)
            async with world.running():
                await asyncio.sleep(120)
                account.list_fails = account.poll_fails = lambda _: True
                world.forget_polls()
                await asyncio.sleep(1_800)
                assert len(account.polls) <= 20
                account.list_fails = account.poll_fails = lambda _: False
                await asyncio.sleep(360)
                assert set(world.schedule.next_polls()) == {DATASET + "gd_1"}

        run_scenario(scenario)

    def test_only_a_member_that_the_list_omits_is_polled_individually_until_the_list_has_it(self) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            ids = running(account, 20)
            account.lives[ids[7]].missed = lambda now: START + 2 * MINUTE < now < START + 10 * MINUTE
            world.watches = watches(account)
            async with world.running():
                await asyncio.sleep(60)
                world.forget_polls()
                await asyncio.sleep(480)
                assert set(world.needed_polls()) == {ids[7]}
                assert set(world.schedule.next_polls()) == {DATASET + "gd_1", ids[7]}
                await asyncio.sleep(300)
                assert set(world.schedule.next_polls()) == {DATASET + "gd_1"}

        run_scenario(scenario)

    @pytest.mark.parametrize("dated", [True, False])
    def test_an_end_is_told_once_its_individual_poll_is_answered(self, dated: bool) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            running(account, 3)
            account.add("s_1", "gd_1", START, (0, "running"), (300, "ready"), dated=dated)
            account.poll_fails = lambda now: START + 299 * SECOND < now < START + 500 * SECOND
            world.watches = watches(account)
            await world.run_for(seconds=540)
            assert account.polls["s_1"] <= 25

        assert run_scenario(scenario).statuses()["s_1"] == ["running", "ready"]

    def test_an_end_that_a_list_shows_too_early_is_told_once_a_poll_confirms_it(self) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            running(account, 3)
            life = account.add("s_1", "gd_1", START, (0, "running"), (300, "digesting"), (600, "failed"))
            life.listed_as["digesting"] = "ready"
            world.watches = watches(account)
            await world.run_for(seconds=660)

        assert run_scenario(scenario).statuses()["s_1"][-1] == "failed"

    def test_different_words_of_list_and_poll_cost_one_poll_for_each_word_and_no_flapping(self) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            running(account, 3)
            for number in range(10):
                words = [(0, "collecting"), (600, "digesting"), (1_200, "delivering"), (1_800, "ready")]
                life = account.add(f"s_{number}", "gd_1", START, *words)
                life.listed_as.update(collecting="running", digesting="running", delivering="building")
            world.watches = watches(account, on=("all",))
            await world.run_for(hours=1)
            assert all(world.needed_polls()[f"s_{number}"] <= 4 for number in range(10))

        for snapshot_id, statuses in run_scenario(scenario).statuses().items():
            if snapshot_id.startswith("s_"):
                assert len(statuses) == len(set(statuses)), statuses
                assert statuses[-1] == "ready"

    def test_a_list_that_never_shows_an_end_costs_one_more_poll(self) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            ids = running(account, 3)
            account.add("s_1", "gd_1", START, (0, "running"), (60, "ready")).listed_as["ready"] = "running"
            world.watches = watches(account)
            async with world.running():
                await asyncio.sleep(70)
                world.manager.hasten("s_1")
                await asyncio.sleep(1)
                world.forget_polls()
                await asyncio.sleep(1_200)
                assert world.needed_polls() == {"s_1": 1}
                assert world.poller.open_snapshots() == ids

        assert run_scenario(scenario).statuses()["s_1"] == ["running", "ready"]

    def test_lateness_counts_from_the_last_list_that_had_the_snapshot_in_progress(self) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            for number in range(3):
                account.add(f"s_{number}", "gd_1", START - HOUR, (0, "running"), (3_600 + 3_700 + number, "ready"))
            account.list_fails = account.poll_fails = lambda now: START + HOUR < now < START + 2 * HOUR
            world.watches = watches(account)
            await world.run_for(minutes=58, killed=False)
            await world.run_for(minutes=80)

        ends = [event.transition for event in run_scenario(scenario).events() if event.transition.status == "ready"]
        assert len(ends) == 3
        assert all(55 * MINUTE < end.late_by < 66 * MINUTE for end in ends), [end.late_by for end in ends]

    def test_a_restart_makes_no_end_late_that_a_list_shows_in_time(self) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            for number in range(3):
                account.add(f"s_{number}", "gd_1", START - HOUR, (0, "running"), (3_600 + 7_215 + number, "ready"))
            world.watches = watches(account)
            await world.run_for(hours=2)
            await world.run_for(minutes=2)

        ends = [event.transition for event in run_scenario(scenario).events() if event.transition.status == "ready"]
        assert [end.late_by for end in ends] == [timedelta(0)] * 3

"""A dataset's list: its baseline, the snapshots that it adds, and the day from which it is requested."""

import asyncio
from datetime import timedelta

import pytest
from support.fake_account import FakeAccount
from support.fakes import START, watch
from support.polling_world import ENDS, PollingWorld, run_scenario, running, watches, whole

from notifier.core.snapshot.model import NotFound

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class TestDatasets:
    def test_the_baseline_never_makes_an_event(self) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            for number in range(5_000):
                begun = START - HOUR - number * (20 * MINUTE if number % 2 else SECOND)
                account.add(f"s_{number:04}", "gd_1", begun, (0, "ready"), dated=number % 100 != 0)
            world.datasets = [whole(on=("all",))]
            await world.run_for(seconds=90)
            await world.run_for(seconds=90)
            assert account.polls.total() == 0
            async with world.running():
                await world.manager.warn_expiring()
                world.clock.move((15 * DAY).total_seconds())
                await world.manager.warn_expiring()
            assert len(world.manager._poller._states) == 0

        assert run_scenario(scenario).events() == []

    def test_found_snapshots_have_the_options_of_the_datasets_watch_unless_they_have_their_own(self) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            account.add("s_own", "gd_1", START, (0, "running"), (100, "failed"))
            account.add("s_old", "gd_1", START - 9 * DAY, (0, "running"), (9 * 86_400 + 100, "ready"))
            account.add("s_new", "gd_1", START + MINUTE, (0, "running"), (100, "ready"))
            world.watches = [watch("s_own", name="Mine")]
            world.datasets = [whole(labels={"team": "growth"})]
            await world.run_for(minutes=5)

        ends = {e.transition.snapshot_id: e for e in run_scenario(scenario).events() if e.transition.status in ENDS}
        assert {key: (e.watch_id, e.name, dict(e.labels)) for key, e in ends.items()} == {
            "s_own": ("s_own", "Mine", {}),
            "s_old": ("profiles/s_old", "Profiles (s_old)", {"team": "growth"}),
            "s_new": ("profiles/s_new", "Profiles (s_new)", {"team": "growth"}),
        }

    @pytest.mark.parametrize("killed", [False, True])
    def test_a_snapshot_that_began_and_ended_between_two_lists_is_told_once(self, killed: bool) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            account.add("s_base", "gd_1", START - 5 * DAY, (0, "running"), (60, "ready"))
            account.add("s_long", "gd_1", START - 5 * DAY, (0, "running"), (5 * 86_400 + 400, "canceled"))
            for number in range(40):
                account.add(f"s_{number:02}", "gd_1", START + number * 20 * SECOND, (0, "running"), (4, "ready"))
            world.datasets = [whole()]
            await world.run_for(seconds=300, killed=killed)
            world.clock.move(300)
            await world.run_for(seconds=300, killed=killed)
            await world.run_for(seconds=60)
            assert set(world.needed_polls().values()) <= {1, 2}

        world = run_scenario(scenario)
        ends = [event.transition.snapshot_id for event in world.events() if event.transition.status in ENDS]
        assert sorted(ends) == sorted([f"s_{number:02}" for number in range(40)] + ["s_long"])

    def test_ended_snapshots_leave_the_working_set(self) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            for number in range(120):
                account.add(f"s_{number:03}", "gd_1", START + number * 43 * SECOND, (0, "running"), (60, "ready"))
            world.datasets = [whole(every=2 * MINUTE)]
            async with world.running():
                groups, agenda = world.manager._groups, world.schedule._agenda
                group = groups.of_dataset("gd_1")
                assert group is not None
                for _ in range(10):
                    await asyncio.sleep(600)
                    await world.manager.flush()
                    sizes = [len(world.poller._states), len(world.poller._log), len(groups._group_of)]
                    sizes += [len(agenda), len(agenda._waiting), len(group.claims), len(group.claims._rejected)]
                    sizes += [len(group.members), len(group.listed), len(group._absent)]
                    assert max(sizes) <= 12
            assert len(group.ended) <= 120

        assert len([event for event in run_scenario(scenario).events() if event.transition.status == "ready"]) == 120

    def test_a_snapshot_that_leaves_its_end_and_returns_to_it_is_told_as_again(self) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            running(account, 3)
            for snapshot_id in ("s_own", "gd_1_back"):
                words = [(0, "running"), (60, "ready"), (600, "running"), (900, "ready")]
                account.add(snapshot_id, "gd_1", START, *words)
            world.watches = [watch("s_own", on=ENDS)]
            world.datasets = [whole()]
            await world.run_for(minutes=30)

        events = run_scenario(scenario).events()
        for snapshot_id in ("s_own", "gd_1_back"):
            its = [event.transition for event in events if event.transition.snapshot_id == snapshot_id]
            assert [each.status for each in its] == ["running", "ready", "running", "ready"]
            assert its[3].names == ("again",)

    def test_stalled_is_told_once_whatever_word_lists_use(self) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            for number in range(5):
                account.add(f"s_{number}", "gd_1", START, (0, "collecting")).listed_as["collecting"] = "Running"
            world.watches = watches(account, stalled_after=10 * MINUTE)
            await world.run_for(minutes=30)
            await world.run_for(minutes=30)
            assert max(world.needed_polls().values()) <= 4

        world = run_scenario(scenario)
        assert [statuses.count("stalled") for statuses in world.statuses().values()] == [1] * 5

    def test_expiring_is_told_once_under_the_id_of_the_datasets_watch(self) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            account.add("s_1", "gd_1", START, (0, "running"), (60, "ready"))
            world.datasets = [whole(id="nightly", on=("expiring",))]
            async with world.running():
                await asyncio.sleep(120)
                world.clock.move((14 * DAY).total_seconds())
                await world.manager.warn_expiring()
                await world.manager.warn_expiring()

        events = [event for event in run_scenario(scenario).events() if event.transition.status == "expiring"]
        assert [event.watch_id for event in events] == ["nightly/s_1"]

    def test_a_found_snapshot_that_is_missing_still_belongs_to_its_dataset_after_a_restart(self) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            world.datasets = [whole()]
            await world.run_for(seconds=5)
            account.add("s_2", "gd_1", START, (0, "ready"))
            real = account._answer
            account._answer = lambda snapshot_id, now: (  # type: ignore[method-assign]
                NotFound() if snapshot_id == "s_2" else real(snapshot_id, now)
            )
            await world.run_for(seconds=300)
            account._answer = real  # type: ignore[method-assign]
            world.rate = 2.5
            await world.run_for(seconds=1_300)

        assert run_scenario(scenario).statuses() == {"s_2": ["missing", "ready"]}

    def test_a_clock_ahead_at_the_first_list_loses_no_later_snapshot(self) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            world.datasets = [whole()]
            world.clock.set_wall(10 * DAY)
            await world.run_for(seconds=60)
            world.clock.set_wall(-10 * DAY)
            await world.run_for(seconds=60)
            account.add("s_1", "gd_1", START + 10 * MINUTE, (0, "ready"))
            world.clock.move(1_800)
            await world.run_for(seconds=60)

        assert run_scenario(scenario).statuses() == {"s_1": ["ready"]}


class TestDates:
    def test_a_list_begins_at_the_oldest_member_in_progress(self) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            for number in range(300):
                account.add(f"s_{number:03}", "gd_1", START - number * DAY, (0, "ready"))
            account.add("s_old", "gd_1", START - 20 * DAY, (0, "running"), (20 * 86_400 + 600, "ready"))
            account.page = 50
            world.datasets = [whole()]
            await world.run_for(minutes=30)
            first, *_, last = account.from_dates
            assert first is None
            assert (START - 20 * DAY).date() in {each + DAY for each in account.from_dates if each}
            assert last == (START - DAY).date()

        assert run_scenario(scenario).statuses() == {"s_old": ["running", "ready"]}

    def test_a_member_that_no_list_has_does_not_make_every_list_whole(self) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            running(account, 5)
            account.add("s_1", "gd_1", START - 9 * DAY, (0, "running")).missed = lambda _: True
            world.watches = watches(account)
            await world.run_for(hours=3)
            assert account.from_dates.count(None) <= 6

        run_scenario(scenario)

    def test_members_without_a_date_are_in_every_list(self) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            for number in range(5):
                account.add(f"s_{number}", "gd_1", START - 9 * DAY, (0, "running"), dated=False)
            world.watches = watches(account)
            await world.run_for(minutes=10)
            assert set(account.from_dates) == {None}
            assert world.needed_polls().total() <= 10

        run_scenario(scenario)

"""Who is polled individually and who through a list: few requests, and every end told once, whatever lists do."""

import asyncio
import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from support.fake_account import RECORDS, FakeAccount
from support.fakes import START, watch
from support.polling_world import PollingWorld, run_scenario

from notifier.core.model import DatasetWatch, NotFound, Watch
from notifier.polling.dataset_group import DATASET

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ENDS = ("ready", "failed", "canceled", "stalled", "missing", "again")


def watches(account: FakeAccount, *, on: tuple[str, ...] = ENDS, **changes: Any) -> list[Watch]:
    """A watch of each snapshot of the account."""
    return [watch(snapshot_id, on=on, **changes) for snapshot_id in account.lives]


def whole(dataset: str = "gd_1", **changes: Any) -> DatasetWatch:
    """A watch of a dataset."""
    given: dict[str, Any] = {
        "id": "profiles",
        "dataset_id": dataset,
        "name": "Profiles",
        "every": 30 * SECOND,
        "notify": ("chat",),
        "on": ENDS,
    }
    return DatasetWatch(**{**given, **changes})


def running(account: FakeAccount, number: int, *, dataset: str = "gd_1", begun: datetime = START - HOUR) -> list[str]:
    """So many snapshots that run on and on."""
    ids = [f"{dataset}_{each:04}" for each in range(number)]
    for snapshot_id in ids:
        account.add(snapshot_id, dataset, begun, (0, "running"))
    return ids


class TestGroups:
    def test_watches_of_one_dataset_are_found_by_its_first_list_and_leave_the_schedule(self) -> None:
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
                )  # of which 60 for the two, which are young at first sight

        world = run_scenario(scenario)
        assert world.needed_polls().total() < 150

    def test_what_a_list_says_changed_is_asked_for_singly_and_told_with_its_facts_once(self) -> None:
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
    def test_a_word_in_progress_is_taken_from_the_list_unless_somebody_is_told_of_it(
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

    def test_without_batches_no_list_is_asked_for_but_of_watched_datasets(self) -> None:
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

    def test_a_hint_makes_one_poll_at_once_and_the_list_goes_on(self) -> None:
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


class TestTrouble:
    def test_a_list_that_errs_three_times_hands_its_snapshots_over_and_takes_them_back(self) -> None:
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

    def test_a_list_that_fails_from_the_start_leaves_nobody_unseen(self) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            ids = running(account, 20)
            world.watches = watches(account)
            await world.run_for(minutes=2)
            account.list_fails = lambda _: True
            world.forget_polls()
            await world.run_for(minutes=6)
            assert set(account.polls) == set(ids)

        run_scenario(scenario)

    def test_as_long_as_nothing_is_answered_nobody_is_handed_over(self) -> None:
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

    def test_only_what_a_list_misses_is_polled_individually_and_comes_back(self) -> None:
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
    def test_an_end_whose_poll_is_not_answered_is_told_when_it_is(self, dated: bool) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            running(account, 3)
            account.add("s_1", "gd_1", START, (0, "running"), (300, "ready"), dated=dated)
            account.poll_fails = lambda now: START + 299 * SECOND < now < START + 500 * SECOND
            world.watches = watches(account)
            await world.run_for(seconds=540)
            assert account.polls["s_1"] <= 25

        assert run_scenario(scenario).statuses()["s_1"] == ["running", "ready"]

    def test_an_end_that_the_list_tells_too_early_is_told_when_it_is_there(self) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            running(account, 3)
            life = account.add("s_1", "gd_1", START, (0, "running"), (300, "digesting"), (600, "failed"))
            life.listed_as["digesting"] = "ready"
            world.watches = watches(account)
            await world.run_for(seconds=660)

        assert run_scenario(scenario).statuses()["s_1"][-1] == "failed"

    def test_words_that_differ_make_no_flapping_and_one_poll_for_each_word_of_the_list(self) -> None:
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

    def test_a_list_that_never_learns_of_an_end_costs_one_poll_more(self) -> None:
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

    def test_the_lateness_of_an_end_counts_from_the_last_list_that_had_it_going_on(self) -> None:
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

    def test_a_restart_does_not_make_an_end_late_that_a_list_would_have_told_in_time(self) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            for number in range(3):
                account.add(f"s_{number}", "gd_1", START - HOUR, (0, "running"), (3_600 + 7_215 + number, "ready"))
            world.watches = watches(account)
            await world.run_for(hours=2)
            await world.run_for(minutes=2)

        ends = [event.transition for event in run_scenario(scenario).events() if event.transition.status == "ready"]
        assert [end.late_by for end in ends] == [timedelta(0)] * 3


class TestDatasets:
    def test_what_had_ended_before_the_first_poll_is_silent_for_ever(self) -> None:
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

    def test_what_is_found_inherits_from_the_watch_and_what_is_watched_by_itself_does_not(self) -> None:
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
    def test_what_began_and_ended_unseen_is_told_once_after_a_restart_too(self, killed: bool) -> None:
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

    def test_what_has_ended_leaves_the_working_set(self) -> None:
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

    def test_what_comes_back_from_its_end_is_recorded_and_the_same_end_is_again(self) -> None:
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

    def test_stalled_is_told_through_lists_once_whatever_word_they_use(self) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            for number in range(5):
                account.add(f"s_{number}", "gd_1", START, (0, "collecting")).listed_as["collecting"] = "Running"
            world.watches = watches(account, stalled_after=10 * MINUTE)
            await world.run_for(minutes=30)
            await world.run_for(minutes=30)
            assert max(world.needed_polls().values()) <= 4

        world = run_scenario(scenario)
        assert [statuses.count("stalled") for statuses in world.statuses().values()] == [1] * 5

    def test_expiring_is_told_once_of_what_was_found_under_any_id_of_its_watch(self) -> None:
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

    def test_what_is_missing_when_it_was_found_is_the_datasets_after_a_restart(self) -> None:
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

    def test_a_dataset_whose_clock_was_ahead_at_its_first_list_loses_nothing_that_comes_later(self) -> None:
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
    def test_an_old_list_is_cut_short_but_never_before_an_open_member(self) -> None:
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

    def test_one_that_no_list_has_does_not_make_every_list_whole(self) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            running(account, 5)
            account.add("s_1", "gd_1", START - 9 * DAY, (0, "running")).missed = lambda _: True
            world.watches = watches(account)
            await world.run_for(hours=3)
            assert account.from_dates.count(None) <= 6

        run_scenario(scenario)

    def test_members_without_a_date_are_never_left_out(self) -> None:
        async def scenario(world: PollingWorld, account: FakeAccount) -> None:
            for number in range(5):
                account.add(f"s_{number}", "gd_1", START - 9 * DAY, (0, "running"), dated=False)
            world.watches = watches(account)
            await world.run_for(minutes=10)
            assert set(account.from_dates) == {None}
            assert world.needed_polls().total() <= 10

        run_scenario(scenario)


class TestFreshness:
    def test_an_end_is_told_within_one_and_a_half_pauses_at_the_rate_of_the_limiter(self) -> None:
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

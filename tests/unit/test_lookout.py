"""Who is looked at singly and who through a list: few requests, and every end told once, whatever lists do."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from fake_account import RECORDS, FakeAccount
from fakes import START, watch
from lookouts import Post, story

from notifier.core.model import DatasetWatch, Watch
from notifier.lookout import DATASET

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
        async def told(post: Post, account: FakeAccount) -> None:
            running(account, 200)
            running(account, 2, dataset="gd_2")
            post.watches = watches(account)
            async with post.running():
                await asyncio.sleep(5)
                assert set(post.schedule.next_looks()) == {DATASET + "gd_1", "gd_2_0000", "gd_2_0001"}
                account.requests = 0
                await asyncio.sleep(600)
                assert account.requests <= 65

        post = story(told)
        assert post.account.looks.total() < 150

    def test_what_a_list_says_changed_is_asked_for_singly_and_told_with_its_facts_once(self) -> None:
        async def told(post: Post, account: FakeAccount) -> None:
            for number in range(20):
                account.add(f"s_{number}", "gd_1", START - HOUR, (0, "running"), (3_660 + 10 * number, "ready"))
            post.watches = watches(account)
            await post.run_for(minutes=10)
            assert set(account.looks.values()) <= {1, 2}

        post = story(told)
        ends = [event for event in post.events() if event.transition.status == "ready"]
        assert len(ends) == 20
        assert all(event.transition.facts.records == RECORDS for event in ends)

    @pytest.mark.parametrize(("on", "looks"), [(ENDS, 0), (("building",), 1)])
    def test_a_word_in_progress_is_taken_from_the_list_unless_somebody_is_told_of_it(
        self, on: tuple[str, ...], looks: int
    ) -> None:
        async def told(post: Post, account: FakeAccount) -> None:
            for number in range(5):
                account.add(f"s_{number}", "gd_1", START - HOUR, (0, "running"), (4_000, "building"))
            post.watches = watches(account, on=on)
            async with post.running():
                await asyncio.sleep(60)
                account.looks.clear()
                await asyncio.sleep(600)
                assert account.looks.total() == 5 * looks

        assert set(map(tuple, story(told).statuses().values())) == {("running", "building")}

    def test_without_batches_no_list_is_asked_for_but_of_watched_datasets(self) -> None:
        async def told(post: Post, account: FakeAccount) -> None:
            running(account, 10)
            running(account, 10, dataset="gd_2")
            post.watches = watches(account)
            post.datasets = [whole("gd_2")]
            post.lists = False
            await post.run_for(minutes=5)
            assert set(account.lists) == {"gd_2"}
            assert all(account.looks[f"gd_1_{number:04}"] > 5 for number in range(10))

        story(told)

    def test_a_group_whose_list_has_too_many_pages_is_looked_at_singly(self) -> None:
        async def told(post: Post, account: FakeAccount) -> None:
            account.page = 2
            ids = running(account, 4)
            post.watches = watches(account)
            async with post.running():
                await asyncio.sleep(10)
                post.lookout._groups.of(ids[0]).entries = 50_000  # type: ignore[union-attr]
                await asyncio.sleep(300)
                assert set(post.schedule.next_looks()) <= {*ids, DATASET + "gd_1"}

        story(told)

    def test_a_hint_makes_one_look_at_once_and_the_list_goes_on(self) -> None:
        async def told(post: Post, account: FakeAccount) -> None:
            ids = running(account, 10)
            post.watches = watches(account)
            async with post.running():
                await asyncio.sleep(60)
                account.looks.clear()
                assert post.lookout.hasten(ids[3])
                assert not post.lookout.hasten("s_unknown")
                await asyncio.sleep(1)
                assert account.looks == {ids[3]: 1}
                await asyncio.sleep(120)
                assert account.looks == {ids[3]: 1}

        story(told)


class TestTrouble:
    def test_a_list_that_errs_three_times_hands_its_snapshots_over_and_takes_them_back(self) -> None:
        async def told(post: Post, account: FakeAccount) -> None:
            ids = running(account, 20)
            post.watches = watches(account)
            async with post.running():
                await asyncio.sleep(120)
                account.list_fails = lambda _: True
                account.looks.clear()
                await asyncio.sleep(300)
                assert set(ids) <= set(post.schedule.next_looks())
                assert min(account.looks[each] for each in ids) >= 3
                account.list_fails = lambda _: False
                await asyncio.sleep(360)
                assert set(post.schedule.next_looks()) == {DATASET + "gd_1"}

        story(told)

    def test_a_list_that_fails_from_the_start_leaves_nobody_unseen(self) -> None:
        async def told(post: Post, account: FakeAccount) -> None:
            ids = running(account, 20)
            post.watches = watches(account)
            await post.run_for(minutes=2)
            account.list_fails = lambda _: True
            account.looks.clear()
            await post.run_for(minutes=6)
            assert set(account.looks) == set(ids)

        story(told)

    def test_as_long_as_nothing_is_answered_nobody_is_handed_over(self) -> None:
        async def told(post: Post, account: FakeAccount) -> None:
            running(account, 200)
            post.watches = watches(account)
            async with post.running():
                await asyncio.sleep(120)
                account.list_fails = account.look_fails = lambda _: True
                account.looks.clear()
                await asyncio.sleep(1_800)
                assert len(account.looks) <= 20
                account.list_fails = account.look_fails = lambda _: False
                await asyncio.sleep(360)
                assert set(post.schedule.next_looks()) == {DATASET + "gd_1"}

        story(told)

    def test_only_what_a_list_misses_is_looked_at_singly_and_comes_back(self) -> None:
        async def told(post: Post, account: FakeAccount) -> None:
            ids = running(account, 20)
            account.lives[ids[7]].missed = lambda now: START + 2 * MINUTE < now < START + 10 * MINUTE
            post.watches = watches(account)
            async with post.running():
                await asyncio.sleep(60)
                account.looks.clear()
                await asyncio.sleep(480)
                assert set(account.looks) == {ids[7]}
                assert set(post.schedule.next_looks()) == {DATASET + "gd_1", ids[7]}
                await asyncio.sleep(300)
                assert set(post.schedule.next_looks()) == {DATASET + "gd_1"}

        story(told)

    @pytest.mark.parametrize("dated", [True, False])
    def test_an_end_whose_look_is_not_answered_is_told_when_it_is(self, dated: bool) -> None:
        async def told(post: Post, account: FakeAccount) -> None:
            running(account, 3)
            account.add("s_1", "gd_1", START, (0, "running"), (300, "ready"), dated=dated)
            account.look_fails = lambda now: START + 299 * SECOND < now < START + 500 * SECOND
            post.watches = watches(account)
            await post.run_for(seconds=540)
            assert account.looks["s_1"] <= 25

        assert story(told).statuses()["s_1"] == ["running", "ready"]

    def test_an_end_that_the_list_tells_too_early_is_told_when_it_is_there(self) -> None:
        async def told(post: Post, account: FakeAccount) -> None:
            running(account, 3)
            life = account.add("s_1", "gd_1", START, (0, "running"), (300, "digesting"), (600, "failed"))
            life.listed_as["digesting"] = "ready"
            post.watches = watches(account)
            await post.run_for(seconds=660)

        assert story(told).statuses()["s_1"][-1] == "failed"

    def test_words_that_differ_make_no_flapping_and_one_look_for_each_word_of_the_list(self) -> None:
        async def told(post: Post, account: FakeAccount) -> None:
            running(account, 3)
            for number in range(10):
                words = [(0, "collecting"), (600, "digesting"), (1_200, "delivering"), (1_800, "ready")]
                life = account.add(f"s_{number}", "gd_1", START, *words)
                life.listed_as.update(collecting="running", digesting="running", delivering="building")
            post.watches = watches(account, on=("all",))
            await post.run_for(hours=1)
            assert all(account.looks[f"s_{number}"] <= 4 for number in range(10))

        for snapshot_id, statuses in story(told).statuses().items():
            if snapshot_id.startswith("s_"):
                assert (statuses[0], statuses[-1]) == ("collecting", "ready")
                assert len(statuses) == len(set(statuses))
                assert set(statuses) <= {"collecting", "digesting", "delivering", "ready"}

    def test_a_list_that_never_learns_of_an_end_costs_one_look_more(self) -> None:
        async def told(post: Post, account: FakeAccount) -> None:
            ids = running(account, 3)
            account.add("s_1", "gd_1", START, (0, "running"), (60, "ready")).listed_as["ready"] = "running"
            post.watches = watches(account)
            async with post.running():
                await asyncio.sleep(70)
                post.lookout.hasten("s_1")
                await asyncio.sleep(1)
                account.looks.clear()
                await asyncio.sleep(1_200)
                assert account.looks == {"s_1": 1}
                assert post.poller.open_snapshots() == ids

        assert story(told).statuses()["s_1"] == ["running", "ready"]

    def test_the_lateness_of_an_end_counts_from_the_last_list_that_had_it_going_on(self) -> None:
        async def told(post: Post, account: FakeAccount) -> None:
            for number in range(3):
                account.add(f"s_{number}", "gd_1", START - HOUR, (0, "running"), (3_600 + 3_700 + number, "ready"))
            account.list_fails = account.look_fails = lambda now: START + HOUR < now < START + 2 * HOUR
            post.watches = watches(account)
            await post.run_for(minutes=58, killed=False)
            await post.run_for(minutes=80)

        ends = [event.transition for event in story(told).events() if event.transition.status == "ready"]
        assert len(ends) == 3
        assert all(55 * MINUTE < end.late_by < 66 * MINUTE for end in ends)

    def test_a_restart_does_not_make_an_end_late_that_a_list_would_have_told_in_time(self) -> None:
        async def told(post: Post, account: FakeAccount) -> None:
            for number in range(3):
                account.add(f"s_{number}", "gd_1", START - HOUR, (0, "running"), (3_600 + 7_215 + number, "ready"))
            post.watches = watches(account)
            await post.run_for(hours=2)
            await post.run_for(minutes=2)

        ends = [event.transition for event in story(told).events() if event.transition.status == "ready"]
        assert [end.late_by for end in ends] == [timedelta(0)] * 3

"""What Bright Data refuses for good is told once, is no status, and is polled on with growing pauses."""

import asyncio
from datetime import timedelta

from support.fake_account import REFUSED, FakeAccount
from support.fakes import START, watch
from support.polling_world import Post, story

from notifier.core.model import DatasetWatch
from notifier.core.snapshot.refusals import RefusalNews

EVERY = timedelta(seconds=30)


def news_of(post: Post) -> list[RefusalNews]:
    """All that was told, in its order."""
    found = [*(look.refusal for look in post.looked), *(listed.refusal for listed in post.listed)]
    return [each for each in found if each is not None]


def test_a_watch_that_is_answered_400_is_news_once_and_again_when_it_is_over() -> None:
    async def told(post: Post, account: FakeAccount) -> None:
        account.add("s_1", "gd_1", START - timedelta(hours=1), (0, "running"), (3_600 + 8_000, "ready"))
        post.watches = [watch("s_1", name="Prices", on=("all",), every=EVERY)]
        async with post.running():
            await asyncio.sleep(150)
            account.refused.add("s_1")
            account.looks.clear()
            await asyncio.sleep(3_600)
            assert [(each.subject, each.name, each.over) for each in news_of(post)] == [("s_1", "Prices", False)]
            assert news_of(post)[0].detail == REFUSED.detail
            assert account.looks["s_1"] <= 15, "each time after a longer pause, up to ten minutes"
            account.refused.clear()
            await asyncio.sleep(900)
            assert [each.over for each in news_of(post)] == [False, True]
            account.looks.clear()
            await asyncio.sleep(300)
            assert account.looks["s_1"] >= 9, "as usual"
        await post.run_for(hours=2)

    post = story(told)
    assert post.statuses() == {"s_1": ["running", "ready"]}
    assert [each.over for each in news_of(post)] == [False, True]


def test_one_refusal_or_two_are_no_news() -> None:
    async def told(post: Post, account: FakeAccount) -> None:
        account.add("s_1", "gd_1", START, (0, "running"))
        post.watches = [watch("s_1", every=EVERY)]
        async with post.running():
            for _ in range(5):
                account.refused.add("s_1")
                await asyncio.sleep(8)
                account.refused.clear()
                await asyncio.sleep(52)

    assert news_of(story(told)) == []


def test_the_end_is_told_after_a_restart_too_and_a_second_beginning_is_none() -> None:
    async def told(post: Post, account: FakeAccount) -> None:
        account.add("s_1", "gd_1", START, (0, "running"))
        account.refused.add("s_1")
        post.watches = [watch("s_1", every=EVERY)]
        async with post.running():
            post.manager.refused_before({"s_1", "s_unknown"})
            await asyncio.sleep(3_600)
            assert news_of(post) == []
            account.refused.clear()
            await asyncio.sleep(660)

    assert [each.over for each in news_of(story(told))] == [True]


def test_the_list_of_a_watched_dataset_that_is_refused_is_told_too() -> None:
    """Where only snapshots are watched nobody is told: they are polled one by one."""

    async def told(post: Post, account: FakeAccount) -> None:
        for number in range(5):
            account.add(f"s_{number}", "gd_1", START, (0, "running"))
            account.add(f"t_{number}", "gd_2", START, (0, "running"))
        account.refused |= {"gd_1", "gd_2"}
        post.watches = [watch(id_, every=EVERY) for id_ in account.lives if id_.startswith("t_")]
        post.datasets = [
            DatasetWatch(id="all", dataset_id="gd_1", name="All", every=EVERY, notify=("chat",), on=("all",))
        ]
        async with post.running():
            await asyncio.sleep(3_600)
            account.refused.clear()
            await asyncio.sleep(600)

    assert [(each.subject, each.over) for each in news_of(story(told))] == [("gd_1", False), ("gd_1", True)]


def test_a_refused_one_in_a_list_is_found_in_its_turn_and_costs_the_others_nothing() -> None:
    async def told(post: Post, account: FakeAccount) -> None:
        for number in range(10):
            account.add(f"s_{number}", "gd_1", START, (0, "running"), (2_000, "ready"))
        post.watches = [watch(id_, on=("ready",), every=EVERY) for id_ in account.lives]
        async with post.running():
            await asyncio.sleep(60)
            account.refused.add("s_3")
            await asyncio.sleep(2_040)
            ready = [id_ for id_, statuses in post.statuses().items() if statuses[-1] == "ready"]
            assert sorted(ready) == sorted(set(account.lives) - {"s_3"})
            assert [each.subject for each in news_of(post)] == ["s_3"]
            account.refused.clear()
            await asyncio.sleep(660)

    assert all(statuses[-1] == "ready" for statuses in story(told).statuses().values())

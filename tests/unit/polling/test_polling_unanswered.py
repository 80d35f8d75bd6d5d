"""Looks that hang cost the looks at other snapshots little: each holds a request's place for the whole timeout."""

import asyncio
from datetime import timedelta

import pytest
from support.fake_account import HANGS_FOR, FakeAccount
from support.fakes import START, watch
from support.polling_world import Post, story

from notifier.core.snapshot.unanswered import LONGEST_PAUSE

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def account_of(post: Post, account: FakeAccount, number: int, *, every: timedelta, hung: int) -> None:
    """So many snapshots of datasets of their own, the first of which hang."""
    for each in range(number):
        account.add(f"s_{each}", f"gd_{each}", START - timedelta(hours=1), (0, "running"), (3_600 + 7_200, "ready"))
    account.hung = {f"s_{each}" for each in range(hung)}
    post.watches = [watch(snapshot_id, every=every) for snapshot_id in account.lives]
    post.lists = False


@pytest.mark.parametrize(("number", "hung"), [(40, 8), (50, 25), (120, 60)])
def test_others_are_looked_at_in_time_however_many_looks_hang(number: int, hung: int) -> None:
    """Before, with half of 200 hanging, the others were looked at two minutes late, each time."""

    async def told(post: Post, account: FakeAccount) -> None:
        account_of(post, account, number, every=30 * SECOND, hung=hung)
        await post.run_for(minutes=12)

    post = story(told)
    lags = [
        look.lag
        for look in post.looked
        if look.watch.snapshot_id not in post.account.hung and look.observation is not None
    ][-(number - hung) * 10 :]
    assert len(lags) == (number - hung) * 10
    assert sorted(lags)[int(len(lags) * 0.99)] <= 2 * SECOND
    for snapshot_id in post.account.hung:
        assert post.account.looks[snapshot_id] >= 2, "nor is what hangs given up"


def test_what_hung_is_told_at_most_five_minutes_after_its_answers_come_again() -> None:
    async def told(post: Post, account: FakeAccount) -> None:
        account_of(post, account, 20, every=30 * SECOND, hung=8)
        async with post.running():
            await asyncio.sleep(7_200 + 600)  # all are ready by then; what hangs is not known to be
            account.hung = set()
            await asyncio.sleep((LONGEST_PAUSE + 30 * SECOND).total_seconds())

    post = story(told)
    assert {words[-1] for words in post.statuses().values()} == {"ready"}
    assert len(post.statuses()) == 20


def test_where_nobody_is_answered_nothing_is_polled_more_seldom() -> None:
    async def told(post: Post, account: FakeAccount) -> None:
        account_of(post, account, 4, every=30 * SECOND, hung=4)
        await post.run_for(minutes=30)

    post = story(told)
    at_least = 30 * MINUTE / (30 * SECOND + HANGS_FOR + 20 * SECOND)
    assert min(post.account.looks.values()) >= at_least

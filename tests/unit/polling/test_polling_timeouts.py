"""Polls that hang delay other snapshots little, although each takes a concurrent request for the whole timeout."""

import asyncio
from datetime import timedelta

import pytest
from support.fake_account import HANGS_FOR, FakeAccount
from support.fakes import START, watch
from support.polling_world import PollingWorld, run_scenario

from notifier.core.snapshot.poll_timeouts import LONGEST_PAUSE

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def account_of(world: PollingWorld, account: FakeAccount, number: int, *, every: timedelta, hung: int) -> None:
    """Return an account with this many snapshots, each of its own dataset; the first of them hang."""
    for each in range(number):
        account.add(f"s_{each}", f"gd_{each}", START - timedelta(hours=1), (0, "running"), (3_600 + 7_200, "ready"))
    account.hung = {f"s_{each}" for each in range(hung)}
    world.watches = [watch(snapshot_id, every=every) for snapshot_id in account.lives]
    world.lists = False


@pytest.mark.parametrize(("number", "hung"), [(40, 8), (50, 25), (120, 60)])
def test_others_are_polled_in_time_however_many_polls_hang(number: int, hung: int) -> None:
    """Without the growing pauses, 100 of 200 that hang delay the others by two minutes, each time."""

    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        account_of(world, account, number, every=30 * SECOND, hung=hung)
        await world.run_for(minutes=12)

    world = run_scenario(scenario)
    lags = [
        poll.lag
        for poll in world.polled
        if poll.watch.snapshot_id not in world.account.hung and poll.observation is not None
    ][-(number - hung) * 10 :]
    assert len(lags) == (number - hung) * 10
    assert sorted(lags)[int(len(lags) * 0.99)] <= 2 * SECOND
    for snapshot_id in world.account.hung:
        assert world.account.polls[snapshot_id] >= 2, "nor is what hangs given up"


def test_what_hung_is_told_at_most_five_minutes_after_its_answers_come_again() -> None:
    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        account_of(world, account, 20, every=30 * SECOND, hung=8)
        async with world.running():
            await asyncio.sleep(7_200 + 600)  # all are ready by then, but those that hang are not known to be
            account.hung = set()
            await asyncio.sleep((LONGEST_PAUSE + 30 * SECOND).total_seconds())

    world = run_scenario(scenario)
    assert {words[-1] for words in world.statuses().values()} == {"ready"}
    assert len(world.statuses()) == 20


def test_where_nobody_is_answered_nothing_is_polled_more_seldom() -> None:
    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        account_of(world, account, 4, every=30 * SECOND, hung=4)
        await world.run_for(minutes=30)

    world = run_scenario(scenario)
    at_least = 30 * MINUTE / (30 * SECOND + HANGS_FOR + 20 * SECOND)
    assert min(world.account.polls.values()) >= at_least

"""A snapshot that a dataset's list still has is notified of once, whatever retention removed or lists omit."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.fake_account import FakeAccount
from support.fakes import START, watch
from support.polling_world import PollingWorld, run_scenario

from notifier.core.snapshot.model import AGAIN, DatasetWatch
from notifier.core.snapshot.statuses import ENDS
from notifier.polling.dataset_group import PRUNE_EVERY

DAY = timedelta(days=1)
KEEP = 3 * DAY
EVERY = timedelta(seconds=30)
WHOLE = DatasetWatch(id="all", dataset_id="gd_1", name="All", every=EVERY, notify=(), on=("all",))


@dataclass(frozen=True)
class Step:
    """A run of the notifier, and the changes before it."""

    passes: int
    clock_moves: int
    forgets: bool
    dates: bool
    killed: bool


steps = st.builds(
    Step,
    passes=st.sampled_from([0, 60, 90_000, 4 * 86_400]),
    clock_moves=st.sampled_from([0, 0, -10, 10, 400]),
    forgets=st.booleans(),
    dates=st.booleans(),
    killed=st.booleans(),
)


def add(account: FakeAccount) -> None:
    """Add old snapshots, some that end while they are watched, and one that stays in progress."""
    account.add("s_old", "gd_1", START - timedelta(hours=5), (0, "running"), (60, "ready"))
    account.add("s_older", "gd_1", START - 30 * DAY, (0, "running"), (60, "failed"))
    account.add("s_undated", "gd_1", START - 30 * DAY, (0, "running"), (60, "ready"), dated=False)
    for number in range(4):
        begun = START + number * timedelta(seconds=50)
        account.add(f"s_{number}", "gd_1", begun, (0, "running"), (70, "ready"), dated=bool(number % 2))
    account.add("s_own", "gd_1", START, (0, "running"), (40, "ready"))
    account.add("s_goes_on", "gd_1", START, (0, "running"))


def ends_told(world: PollingWorld) -> dict[str, list[str]]:
    """Return the ends of each snapshot that had an event, also if retention has removed the event."""
    found: dict[str, list[str]] = {}
    for poll in world.polled:
        for each in poll.committed:
            if each.event.transition.status in {*ENDS, AGAIN}:
                found.setdefault(each.event.transition.snapshot_id, []).append(each.event.transition.status)
    return found


async def forget(world: PollingWorld) -> None:
    """Remove old history, as the maintenance does."""
    now = world.clock.now()
    watched = {each.snapshot_id for each in world.watches}
    datasets = {each.id: each.dataset_id for each in world.datasets}
    await world.store.maintenance.prune(before=now - world.keep, watched=watched, now=now, datasets=datasets)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(steps, min_size=1, max_size=6))
def test_over_restarts_retention_dates_and_clocks_nothing_is_told_twice(some: list[Step]) -> None:
    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        add(account)
        dates = True
        account.clock = lambda: START + timedelta(seconds=world.clock.monotonic())
        account.dates = lambda: dates
        world.keep = KEEP
        world.datasets = [WHOLE]
        world.watches = [watch("s_own", notify=(), on=("all",))]
        await world.run_for(seconds=400)
        for step in some:
            world.clock.move(step.passes)
            world.clock.set_wall(step.clock_moves * DAY)
            dates = step.dates
            async with world.running(killed=step.killed):
                await asyncio.sleep(45)
                if step.forgets:
                    await forget(world)
                await asyncio.sleep(45)

    ends = ends_told(run_scenario(scenario))
    assert ends == {id_: ["ready"] for id_ in ("s_own", *(f"s_{number}" for number in range(4)))}


@pytest.mark.parametrize("missed_for", [2 * KEEP, KEEP / 2])
def test_what_no_list_has_had_for_long_is_forgotten_for_good(missed_for: timedelta) -> None:
    """A snapshot that lists omit for a while is remembered."""

    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        add(account)
        gone_at = START + timedelta(seconds=500)

        def missed(now: datetime) -> bool:
            return gone_at < now < gone_at + missed_for

        for id_ in ("s_older", "s_undated", "s_0"):
            account.lives[id_].missed = missed
        world.keep = KEEP
        world.datasets = [WHOLE]
        await world.run_for(seconds=400)
        rows: list[set[str]] = []
        for _ in range(8):
            async with world.running():
                await asyncio.sleep(40)
                await forget(world)
                rows.append(await world.store.datasets.past("gd_1", ["s_older", "s_0", "s_1"]))
            world.clock.move(PRUNE_EVERY.total_seconds())
        assert all("s_older" in each for each in rows) == (missed_for < KEEP)
        assert "s_1" in rows[-1]

    ends = ends_told(run_scenario(scenario))
    if missed_for < KEEP:
        assert ends == {id_: ["ready"] for id_ in ("s_own", *(f"s_{number}" for number in range(4)))}


def test_a_baseline_of_100_000_is_remembered_in_little_room() -> None:
    """Each takes about 40 bytes."""

    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        ids = [f"sd_{number:017}" for number in range(100_000)]
        before = world.path.stat().st_size
        async with world.running():
            await world.store.datasets.begin("gd_1", START, [], ids, WHOLE.watch_for)
        assert (world.path.stat().st_size - before) / len(ids) < 60

    run_scenario(scenario)

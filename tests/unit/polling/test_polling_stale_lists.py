"""Whatever lists say, and for however long, an end is noticed within a bound, and operators get one notice."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.fake_account import FakeAccount
from support.fakes import START, watch
from support.polling_world import PollingWorld, run_scenario

from notifier.core.snapshot.model import DatasetWatch
from notifier.core.snapshot.rotation import TRUSTED_AGAIN_AFTER, confirm_period

SECOND = timedelta(seconds=1)
EVERY = 30 * SECOND
PERIOD = confirm_period(EVERY)
BOUND = 2 * PERIOD
BEGAN = timedelta(days=2)
"""Before all of the lags, so that a list shows each: what no list has ever had nobody can find."""


@dataclass(frozen=True)
class Model:
    """How lists are behind: frozen, lagging, from a cache that answers alternately, or with other words."""

    kind: str
    lag: int
    omits: float
    seed: int

    def play(self, account: FakeAccount) -> None:
        """Make the account's lists behave like this."""
        dice = random.Random(self.seed)
        frozen_at = START + timedelta(seconds=60)

        def lag() -> timedelta:
            now = datetime.now(START.tzinfo)
            match self.kind:
                case "frozen":
                    return max(now - frozen_at, timedelta(0))
                case "lags":
                    return self.lag * SECOND
                case _:
                    return dice.choice((0, self.lag)) * SECOND

        account.lag = lag
        for life in account.lives.values():
            if self.kind == "words":
                life.listed_as = {"ready": "running", "failed": "running"}
            if self.omits:
                life.missed = lambda _: dice.random() < self.omits


models = st.builds(
    Model,
    st.sampled_from(["frozen", "lags", "flaps", "words"]),
    st.sampled_from([5, 45, 600, 100_000]),
    st.sampled_from([0.0, 0.0, 0.2]),
    st.integers(0, 1_000),
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    model=models,
    ends=st.lists(st.integers(70, 1_500), min_size=3, max_size=12),
    found=st.booleans(),
    restarts=st.lists(st.integers(20, 400), max_size=3),
)
def test_an_end_is_told_within_a_bound_whatever_the_lists_say(
    model: Model, ends: list[int], found: bool, restarts: list[int]
) -> None:
    """The snapshot is configured or found in a dataset, and the notifier is restarted."""

    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        for number, at in enumerate(ends):
            account.add(f"s_{number}", "gd_1", START - BEGAN, (0, "running"), (BEGAN.total_seconds() + at, "ready"))
        model.play(account)
        if found:
            world.datasets = [
                DatasetWatch(id="all", dataset_id="gd_1", name="All", every=EVERY, notify=("chat",), on=("ready",))
            ]
        else:
            world.watches = [watch(id_, on=("ready",), every=EVERY) for id_ in account.lives]
        for seconds in restarts:
            await world.run_for(seconds=seconds)
        await world.run_for(seconds=1_600 + BOUND.total_seconds())

    world = run_scenario(scenario, seed=model.seed)
    took = ended(world)
    assert set(took) == set(world.account.lives), "every end is told"
    assert max(took.values()) <= BOUND, took
    statuses = world.statuses().values()
    assert all(each.count("ready") == 1 and "again" not in each for each in statuses), statuses


def ended(world: PollingWorld) -> dict[str, timedelta]:
    """Return how long after its end each had its event."""
    ends = {id_: life.words[-1][0] for id_, life in world.account.lives.items()}
    transitions = [event.transition for event in world.events() if event.transition.status == "ready"]
    return {each.snapshot_id: each.observed_at - ends[each.snapshot_id] for each in transitions}


def stands_still_until(fresh_at: datetime) -> Callable[[], timedelta]:
    """Make lists show the state at START."""

    def lag() -> timedelta:
        now = datetime.now(START.tzinfo)
        return now - START if now < fresh_at else timedelta(0)

    return lag


def test_a_list_that_stands_still_is_told_once_polled_around_and_its_end_told_once() -> None:
    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        for number in range(12):
            account.add(f"s_{number}", "gd_1", START - SECOND, (0, "running"), (300 + 400 * number, "ready"))
        account.lag = stands_still_until(START + timedelta(seconds=3_000))
        world.watches = [watch(id_, on=("ready",), every=EVERY) for id_ in account.lives]
        async with world.running():
            await asyncio.sleep(3_000)
            assert [each.stale for each in world.trust] == [True]
            late = ended(world)
            assert len(late) == 7
            assert max(late[f"s_{number}"] for number in range(2, 7)) <= 1.5 * EVERY, "polled as if there were no list"
            await asyncio.sleep(TRUSTED_AGAIN_AFTER.total_seconds() - 60)
            assert len(world.trust) == 1, "a cache may answer in turns"
            await asyncio.sleep(180)

    news = run_scenario(scenario).trust
    assert [each.stale for each in news] == [True, False]
    assert (news[0].dataset_id, news[0].status, news[0].listed_as) == ("gd_1", "ready", "running")
    assert news[1].lasted is not None
    assert timedelta(minutes=50) < news[1].lasted < timedelta(minutes=60)


def test_what_was_told_before_a_restart_is_told_to_be_over_after_it() -> None:
    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        for number in range(5):
            account.add(f"s_{number}", "gd_1", START - SECOND, (0, "running"))
        world.watches = [watch(id_, every=EVERY) for id_ in account.lives]
        await world.run_for(seconds=60)
        async with world.running():
            world.manager.restore_distrust(["gd_1", "gd_2"])
            await asyncio.sleep(TRUSTED_AGAIN_AFTER.total_seconds() + 60)

    assert [(each.dataset_id, each.stale, each.lasted) for each in run_scenario(scenario).trust] == [
        ("gd_1", False, None)
    ]


def test_where_no_list_is_asked_for_any_more_the_trouble_is_over() -> None:
    """The last two snapshots are polled individually."""

    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        for number in range(5):
            account.add(f"s_{number}", "gd_1", START - SECOND, (0, "running"), (300 + 400 * number, "ready"))
        account.lag = stands_still_until(START + timedelta(days=1))
        world.watches = [watch(id_, on=("ready",), every=EVERY) for id_ in account.lives]
        await world.run_for(seconds=3_000)

    assert [each.stale for each in run_scenario(scenario).trust] == [True, False]


def test_a_list_that_is_a_few_seconds_behind_is_no_trouble() -> None:
    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        for number in range(10):
            account.add(f"s_{number}", "gd_1", START - SECOND, (0, "running"), (60 + 60 * number, "ready"))
        account.lag = lambda: 20 * SECOND
        world.watches = [watch(id_, on=("ready",), every=EVERY) for id_ in account.lives]
        await world.run_for(seconds=1_800)

    assert run_scenario(scenario).trust == []


@pytest.mark.parametrize("busy", [0, 40])
def test_the_rotation_takes_only_what_is_left_over(busy: int) -> None:
    """Watches that need the whole budget are polled as without rotation, and each list still adds one poll."""

    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        world.rate = 1.0
        for number in range(60):
            account.add(f"s_{number:02}", "gd_1", START - timedelta(hours=1), (0, "running"))
        for number in range(busy):
            account.add(f"b_{number:02}", f"gd_b{number}", START - timedelta(hours=1), (0, "running"))
        world.watches = [watch(id_, every=EVERY) for id_ in account.lives]
        async with world.running():
            await asyncio.sleep(400)
            world.forget_polls()
            lists = account.lists["gd_1"]
            await asyncio.sleep(1_200)
            lists = account.lists["gd_1"] - lists
            turns, polls = world.turns.total(), world.needed_polls().total()
        assert account.requests <= 1_610
        if busy:
            assert polls >= 0.9 * (1_200 - 2 * lists), "the others have what they had"
            assert turns >= lists - 1, "one for each list in any case"
        else:
            assert turns >= 200, "each every five minutes"

    run_scenario(scenario)


def test_a_restart_does_not_ask_everything_at_once() -> None:
    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        for number in range(500):
            account.add(f"s_{number}", "gd_1", START - timedelta(hours=1), (0, "running"))
        world.watches = [watch(id_, every=EVERY) for id_ in account.lives]
        await world.run_for(seconds=300)
        world.forget_polls()
        await world.run_for(seconds=60)
        assert world.turns.total() <= 60 * 500 / PERIOD.total_seconds() + 10
        asked = set(world.turns)
        world.forget_polls()
        await world.run_for(seconds=60)
        assert not asked & set(world.turns), "and goes on where it was"

    run_scenario(scenario)

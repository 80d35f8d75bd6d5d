"""A reload of thousands of watches lets others run every few: counted, not timed, for machines differ."""

import asyncio
import gc
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fake_account import FakeAccount
from support.fakes import START, watch
from support.polling_world import PollingWorld, run_scenario

from notifier.app.gc_tuning import keep, tidy
from notifier.core.snapshot.budget import Needs, budget
from notifier.polling.reconcile import SLICE

MANY = 3_000
MOST = 3 * SLICE
"""A slice of 250 watches is taken up, and each is touched up to three times."""


class Rounds:
    """Counts what is done in each round of the loop."""

    def __init__(self) -> None:
        self.rounds = 0
        self.touched = 0
        self._in_this = 0
        self.most = 0

    def counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same call, counted."""

        def counting(*arguments: Any, **named: Any) -> Any:
            self.touched += 1
            self._in_this += 1
            self.most = max(self.most, self._in_this)
            return call(*arguments, **named)

        return counting

    async def of(self, work: Coroutine[Any, Any, object]) -> None:
        """Count the rounds until it is done."""
        turning = asyncio.create_task(self._turn())
        try:
            await work
        finally:
            turning.cancel()
            with suppress(asyncio.CancelledError):
                await turning

    async def _turn(self) -> None:
        while True:
            self.rounds += 1
            self._in_this = 0
            await asyncio.sleep(0)


@pytest.mark.parametrize("lists", [True, False])
def test_whatever_changes_no_round_of_the_loop_takes_up_more_than_a_slice(lists: bool) -> None:
    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        ids = [f"s_{number}" for number in range(MANY)]
        world.watches = [watch(each) for each in ids]
        world.lists = lists
        async with world.running():
            for count, name in ((world.poller, "pause"), (world.schedule, "advance"), (world.schedule, "remove")):
                setattr(count, name, rounds.counted(getattr(count, name)))
            others = [watch(each, every=timedelta(seconds=15)) for each in ids[MANY // 3 :]]
            added = [watch(f"new_{number}") for number in range(MANY // 3)]
            await rounds.of(world.manager.reload([*others, *added], (), lists=lists))
            assert len(world.schedule) == MANY

    rounds = Rounds()
    run_scenario(scenario)
    assert rounds.touched >= MANY
    assert rounds.most <= MOST


def test_the_budget_is_added_up_in_slices() -> None:
    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        world.watches = [watch(f"s_{number}") for number in range(MANY)]
        async with world.running():
            await rounds.of(world.manager.budget(10))

    rounds = Rounds()
    run_scenario(scenario)
    assert rounds.rounds >= MANY / SLICE


@given(st.lists(st.integers(1, 3600), max_size=30), st.integers(0, 30))
def test_what_is_needed_is_the_same_however_it_is_sliced(seconds: list[int], cut: int) -> None:
    watches = [watch(f"s_{n}", every=timedelta(seconds=each)) for n, each in enumerate(seconds)]
    needs = Needs(states={}, now=START)
    needs.add(watches[:cut])
    needs.add(watches[cut:])
    assert needs.budget((), 10) == budget(watches, states={}, now=START, available=10)


def test_while_a_reload_goes_on_garbage_collection_visits_only_what_is_new() -> None:
    full: list[int] = []

    def noted(phase: str, info: dict[str, int]) -> None:
        full.extend([1] if phase == "start" and info["generation"] == 2 else [])

    before = gc.get_threshold()
    with tidy():
        gc.callbacks.append(noted)
        new = [[each] for each in range(300_000)]
        gc.callbacks.remove(noted)
    assert new
    assert not full
    assert gc.get_threshold() == before


def test_what_is_kept_is_passed_over_and_goes_by_itself() -> None:
    new = [[each] for each in range(10_000)]
    before = gc.get_freeze_count()
    try:
        keep()
        assert gc.get_freeze_count() >= before + len(new)
        kept = gc.get_freeze_count()
        del new
        assert gc.get_freeze_count() < kept - 9_000
    finally:
        gc.unfreeze()

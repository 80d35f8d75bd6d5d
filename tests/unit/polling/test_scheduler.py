"""Each watch is polled on its grid, whatever the clock does, until its snapshot has ended or a poll raises."""

import asyncio
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from support import jobs
from support.fakes import START, on_grid
from support.moving_clock import MovingClock, run
from support.poll_schedules import EVERY, Polls, tell

from notifier.app.jobs import CLOCK_CHECK


def test_a_watch_is_polled_at_its_first_time_and_then_on_its_grid_without_drift() -> None:
    async def story(polls: Polls) -> None:
        polls.add(first_s=5)
        async with polls.running():
            await asyncio.sleep(3_600)

    polls = tell(story)
    first, *rest = polls.times("s_1")
    assert first == START + timedelta(seconds=5)
    assert on_grid(rest, EVERY)
    assert len(rest) in (119, 120)
    assert all(due == began for _, due, began in polls.made)


def test_an_ended_watch_leaves_the_schedule() -> None:
    async def story(polls: Polls) -> None:
        polls.pauses = {"s_1": [EVERY, None]}
        polls.add("s_1")
        polls.add("s_2")
        async with polls.running():
            await asyncio.sleep(600)
            assert set(polls.schedule.next_polls()) == {"s_2"}

    polls = tell(story)
    assert len(polls.times("s_1")) == 2
    assert len(polls.times("s_2")) >= 20


def test_another_pause_puts_the_watch_on_another_grid() -> None:
    slow = timedelta(minutes=10)

    async def story(polls: Polls) -> None:
        polls.pauses = {"s_1": [EVERY, EVERY, slow, slow, slow]}
        polls.add()
        async with polls.running():
            await asyncio.sleep(1_800)

    times = tell(story).times("s_1")
    assert on_grid(times[1:3], EVERY)
    assert on_grid(times[3:6], slow)
    assert times[3] - times[2] <= slow


def test_the_poll_that_raises_ends_run_with_its_exception() -> None:
    async def story(polls: Polls) -> None:
        async def fail(_key: str) -> None:
            if len(polls.made) == 3:
                raise RuntimeError("the store is gone")

        polls.during = fail
        polls.add()
        with pytest.raises(RuntimeError, match="the store is gone"):
            async with jobs.running(polls.jobs, jobs.polls(polls.schedule)):
                await polls.schedule.run()
        await asyncio.sleep(600)

    assert len(tell(story).made) == 3


def test_a_slow_poll_is_not_begun_again_before_its_end() -> None:
    async def story(polls: Polls) -> None:
        async def slowly(_key: str) -> None:
            await asyncio.sleep(100)

        polls.during = slowly
        polls.add()
        async with polls.running():
            await asyncio.sleep(1_000)

    assert all(later - earlier >= timedelta(seconds=100) for earlier, later in pairwise(tell(story).times("s_1")))


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(days=365)])
def test_a_clock_set_ahead_costs_one_poll_at_once(ahead: timedelta) -> None:
    async def story(polls: Polls) -> None:
        for number in range(20):
            polls.add(f"s_{number}")
        async with polls.running():
            await asyncio.sleep(60)
            polls.made.clear()
            polls.clock.set_wall(ahead)
            await asyncio.sleep(CLOCK_CHECK.total_seconds() + 1)
            overdue = {each: due for each, due, _ in reversed(polls.made)}
            assert set(overdue) == {f"s_{number}" for number in range(20)}
            assert max(overdue.values()) < polls.clock.now() - ahead + EVERY  # due before the clock was set
            await asyncio.sleep(60)

    polls = tell(story)
    assert polls.shifts == [ahead]
    assert all(len(polls.times(f"s_{number}")) in (2, 3, 4) for number in range(20))


@pytest.mark.parametrize("back", [timedelta(minutes=5), timedelta(hours=1), timedelta(days=365)])
def test_a_clock_set_back_holds_no_poll_up_for_longer_than_its_pause(back: timedelta) -> None:
    async def story(polls: Polls) -> None:
        polls.add()
        async with polls.running():
            await asyncio.sleep(60)
            polls.made.clear()
            polls.clock.set_wall(-back)
            await asyncio.sleep((CLOCK_CHECK + EVERY).total_seconds() + 1)
            assert polls.made

    assert tell(story).shifts == [-back]


def test_a_clock_that_is_corrected_by_little_is_no_shift() -> None:
    async def story(polls: Polls) -> None:
        async with polls.running():
            polls.clock.set_wall(timedelta(seconds=1.9))
            await asyncio.sleep(60)

    assert tell(story).shifts == []


class TestDrain:
    def test_drain_lets_polls_end_in_time_and_cancels_the_others(self) -> None:
        ended: list[str] = []

        async def story(polls: Polls) -> None:
            async def take_time(key: str) -> None:
                try:
                    await asyncio.sleep(0.5 if key == "s_quick" else 50)
                    ended.append(key)
                except asyncio.CancelledError:
                    await asyncio.sleep(0)  # closing a connection
                    ended.append(f"{key} cancelled")
                    raise

            polls.during = take_time
            polls.add("s_quick")
            polls.add("s_slow")
            async with polls.running():
                await asyncio.sleep(0.1)
            assert polls.clock.monotonic() == pytest.approx(1.1, abs=0.01)

        tell(story)
        assert ended == ["s_quick", "s_slow cancelled"]

    def test_drain_of_a_scheduler_that_never_ran_ends_at_once(self) -> None:
        async def story(polls: Polls) -> None:
            polls.add()
            await polls.schedule.drain(timedelta(seconds=1))

        assert tell(story).made == []

    def test_drain_raises_what_a_last_poll_raises(self) -> None:
        async def story(polls: Polls) -> None:
            async def fail(_key: str) -> None:
                await asyncio.sleep(0.5)
                raise RuntimeError("the disk is full")

            polls.during = fail
            polls.add()
            with pytest.raises(RuntimeError, match="the disk is full"):
                async with polls.running():
                    await asyncio.sleep(0.1)

        tell(story)

    def test_after_a_failure_the_other_polls_end_before_the_loop_does_whatever_they_raise(self) -> None:
        """Otherwise the event loop logs their exceptions at its end as never retrieved."""
        ended: list[str] = []

        async def story(polls: Polls) -> None:
            async def raise_when_cancelled(key: str) -> None:
                if key == "s_1":
                    raise RuntimeError("the disk is full")
                try:
                    await asyncio.sleep(50)
                except asyncio.CancelledError:
                    ended.append(key)
                    raise OSError("the database is closed") from None

            polls.during = raise_when_cancelled
            polls.add("s_2")
            polls.add("s_1", first_s=1)
            with pytest.raises(RuntimeError):
                async with jobs.running(polls.jobs, jobs.polls(polls.schedule)):
                    await polls.schedule.run()
            await polls.schedule.cancel()
            assert ended == ["s_2"]

        tell(story)


def test_the_moving_clock_moves_both_clocks_to_what_is_waited_for() -> None:
    async def test(clock: MovingClock) -> tuple[datetime, float]:
        await asyncio.sleep(86_400)
        clock.set_wall(timedelta(hours=-1))
        return clock.now(), clock.monotonic()

    wall, monotonic = run(test)
    assert wall == START + timedelta(hours=23)
    assert monotonic == pytest.approx(86_400)

"""When each watch is polled: on its grid, whatever the clock does, until it has ended or a poll fails."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from support import jobs
from support.fakes import START, on_grid
from support.moving_clock import MovingClock, run

from notifier.app.components import POLLS
from notifier.app.job_runner import JobRunner
from notifier.app.jobs import CLOCK_CHECK
from notifier.brightdata.limits.permit import Permit
from notifier.polling.scheduler import MAX_CONCURRENT, PollScheduler

EVERY = timedelta(seconds=30)


class Requests:
    """Lets requests go: any number, or so many at once, or none while it is shut."""

    def __init__(self) -> None:
        self.most = 1_000_000
        self.in_flight = 0
        self.given_back = 0
        self._changed = asyncio.Event()

    async def admit(self) -> Permit:
        while self.in_flight >= self.most:
            self._changed.clear()
            await self._changed.wait()
        self.in_flight += 1
        return Permit(self.release)

    def release(self) -> None:
        self.in_flight -= 1
        self.given_back += 1
        self._changed.set()


class Polls:
    """What a schedule does: remembers each poll as its key, its due time, and when it began."""

    def __init__(self, clock: MovingClock) -> None:
        self.clock = clock
        self.made: list[tuple[str, datetime, datetime]] = []
        self.pauses: dict[str, list[timedelta | None]] = {}
        self.during: Callable[[str], Awaitable[None]] | None = None
        self.shifts: list[timedelta] = []
        self.requests = Requests()
        self.jobs = JobRunner()
        self.schedule = PollScheduler(
            poll=self,
            admit=self.requests.admit,
            clock=clock.now,
            clock_shifted=self.shifts.append,
            wake_by=lambda due: self.jobs.wake_by(POLLS, due),
        )

    async def __call__(self, key: str, due: datetime, permit: Permit) -> timedelta | None:
        self.made.append((key, due, self.clock.now()))
        if self.during is not None:
            await self.during(key)
        pauses = self.pauses.get(key)
        return pauses.pop(0) if pauses else EVERY

    def times(self, watch_id: str) -> list[datetime]:
        return [began for each, _, began in self.made if each == watch_id]

    def add(self, watch_id: str = "s_1", *, first_s: float = 0.0, pause: timedelta = EVERY) -> None:
        self.schedule.add(watch_id, pause=pause, first=self.clock.now() + timedelta(seconds=first_s))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The schedule at work; ended as the daemon ends it."""
        task = asyncio.create_task(self.schedule.run())
        await asyncio.sleep(0)
        try:
            async with jobs.running(self.jobs, jobs.polls(self.schedule)):
                yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await self.schedule.drain(timedelta(seconds=1))
            await asyncio.sleep(0)


Story = Callable[[Polls], Coroutine[Any, Any, None]]


def tell(story: Story) -> Polls:
    """Run the story in a time of its own."""

    async def test(clock: MovingClock) -> Polls:
        polls = Polls(clock)
        await story(polls)
        return polls

    return run(test)


def test_a_watch_is_polled_first_when_told_and_then_on_its_grid_without_drift() -> None:
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
    def test_polls_that_end_in_time_are_let_end_and_the_others_cancelled(self) -> None:
        ended: list[str] = []

        async def story(polls: Polls) -> None:
            async def take_time(key: str) -> None:
                try:
                    await asyncio.sleep(0.5 if key == "s_quick" else 50)
                    ended.append(key)
                except asyncio.CancelledError:
                    await asyncio.sleep(0)  # letting go of a connection
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

    def test_a_schedule_that_never_ran_is_drained_already(self) -> None:
        async def story(polls: Polls) -> None:
            polls.add()
            await polls.schedule.drain(timedelta(seconds=1))

        assert tell(story).made == []

    def test_what_a_last_poll_raises_is_not_lost(self) -> None:
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
        """The event loop would log what they raise at its end, as an exception that nobody handled."""
        ended: list[str] = []

        async def story(looks: Looks) -> None:
            async def raise_when_cancelled(key: str) -> None:
                if key == "s_1":
                    raise RuntimeError("the disk is full")
                try:
                    await asyncio.sleep(50)
                except asyncio.CancelledError:
                    ended.append(key)
                    raise OSError("the database is closed") from None

            looks.during = raise_when_cancelled
            looks.add("s_2")
            looks.add("s_1", first_s=1)
            with pytest.raises(RuntimeError):
                async with jobs.running(looks.jobs, jobs.polls(looks.schedule)):
                    await looks.schedule.run()
            await looks.schedule.cancel()
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


class TestQueue:
    """More is due than may go."""

    def test_nothing_begins_that_may_not_go_and_the_most_overdue_goes_first(self) -> None:
        async def story(polls: Polls) -> None:
            polls.requests.most = 1

            async def take_time(_key: str) -> None:
                await asyncio.sleep(1)
                assert polls.requests.in_flight == 1

            polls.during = take_time
            polls.pauses = {f"s_{number}": [None] for number in range(10)}
            for number in reversed(range(10)):
                polls.add(f"s_{number}", first_s=number / 10, pause=timedelta(hours=1))
            async with polls.running():
                await asyncio.sleep(20)

        polls = tell(story)
        assert [key for key, _, _ in polls.made] == [f"s_{number}" for number in range(10)]
        assert (polls.requests.in_flight, polls.requests.given_back) == (0, 10)

    def test_what_is_under_way_is_bounded_even_if_its_requests_are_done(self) -> None:
        async def story(polls: Polls) -> None:
            committed = asyncio.Event()

            async def commit(_key: str) -> None:
                polls.requests.in_flight = 0
                await committed.wait()

            polls.during = commit
            for number in range(2 * MAX_CONCURRENT):
                polls.add(f"s_{number}", pause=timedelta(hours=1))
            async with polls.running():
                await asyncio.sleep(1)
                assert len(polls.made) == MAX_CONCURRENT
                committed.set()
                await asyncio.sleep(1)

        assert len({key for key, _, _ in tell(story).made}) == 2 * MAX_CONCURRENT

    def test_a_young_snapshot_goes_before_an_old_one_that_is_as_overdue(self) -> None:
        async def story(polls: Polls) -> None:
            polls.requests.most = 0
            polls.add("old", pause=timedelta(minutes=10))
            polls.add("young", pause=timedelta(seconds=10), first_s=1)
            async with polls.running():
                await asyncio.sleep(2)
                polls.requests.most = 1
                polls.requests.release()
                polls.requests.in_flight = 0
                await asyncio.sleep(5)

        assert [key for key, _, _ in tell(story).made][:2] == ["young", "old"]

    def test_nobody_starves_however_many_young_ones_there_are(self) -> None:
        async def story(polls: Polls) -> None:
            polls.requests.most = 1

            async def take_time(_key: str) -> None:
                await asyncio.sleep(1)

            polls.during = take_time
            polls.pauses = {f"young_{number}": [timedelta(seconds=10)] * 100 for number in range(20)}
            polls.add("old", pause=timedelta(minutes=10))
            for number in range(20):
                polls.add(f"young_{number}", pause=timedelta(seconds=10))
            async with polls.running():
                await asyncio.sleep(60)

        assert tell(story).times("old")

    def test_what_is_removed_while_it_waits_is_not_polled_and_its_turn_is_another_ones(self) -> None:
        async def story(polls: Polls) -> None:
            polls.requests.most = 0
            polls.add("s_1")
            polls.add("s_2")
            async with polls.running():
                await asyncio.sleep(1)
                polls.schedule.remove("s_1")
                polls.requests.most = 2
                polls.requests.release()
                polls.requests.in_flight = 0
                await asyncio.sleep(1)

        polls = tell(story)
        assert [key for key, _, _ in polls.made] == ["s_2"]
        assert polls.requests.in_flight == 0

    def test_what_is_hastened_is_polled_at_once_and_then_on_its_grid(self) -> None:
        async def story(polls: Polls) -> None:
            polls.add("s_1", first_s=500, pause=timedelta(hours=1))
            async with polls.running():
                await asyncio.sleep(10)
                polls.schedule.hasten("s_1")
                polls.schedule.hasten("s_unknown")
                await asyncio.sleep(120)

        polls = tell(story)
        first, *rest = polls.times("s_1")
        assert first == START + timedelta(seconds=10)
        assert on_grid(rest, EVERY)

    def test_what_is_added_again_while_it_is_polled_goes_by_its_new_time(self) -> None:
        async def story(polls: Polls) -> None:
            async def put_off(key: str) -> None:
                if len(polls.made) == 1:
                    polls.schedule.add(key, pause=EVERY, first=polls.clock.now() + timedelta(seconds=100))

            polls.during = put_off
            polls.add("s_1")
            async with polls.running():
                await asyncio.sleep(150)

        first, second, *_ = tell(story).times("s_1")
        assert second - first == timedelta(seconds=100)

    def test_how_overdue_the_most_overdue_is_can_be_told(self) -> None:
        async def story(polls: Polls) -> None:
            polls.requests.most = 0
            async with polls.running():
                assert polls.schedule.overdue == timedelta(0)
                polls.add("s_1")
                polls.add("s_2", first_s=5)
                await asyncio.sleep(10)
                assert polls.schedule.overdue == timedelta(seconds=10)
                assert polls.made == []

        tell(story)

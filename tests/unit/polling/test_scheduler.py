"""When each watch is looked at: on its grid, whatever the clock does, until it has ended or a look fails."""

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
from notifier.polling.scheduler import MOST_LOOKS, PollScheduler

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


class Looks:
    """What a schedule does: remembers each look as its key, its due time, and when it began."""

    def __init__(self, clock: MovingClock) -> None:
        self.clock = clock
        self.made: list[tuple[str, datetime, datetime]] = []
        self.pauses: dict[str, list[timedelta | None]] = {}
        self.during: Callable[[str], Awaitable[None]] | None = None
        self.shifts: list[timedelta] = []
        self.requests = Requests()
        self.jobs = JobRunner()
        self.schedule = PollScheduler(
            look=self,
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


Story = Callable[[Looks], Coroutine[Any, Any, None]]


def tell(story: Story) -> Looks:
    """Run the story in a time of its own."""

    async def test(clock: MovingClock) -> Looks:
        looks = Looks(clock)
        await story(looks)
        return looks

    return run(test)


def test_a_watch_is_looked_at_first_when_told_and_then_on_its_grid_without_drift() -> None:
    async def story(looks: Looks) -> None:
        looks.add(first_s=5)
        async with looks.running():
            await asyncio.sleep(3_600)

    looks = tell(story)
    first, *rest = looks.times("s_1")
    assert first == START + timedelta(seconds=5)
    assert on_grid(rest, EVERY)
    assert len(rest) in (119, 120)
    assert all(due == began for _, due, began in looks.made)


def test_an_ended_watch_leaves_the_schedule() -> None:
    async def story(looks: Looks) -> None:
        looks.pauses = {"s_1": [EVERY, None]}
        looks.add("s_1")
        looks.add("s_2")
        async with looks.running():
            await asyncio.sleep(600)
            assert set(looks.schedule.next_looks()) == {"s_2"}

    looks = tell(story)
    assert len(looks.times("s_1")) == 2
    assert len(looks.times("s_2")) >= 20


def test_another_pause_puts_the_watch_on_another_grid() -> None:
    slow = timedelta(minutes=10)

    async def story(looks: Looks) -> None:
        looks.pauses = {"s_1": [EVERY, EVERY, slow, slow, slow]}
        looks.add()
        async with looks.running():
            await asyncio.sleep(1_800)

    times = tell(story).times("s_1")
    assert on_grid(times[1:3], EVERY)
    assert on_grid(times[3:6], slow)
    assert times[3] - times[2] <= slow


def test_the_look_that_raises_ends_run_with_its_exception() -> None:
    async def story(looks: Looks) -> None:
        async def fail(_key: str) -> None:
            if len(looks.made) == 3:
                raise RuntimeError("the store is gone")

        looks.during = fail
        looks.add()
        with pytest.raises(RuntimeError, match="the store is gone"):
            async with jobs.running(looks.jobs, jobs.polls(looks.schedule)):
                await looks.schedule.run()
        await asyncio.sleep(600)

    assert len(tell(story).made) == 3


def test_a_slow_look_is_not_begun_again_before_its_end() -> None:
    async def story(looks: Looks) -> None:
        async def slowly(_key: str) -> None:
            await asyncio.sleep(100)

        looks.during = slowly
        looks.add()
        async with looks.running():
            await asyncio.sleep(1_000)

    assert all(later - earlier >= timedelta(seconds=100) for earlier, later in pairwise(tell(story).times("s_1")))


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(days=365)])
def test_a_clock_set_ahead_costs_one_look_at_once(ahead: timedelta) -> None:
    async def story(looks: Looks) -> None:
        for number in range(20):
            looks.add(f"s_{number}")
        async with looks.running():
            await asyncio.sleep(60)
            looks.made.clear()
            looks.clock.set_wall(ahead)
            await asyncio.sleep(CLOCK_CHECK.total_seconds() + 1)
            overdue = {each: due for each, due, _ in reversed(looks.made)}
            assert set(overdue) == {f"s_{number}" for number in range(20)}
            assert max(overdue.values()) < looks.clock.now() - ahead + EVERY  # due before the clock was set
            await asyncio.sleep(60)

    looks = tell(story)
    assert looks.shifts == [ahead]
    assert all(len(looks.times(f"s_{number}")) in (2, 3, 4) for number in range(20))


@pytest.mark.parametrize("back", [timedelta(minutes=5), timedelta(hours=1), timedelta(days=365)])
def test_a_clock_set_back_holds_no_look_up_for_longer_than_its_pause(back: timedelta) -> None:
    async def story(looks: Looks) -> None:
        looks.add()
        async with looks.running():
            await asyncio.sleep(60)
            looks.made.clear()
            looks.clock.set_wall(-back)
            await asyncio.sleep((CLOCK_CHECK + EVERY).total_seconds() + 1)
            assert looks.made

    assert tell(story).shifts == [-back]


def test_a_clock_that_is_corrected_by_little_is_no_shift() -> None:
    async def story(looks: Looks) -> None:
        async with looks.running():
            looks.clock.set_wall(timedelta(seconds=1.9))
            await asyncio.sleep(60)

    assert tell(story).shifts == []


class TestDrain:
    def test_looks_that_end_in_time_are_let_end_and_the_others_cancelled(self) -> None:
        ended: list[str] = []

        async def story(looks: Looks) -> None:
            async def take_time(key: str) -> None:
                try:
                    await asyncio.sleep(0.5 if key == "s_quick" else 50)
                    ended.append(key)
                except asyncio.CancelledError:
                    await asyncio.sleep(0)  # letting go of a connection
                    ended.append(f"{key} cancelled")
                    raise

            looks.during = take_time
            looks.add("s_quick")
            looks.add("s_slow")
            async with looks.running():
                await asyncio.sleep(0.1)
            assert looks.clock.monotonic() == pytest.approx(1.1, abs=0.01)

        tell(story)
        assert ended == ["s_quick", "s_slow cancelled"]

    def test_a_schedule_that_never_ran_is_drained_already(self) -> None:
        async def story(looks: Looks) -> None:
            looks.add()
            await looks.schedule.drain(timedelta(seconds=1))

        assert tell(story).made == []

    def test_what_a_last_look_raises_is_not_lost(self) -> None:
        async def story(looks: Looks) -> None:
            async def fail(_key: str) -> None:
                await asyncio.sleep(0.5)
                raise RuntimeError("the disk is full")

            looks.during = fail
            looks.add()
            with pytest.raises(RuntimeError, match="the disk is full"):
                async with looks.running():
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
        async def story(looks: Looks) -> None:
            looks.requests.most = 1

            async def take_time(_key: str) -> None:
                await asyncio.sleep(1)
                assert looks.requests.in_flight == 1

            looks.during = take_time
            looks.pauses = {f"s_{number}": [None] for number in range(10)}
            for number in reversed(range(10)):
                looks.add(f"s_{number}", first_s=number / 10, pause=timedelta(hours=1))
            async with looks.running():
                await asyncio.sleep(20)

        looks = tell(story)
        assert [key for key, _, _ in looks.made] == [f"s_{number}" for number in range(10)]
        assert (looks.requests.in_flight, looks.requests.given_back) == (0, 10)

    def test_what_is_under_way_is_bounded_even_if_its_requests_are_done(self) -> None:
        async def story(looks: Looks) -> None:
            committed = asyncio.Event()

            async def commit(_key: str) -> None:
                looks.requests.in_flight = 0
                await committed.wait()

            looks.during = commit
            for number in range(2 * MOST_LOOKS):
                looks.add(f"s_{number}", pause=timedelta(hours=1))
            async with looks.running():
                await asyncio.sleep(1)
                assert len(looks.made) == MOST_LOOKS
                committed.set()
                await asyncio.sleep(1)

        assert len({key for key, _, _ in tell(story).made}) == 2 * MOST_LOOKS

    def test_a_young_snapshot_goes_before_an_old_one_that_is_as_overdue(self) -> None:
        async def story(looks: Looks) -> None:
            looks.requests.most = 0
            looks.add("old", pause=timedelta(minutes=10))
            looks.add("young", pause=timedelta(seconds=10), first_s=1)
            async with looks.running():
                await asyncio.sleep(2)
                looks.requests.most = 1
                looks.requests.release()
                looks.requests.in_flight = 0
                await asyncio.sleep(5)

        assert [key for key, _, _ in tell(story).made][:2] == ["young", "old"]

    def test_nobody_starves_however_many_young_ones_there_are(self) -> None:
        async def story(looks: Looks) -> None:
            looks.requests.most = 1

            async def take_time(_key: str) -> None:
                await asyncio.sleep(1)

            looks.during = take_time
            looks.pauses = {f"young_{number}": [timedelta(seconds=10)] * 100 for number in range(20)}
            looks.add("old", pause=timedelta(minutes=10))
            for number in range(20):
                looks.add(f"young_{number}", pause=timedelta(seconds=10))
            async with looks.running():
                await asyncio.sleep(60)

        assert tell(story).times("old")

    def test_what_is_removed_while_it_waits_is_not_looked_at_and_its_turn_is_another_ones(self) -> None:
        async def story(looks: Looks) -> None:
            looks.requests.most = 0
            looks.add("s_1")
            looks.add("s_2")
            async with looks.running():
                await asyncio.sleep(1)
                looks.schedule.remove("s_1")
                looks.requests.most = 2
                looks.requests.release()
                looks.requests.in_flight = 0
                await asyncio.sleep(1)

        looks = tell(story)
        assert [key for key, _, _ in looks.made] == ["s_2"]
        assert looks.requests.in_flight == 0

    def test_what_is_hastened_is_looked_at_at_once_and_then_on_its_grid(self) -> None:
        async def story(looks: Looks) -> None:
            looks.add("s_1", first_s=500, pause=timedelta(hours=1))
            async with looks.running():
                await asyncio.sleep(10)
                looks.schedule.hasten("s_1")
                looks.schedule.hasten("s_unknown")
                await asyncio.sleep(120)

        looks = tell(story)
        first, *rest = looks.times("s_1")
        assert first == START + timedelta(seconds=10)
        assert on_grid(rest, EVERY)

    def test_what_is_added_again_while_it_is_looked_at_goes_by_its_new_time(self) -> None:
        async def story(looks: Looks) -> None:
            async def put_off(key: str) -> None:
                if len(looks.made) == 1:
                    looks.schedule.add(key, pause=EVERY, first=looks.clock.now() + timedelta(seconds=100))

            looks.during = put_off
            looks.add("s_1")
            async with looks.running():
                await asyncio.sleep(150)

        first, second, *_ = tell(story).times("s_1")
        assert second - first == timedelta(seconds=100)

    def test_how_overdue_the_most_overdue_is_can_be_told(self) -> None:
        async def story(looks: Looks) -> None:
            looks.requests.most = 0
            async with looks.running():
                assert looks.schedule.overdue == timedelta(0)
                looks.add("s_1")
                looks.add("s_2", first_s=5)
                await asyncio.sleep(10)
                assert looks.schedule.overdue == timedelta(seconds=10)
                assert looks.made == []

        tell(story)

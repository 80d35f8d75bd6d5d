"""When each watch is looked at: on its grid, whatever the clock does, until it has ended or a look fails."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from fakes import START, on_grid, watch
from hypothesis import given
from hypothesis import strategies as st
from moving_clock import MovingClock, run

from notifier.core.model import Watch
from notifier.schedule import CLOCK_CHECK, GridTrigger, Schedule, _Scheduler

EVERY = timedelta(seconds=30)
keys = st.text(max_size=20)
intervals = st.timedeltas(timedelta(seconds=1), timedelta(days=3))
moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - they get one


class TestGrid:
    @given(keys, intervals, moments)
    def test_the_next_instant_is_after_now_and_at_most_an_interval_away(
        self, key: str, interval: timedelta, now: datetime
    ) -> None:
        following = GridTrigger(interval, key).get_next_fire_time(None, now)
        assert now < following <= now + interval

    @given(keys, intervals, moments, st.integers(-1, 1))
    def test_that_holds_at_the_very_instants_of_the_grid(
        self, key: str, interval: timedelta, now: datetime, beside: int
    ) -> None:
        trigger = GridTrigger(interval, key)
        instant = trigger.get_next_fire_time(None, now)
        near = instant + timedelta(microseconds=beside)
        assert trigger.get_next_fire_time(None, near) == (instant if beside < 0 else instant + interval)

    @given(keys, intervals, st.lists(moments, min_size=2, max_size=5))
    def test_all_instants_of_a_key_lie_on_one_grid(self, key: str, interval: timedelta, times: list[datetime]) -> None:
        assert on_grid([GridTrigger(interval, key).get_next_fire_time(None, each) for each in times], interval)

    @given(keys, intervals, moments, moments)
    def test_when_it_ran_last_does_not_matter(
        self, key: str, interval: timedelta, now: datetime, previous: datetime
    ) -> None:
        trigger = GridTrigger(interval, key)
        assert trigger.get_next_fire_time(previous, now) == trigger.get_next_fire_time(None, now)
        assert trigger.due == previous

    def test_watches_are_spread_over_the_interval(self) -> None:
        interval = timedelta(seconds=100)
        offsets = [
            (GridTrigger(interval, f"s_{number}").get_next_fire_time(None, START) - START) / interval
            for number in range(1_000)
        ]
        tenths = [sum(int(offset * 10) == tenth for offset in offsets) for tenth in range(10)]
        assert min(tenths) > 60
        assert max(tenths) < 140


class Looks:
    """What a schedule does: remembers each look as its watch's id, its due time, and when it began."""

    def __init__(self, clock: MovingClock) -> None:
        self.clock = clock
        self.made: list[tuple[str, datetime, datetime]] = []
        self.pauses: dict[str, list[timedelta | None]] = {}
        self.during: Callable[[Watch], Awaitable[None]] | None = None
        self.shifts: list[timedelta] = []
        self.schedule = Schedule(
            look=self, clock=clock.now, clock_shifted=self.shifts.append, monotonic=clock.monotonic
        )

    async def __call__(self, watched: Watch, due: datetime) -> timedelta | None:
        self.made.append((watched.id, due, self.clock.now()))
        if self.during is not None:
            await self.during(watched)
        pauses = self.pauses.get(watched.id)
        return pauses.pop(0) if pauses else EVERY

    def times(self, watch_id: str) -> list[datetime]:
        return [began for each, _, began in self.made if each == watch_id]

    def add(self, watch_id: str = "s_1", *, first_s: float = 0.0, pause: timedelta = EVERY) -> None:
        self.schedule.add(watch(watch_id), pause=pause, first=self.clock.now() + timedelta(seconds=first_s))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The schedule at work; ended as the daemon ends it."""
        task = asyncio.create_task(self.schedule.run())
        await asyncio.sleep(0)
        try:
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
        async def fail(_watch: Watch) -> None:
            if len(looks.made) == 3:
                raise RuntimeError("the store is gone")

        looks.during = fail
        looks.add()
        with pytest.raises(RuntimeError, match="the store is gone"):
            await looks.schedule.run()
        await asyncio.sleep(600)

    assert len(tell(story).made) == 3


def test_a_slow_look_is_not_begun_again_before_its_end() -> None:
    async def story(looks: Looks) -> None:
        async def slowly(_watch: Watch) -> None:
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


def test_a_wake_up_that_raises_does_not_stop_the_schedule(monkeypatch: pytest.MonkeyPatch) -> None:
    process, calls = _Scheduler._process_jobs, list[int]()

    def stumble(scheduler: _Scheduler) -> Any:
        calls.append(1)
        if len(calls) in (2, 3):
            raise RuntimeError("a wake-up stumbled")
        return process(scheduler)

    monkeypatch.setattr(_Scheduler, "_process_jobs", stumble)
    raised: list[dict[str, Any]] = []

    async def story(looks: Looks) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: raised.append(context))
        looks.add(first_s=3)
        async with looks.running():
            await asyncio.sleep(600)

    assert len(tell(story).made) >= 19
    assert [str(each["exception"]) for each in raised] == ["a wake-up stumbled"] * 2


class TestDrain:
    def test_looks_that_end_in_time_are_let_end_and_the_others_cancelled(self) -> None:
        ended: list[str] = []

        async def story(looks: Looks) -> None:
            async def take_time(watched: Watch) -> None:
                try:
                    await asyncio.sleep(0.5 if watched.id == "s_quick" else 50)
                    ended.append(watched.id)
                except asyncio.CancelledError:
                    await asyncio.sleep(0)  # letting go of a connection
                    ended.append(f"{watched.id} cancelled")
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
            async def fail(_watch: Watch) -> None:
                await asyncio.sleep(0.5)
                raise RuntimeError("the disk is full")

            looks.during = fail
            looks.add()
            with pytest.raises(RuntimeError, match="the disk is full"):
                async with looks.running():
                    await asyncio.sleep(0.1)

        tell(story)


def test_the_moving_clock_moves_both_clocks_to_what_is_waited_for() -> None:
    async def test(clock: MovingClock) -> tuple[datetime, float]:
        await asyncio.sleep(86_400)
        clock.set_wall(timedelta(hours=-1))
        return clock.now(), clock.monotonic()

    wall, monotonic = run(test)
    assert wall == START + timedelta(hours=23)
    assert monotonic == pytest.approx(86_400)

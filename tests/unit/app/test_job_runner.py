"""Periodic jobs run on time, one run after the other, whatever is done to the wall clock; none dies in silence."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.jobs import running
from support.moving_clock import MovingClock, run

from notifier.app.job_runner import At, Every, Job, JobRunner, WhenDue
from notifier.app.job_scheduler import TICK, Scheduler
from notifier.core import work_units
from notifier.core.errors import StoreError
from notifier.core.isolation import Faults
from notifier.core.work_units import Unit, UnitFault

SECOND = timedelta(seconds=1)


class Runs:
    """When a job ran, by the clock that nobody sets; `during` is what else it does."""

    def __init__(self, clock: MovingClock, during: Callable[[], Awaitable[None]] | None = None) -> None:
        self.clock = clock
        self.at: list[float] = []
        self._during = during

    async def __call__(self) -> None:
        self.at.append(self.clock.monotonic())
        if self._during is not None:
            await self._during()

    @property
    def gaps(self) -> list[float]:
        return [later - earlier for earlier, later in pairwise(self.at)]

    def job(self, trigger: Every | At, *, name: str = "job", unit: Unit | None = None) -> Job:
        return Job(name=name, trigger=trigger, function=self, unit=unit)


def tell(story: Callable[[MovingClock], Coroutine[Any, Any, None]]) -> None:
    run(story)


def fail() -> Coroutine[Any, Any, None]:
    async def failing() -> None:
        raise RuntimeError("the job failed")

    return failing()


@settings(max_examples=40, deadline=None)
@given(
    intervals=st.lists(st.integers(1, 600), min_size=1, max_size=5),
    shifts=st.lists(st.tuples(st.floats(0.1, 400), st.integers(-(10**8), 10**8)), max_size=8),
)
@example(intervals=[1], shifts=[(1.5, 1), (0.5, 365 * 86_400)])
def test_each_job_runs_at_its_interval_whatever_the_wall_clock_does(
    intervals: list[int], shifts: list[tuple[float, int]]
) -> None:
    async def story(clock: MovingClock) -> None:
        made = [(every, Runs(clock)) for every in intervals]
        table = [
            runs.job(Every(timedelta(seconds=every)), name=f"{number}") for number, (every, runs) in enumerate(made)
        ]
        async with running(JobRunner(), table):
            for pause, shift in shifts:
                await asyncio.sleep(pause)
                clock.set_wall(timedelta(seconds=shift))
            await asyncio.sleep(1_200)
        for every, runs in made:
            assert runs.at[0] == 0
            assert runs.gaps == pytest.approx([every] * len(runs.gaps), abs=0.06)
            assert len(runs.at) >= 1_200 // every

    tell(story)


def test_the_first_run_comes_when_its_trigger_says() -> None:
    async def story(clock: MovingClock) -> None:
        now, later, times = Runs(clock), Runs(clock), Runs(clock)
        table = [
            now.job(Every(60 * SECOND), name="now"),
            later.job(Every(60 * SECOND, first=10 * SECOND), name="later"),
            times.job(At((0 * SECOND, 20 * SECOND, 120 * SECOND)), name="times"),
        ]
        async with running(JobRunner(), table):
            await asyncio.sleep(200)
        assert now.at == pytest.approx([0, 60, 120, 180], abs=0.01)
        assert later.at == pytest.approx([10, 70, 130, 190], abs=0.01)
        assert times.at == pytest.approx([0, 20, 120], abs=0.01)

    tell(story)


def test_a_job_that_is_woken_before_its_run_got_a_turn_runs_again_afterwards_and_not_beside_it() -> None:
    async def story(clock: MovingClock) -> None:
        runner, woken = JobRunner(), Runs(clock, lambda: asyncio.sleep(3))

        async def wake() -> None:
            runner.wake("woken")

        table = [
            Job(name="waker", trigger=Every(60 * SECOND), function=wake),
            woken.job(Every(60 * SECOND), name="woken"),
        ]
        async with running(runner, table):
            await asyncio.sleep(10)
        assert woken.at == pytest.approx([0, 3], abs=0.01)

    tell(story)


def test_a_run_that_takes_longer_than_the_interval_is_followed_by_a_pause_and_never_overtaken() -> None:
    async def story(clock: MovingClock) -> None:
        runs = Runs(clock, lambda: asyncio.sleep(25))
        async with running(JobRunner(), [runs.job(Every(10 * SECOND))]):
            await asyncio.sleep(200)
        assert runs.gaps == pytest.approx([35] * 5, abs=0.01)

    tell(story)


def test_a_unit_that_raises_is_run_again_with_growing_pauses_and_counted() -> None:
    async def story(clock: MovingClock) -> None:
        found: list[UnitFault] = []
        runner, runs = JobRunner(Faults(found.append)), Runs(clock, fail)
        async with running(runner, [runs.job(Every(SECOND), unit=Unit.AUDIT)]):
            await asyncio.sleep(3_600)
        assert all(later >= earlier for earlier, later in pairwise(runs.gaps))
        assert runs.gaps[0] >= work_units.FIRST_PAUSE.total_seconds() / 2
        assert max(runs.gaps) <= work_units.LONGEST_PAUSE.total_seconds()
        assert len(found) == len(runs.at) == runner.states()["job"].failures

    tell(story)


@pytest.mark.parametrize(
    ("unit", "error"),
    [(None, RuntimeError("no unit")), (Unit.AUDIT, StoreError("damaged")), (None, asyncio.CancelledError())],
    ids=["no unit", "the store", "cancelled"],
)
def test_what_is_no_unit_ends_the_runner_and_so_does_the_store(unit: Unit | None, error: BaseException) -> None:
    async def story(clock: MovingClock) -> None:
        async def raising() -> None:
            raise error

        runner = JobRunner(Faults(lambda _: None))
        runner.add([Job(name="poor", trigger=Every(SECOND, first=SECOND), function=raising, unit=unit)])
        with pytest.raises((RuntimeError, StoreError), match=r"no unit|damaged|the job poor was cancelled"):
            await runner.run()

    tell(story)


def test_at_the_end_what_works_is_cancelled_and_waited_for() -> None:
    async def story(clock: MovingClock) -> None:
        ended = list[str]()

        async def long() -> None:
            try:
                await asyncio.sleep(1_000)
            finally:
                await asyncio.sleep(1)
                ended.append("ended")

        async with running(JobRunner(), [Runs(clock, long).job(Every(SECOND))]):
            await asyncio.sleep(5)
        assert ended == ["ended"]
        assert clock.monotonic() == pytest.approx(6, abs=0.01)

    tell(story)


def test_what_a_job_raises_while_it_is_cancelled_is_not_lost() -> None:
    async def story(clock: MovingClock) -> None:
        async def stubborn() -> None:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(1_000)
            raise StoreError("the disk is full")

        with pytest.raises(StoreError, match="the disk is full"):
            async with running(JobRunner(), [Runs(clock, stubborn).job(Every(SECOND))]):
                await asyncio.sleep(5)

    tell(story)


def test_a_job_whose_interval_is_not_set_runs_once_it_is_and_the_runner_is_woken() -> None:
    async def story(clock: MovingClock) -> None:
        every: list[timedelta | None] = [None]
        runner, runs = JobRunner(), Runs(clock)
        async with running(runner, [runs.job(Every(lambda: every[0]))]):
            await asyncio.sleep(100)
            assert runs.at == []
            every[0] = 60 * SECOND
            runner.wake("job")
            await asyncio.sleep(70)
            every[0] = 10 * SECOND
            runner.wake("job")
            await asyncio.sleep(15)
            every[0] = None
            runner.wake("job")
            await asyncio.sleep(1_000)
        assert runs.at == pytest.approx([100, 160, 170, 180], abs=0.01)

    tell(story)


def test_a_job_that_is_woken_while_it_works_runs_again_at_once() -> None:
    async def story(clock: MovingClock) -> None:
        runner, runs = JobRunner(), Runs(clock, lambda: asyncio.sleep(5))
        async with running(runner, [runs.job(Every(3_600 * SECOND))]):
            await asyncio.sleep(1)
            runner.wake("job")
            await asyncio.sleep(100)
        assert runs.at == pytest.approx([0, 5], abs=0.01)

    tell(story)


def test_a_wake_up_that_raises_stops_no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    process, calls = Scheduler._process_jobs, list[int]()

    def stumble(scheduler: Scheduler) -> Any:
        calls.append(1)
        if len(calls) in (2, 3):
            raise RuntimeError("a wake-up stumbled")
        return process(scheduler)

    monkeypatch.setattr(Scheduler, "_process_jobs", stumble)
    raised: list[dict[str, Any]] = []

    async def story(clock: MovingClock) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: raised.append(context))
        runs = Runs(clock)
        async with running(JobRunner(), [runs.job(Every(30 * SECOND))]):
            await asyncio.sleep(600)
        assert len(runs.at) >= 19

    tell(story)
    assert [str(each["exception"]) for each in raised] == ["a wake-up stumbled"] * 2


class TestWhenDue:
    """A job that runs at the earliest due time."""

    def test_what_comes_to_be_due_earlier_is_done_on_time_and_what_is_close_together(self) -> None:
        async def story(clock: MovingClock) -> None:
            dues: list[datetime] = []
            done: list[tuple[float, int]] = []

            async def do() -> None:
                due = [each for each in dues if each <= clock.now()]
                dues[:] = [each for each in dues if each not in due]
                if due:
                    done.append((clock.monotonic(), len(due)))

            runner = JobRunner()
            trigger = WhenDue(lambda: min(dues, default=None))
            async with running(runner, [Job(name="due", trigger=trigger, function=do)]):
                await asyncio.sleep(10)
                for seconds in (5.0, 5.01, 5.02, 1.0):
                    dues.append(clock.now() + timedelta(seconds=seconds))
                    runner.wake_by("due", dues[-1])
                await asyncio.sleep(100)
            tick = TICK.total_seconds()
            assert [at for at, _ in done] == pytest.approx([11, 15, 15 + tick], abs=1e-3)
            assert [number for _, number in done] == [1, 1, 2]

        tell(story)

    def test_before_the_start_and_after_the_end_nobody_is_woken(self) -> None:
        async def story(clock: MovingClock) -> None:
            runner, runs = JobRunner(), Runs(clock)
            async with running(runner, [Job(name="due", trigger=WhenDue(lambda: None), function=runs)]):
                await asyncio.sleep(1)
            await asyncio.sleep(1)
            runner.wake_by("due", clock.now())
            runner.wake("due")
            await asyncio.sleep(10)
            assert runs.at == []

        tell(story)


def test_the_state_of_a_job_is_its_last_run_and_how_long_that_took() -> None:
    async def story(clock: MovingClock) -> None:
        runner, runs = JobRunner(), Runs(clock, lambda: asyncio.sleep(2))
        async with running(runner, [runs.job(Every(60 * SECOND))]):
            await asyncio.sleep(0)
            assert runner.states()["job"].duration is None
            await asyncio.sleep(65)
            state = runner.states()["job"]
        assert (state.duration, state.failures, state.interval) == (2 * SECOND, 0, 60 * SECOND)
        assert state.last_run is not None
        assert (datetime.now(UTC) - state.last_run).total_seconds() == pytest.approx(3, abs=0.1)

    tell(story)

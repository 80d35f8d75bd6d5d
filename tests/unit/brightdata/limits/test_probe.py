"""An API in trouble is probed also while no poll is due, as often as its notice promises, and not otherwise."""

import asyncio
from datetime import datetime, timedelta
from functools import partial

import pytest
from support.fakes import seen
from support.jobs import polls
from support.moving_clock import MovingClock, run

from notifier.app.components import POLLS
from notifier.app.job_runner import Every, Job, JobRunner
from notifier.app.jobs import PROBE_EVERY
from notifier.brightdata.limits.limiter import Limiter
from notifier.brightdata.limits.permit import Permit
from notifier.brightdata.limits.probe import NO_SNAPSHOT, Probe
from notifier.core.health.api import LOCKED_PROBES, ApiKind, ApiNews
from notifier.core.snapshot.model import Observation, Reason
from notifier.polling.scheduler import PollScheduler


class Api:
    """Answers 401 while it `refuses`, and reports to the limiter as the client does."""

    def __init__(self, clock: MovingClock) -> None:
        self.news: list[ApiNews] = []
        self.limiter = Limiter(requests_per_second=10, clock=clock.monotonic, changed=self.news.append)
        self.clock = clock
        self.refuses = True
        self.asked: list[tuple[float, str]] = []

    async def observe(self, snapshot_id: str, *, permit: Permit | None = None) -> Observation:
        """Poll once."""
        with permit or await self.limiter.admit() as permit:
            permit.use()
            self.asked.append((self.clock.monotonic(), snapshot_id))
            self.limiter.answered()
            self.limiter.judged(Reason.UNAUTHORISED if self.refuses else None)
        return seen("running")

    def lock(self) -> None:
        """Refuse the token until the limiter counts the API as locked."""
        for _ in range(3):
            self.limiter.judged(Reason.UNAUTHORISED)


def probing(api: Api, *, snapshot: str | None = "s_1", idle: bool = True) -> "asyncio.Task[None]":
    probe = Probe(limiter=api.limiter, observer=api, snapshot=lambda: snapshot, idle=lambda: idle)
    runner = JobRunner()
    runner.add([job_of(probe)])
    return asyncio.create_task(runner.run())


def job_of(probe: Probe) -> Job:
    """As the daemon has it."""
    return Job(name="probe", trigger=Every(PROBE_EVERY, first=PROBE_EVERY), function=probe.probe)


def test_a_refused_token_is_probed_each_minute_at_first_though_no_poll_is_due() -> None:
    async def test(clock: MovingClock) -> None:
        api = Api(clock)
        task = probing(api)
        await asyncio.sleep(3_600)
        assert not api.asked, "a healthy API is not probed"
        api.lock()
        began = clock.monotonic()
        await asyncio.sleep(sum(LOCKED_PROBES) + 300)
        waits = [at - began for at, _ in api.asked]
        late = PROBE_EVERY.total_seconds() + 1
        assert len(waits) >= len(LOCKED_PROBES)
        for k, wait in enumerate(waits[: len(LOCKED_PROBES)]):
            wanted = sum(LOCKED_PROBES[: k + 1])
            assert wanted <= wait <= wanted + (k + 1) * late
        api.refuses = False
        await asyncio.sleep(LOCKED_PROBES[-1] + late)
        assert api.limiter.api.kind is ApiKind.OK
        number = len(api.asked)
        await asyncio.sleep(3_600)
        assert len(api.asked) == number
        task.cancel()

    run(test)


def test_trouble_announced_before_a_restart_is_probed_until_it_ends() -> None:
    async def test(clock: MovingClock) -> None:
        api = Api(clock)
        api.refuses = False
        api.limiter.remember(announced=ApiKind.UNAUTHORISED)
        task = probing(api, snapshot=None)
        await asyncio.sleep(30)
        assert [each.kind for each in api.news] == [ApiKind.OK]
        assert [asked for _, asked in api.asked] == [NO_SNAPSHOT]
        task.cancel()

    run(test)


def test_a_poll_that_is_due_serves_as_the_probe() -> None:
    async def test(clock: MovingClock) -> None:
        api = Api(clock)
        api.lock()
        task = probing(api, idle=False)
        await asyncio.sleep(3_600)
        assert not api.asked
        task.cancel()

    run(test)


@pytest.mark.parametrize("rotated", [False, True], ids=["polled-individually", "polled-in-rotation"])
def test_a_watch_removed_while_its_poll_waits_for_the_probes_turn_leaves_that_turn_to_the_probe(
    rotated: bool,
) -> None:
    async def test(clock: MovingClock) -> None:
        api = Api(clock)

        async def poll(key: str, due: datetime, permit: Permit) -> timedelta | None:
            await api.observe(key, permit=permit)
            return timedelta(seconds=30)

        runner = JobRunner()
        schedule = PollScheduler(
            poll=poll,
            admit=api.limiter.admit,
            clock=clock.now,
            clock_shifted=lambda _: None,
            wake_by=partial(runner.wake_by, POLLS),
            turn=lambda _: ("s_1", timedelta(seconds=30)),
        )
        probe = Probe(limiter=api.limiter, observer=api, snapshot=lambda: None, idle=lambda: schedule.queued == 0)
        api.lock()
        began = clock.monotonic()
        runner.add([*polls(schedule), job_of(probe)])
        tasks = [asyncio.create_task(each) for each in (schedule.run(), runner.run())]
        if rotated:
            schedule.rotate("gd_1", pause=timedelta(seconds=30))
        else:
            schedule.add("s_1", pause=timedelta(seconds=30), first=clock.now())
        await asyncio.sleep(45)
        assert not api.asked
        schedule.remove("gd_1" if rotated else "s_1")
        await asyncio.sleep(sum(LOCKED_PROBES[:2]))
        waits = [at - began for at, _ in api.asked]
        late = PROBE_EVERY.total_seconds() + 2
        for k, wait in enumerate(waits):
            assert 0 <= wait - sum(LOCKED_PROBES[: k + 1]) <= (k + 1) * late
        assert waits, "a removed watch takes no turn of the probe"
        for task in tasks:
            task.cancel()
        await schedule.drain(timedelta(0))

    run(test)

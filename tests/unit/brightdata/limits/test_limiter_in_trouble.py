"""An API in trouble is tried, not stormed: what the limiter lets go, and what it tells, in virtual time."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from support.virtual_time import now, run

from notifier.brightdata.limits.limiter import Limiter
from notifier.core.health.api import ApiKind, ApiNews, ApiState
from notifier.core.snapshot.model import Reason

EPOCH = datetime(2026, 11, 23, tzinfo=UTC)


@dataclass
class World:
    """Fifty watches that ask for ever, and an API that answers `reason` from `begins` to `ends`."""

    begins: float
    ends: float
    reason: Reason
    latency: float = 0.2
    went: list[float] = field(default_factory=list)
    news: list[ApiNews] = field(default_factory=list)
    busiest: int = 0

    async def watch(self, gate: Limiter) -> None:
        while True:
            with await gate.admit():
                at = now() - 1_000.0
                self.went.append(at)
                bad = self.begins <= at < self.ends
                if bad:
                    self.busiest = max(self.busiest, gate.in_flight if at > self.begins + 40 else 0)
                await asyncio.sleep(self.latency)
                if bad and self.reason is Reason.RATE_LIMITED:
                    gate.rate_limited(timedelta(minutes=3))
                else:
                    gate.answered()
                gate.judged(self.reason if bad else None, "it said no" if bad else "")

    async def live(self, seconds: float, told: ApiKind = ApiKind.OK) -> ApiState:
        wall = lambda: EPOCH + timedelta(seconds=now() - 1_000.0)  # noqa: E731
        gate = Limiter(requests_per_second=10.0, clock=now, wall=wall, changed=self.news.append)
        gate.remember(announced=told)
        tasks = [asyncio.create_task(self.watch(gate)) for _ in range(50)]
        await asyncio.sleep(seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return gate.api

    def between(self, begin: float, end: float) -> int:
        return sum(begin <= at < end for at in self.went)


def test_an_outage_is_announced_once_probed_once_a_minute_at_most_and_ends_without_a_storm() -> None:
    world = World(begins=100, ends=1_900, reason=Reason.TIMEOUT)
    run(lambda: world.live(2_200))
    assert [each.kind for each in world.news] == [ApiKind.UNREACHABLE, ApiKind.OK]
    began, ended = world.news
    assert (began.previous, began.detail) == (ApiKind.OK, "it said no")
    assert EPOCH + timedelta(seconds=130) <= began.at <= EPOCH + timedelta(seconds=132)
    assert ended.lasted == ended.at - began.at
    assert world.between(140, 1_900) <= 5 + 1_760 / 60
    assert world.busiest == 1
    back = (ended.at - EPOCH).total_seconds()
    assert back <= 1_900 + 62
    assert world.between(back, back + 1) <= 10
    assert world.between(back + 10, back + 20) >= 95


def test_a_locked_account_is_tried_each_minute_and_then_every_five() -> None:
    world = World(begins=100, ends=4_000, reason=Reason.UNAUTHORISED)
    run(lambda: world.live(4_400))
    assert [each.kind for each in world.news] == [ApiKind.UNAUTHORISED, ApiKind.OK]
    assert world.between(101, 159) == 0
    assert world.between(101, 4_000) <= 3 + 3_900 / 300


def test_a_hold_of_more_than_a_minute_is_announced_with_its_length_and_its_end() -> None:
    world = World(begins=100, ends=101, reason=Reason.RATE_LIMITED)
    state = run(lambda: world.live(400))
    assert [each.kind for each in world.news] == [ApiKind.RATE_LIMITED, ApiKind.OK]
    assert timedelta(seconds=179) <= world.news[0].held_for <= timedelta(seconds=180)
    assert world.news[1].lasted is not None
    assert state.kind is ApiKind.OK
    assert state.refusals >= 1


def test_trouble_announced_by_a_former_process_ends_with_the_first_good_answer() -> None:
    world = World(begins=0, ends=0, reason=Reason.TIMEOUT)
    run(lambda: world.live(5, told=ApiKind.UNAUTHORISED))
    assert [(each.kind, each.previous, each.lasted) for each in world.news] == [
        (ApiKind.OK, ApiKind.UNAUTHORISED, None)
    ]


def test_the_state_has_its_start_the_requests_and_the_hold() -> None:
    world = World(begins=0, ends=900, reason=Reason.TIMEOUT)
    state = run(lambda: world.live(60))
    assert state.kind is ApiKind.UNREACHABLE
    assert state.since == world.news[0].at
    assert 0 < state.requests <= len(world.went)
    assert state.detail == "it said no"

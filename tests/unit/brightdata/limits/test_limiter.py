"""The limiter in virtual time: the rate, the order, the holds, and the promise about answers of 429."""

import asyncio
import bisect
import itertools
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.moving_clock import MovingClock
from support.moving_clock import run as run_moving
from support.virtual_time import now, run

from notifier.brightdata.limits.limiter import RECHECK_S, Limiter, most_in_flight
from notifier.brightdata.limits.pace import CATCH_UP
from notifier.brightdata.limits.permit import Permit
from notifier.brightdata.limits.rate_limit_breaker import BreakerState
from notifier.brightdata.simulator.account import Account
from notifier.core.health.api import DOWN_AFTER, DOWN_FOR, LOCKED_AFTER, ApiKind
from notifier.core.snapshot.model import Reason


def limiter(rate: float = 10.0) -> Limiter:
    return Limiter(requests_per_second=rate, clock=now)


async def ask(gate: Limiter, went: list[float], *, takes: float = 0.0, refused: bool = False) -> None:
    with await gate.admit():
        went.append(now())
        await asyncio.sleep(takes)
        if refused:
            gate.rate_limited(None)
        else:
            gate.answered()


def most_within(times: Sequence[float], seconds: float) -> int:
    """The most of the times that lie within any span of that many seconds, both ends in it."""
    return max((bisect.bisect_right(times, start + seconds) - k for k, start in enumerate(times)), default=0)


def test_requests_are_spaced_evenly() -> None:
    async def test() -> list[float]:
        gate, went = limiter(10.0), list[float]()
        await asyncio.gather(*(ask(gate, went) for _ in range(20)))
        return went

    went = run(test)
    gaps = [later - earlier for earlier, later in itertools.pairwise(went)]
    assert gaps[0] == pytest.approx(0.1 - CATCH_UP)  # the first one may catch up
    assert gaps[1:] == pytest.approx([0.1] * 18)


def test_a_timer_that_oversleeps_does_not_lower_a_high_rate() -> None:
    async def test() -> float:
        async def oversleep(seconds: float) -> None:
            await asyncio.sleep(seconds + 0.01)

        gate = Limiter(requests_per_second=1_000.0, clock=now, sleep=oversleep)
        began, went = now(), list[float]()
        await asyncio.gather(*(ask(gate, went) for _ in range(2_000)))
        return now() - began

    assert 1.9 <= run(test) <= 2.05


@given(stalls=st.lists(st.sampled_from([0.0, 0.0, 0.01, 0.05, 0.1, 0.13, 0.2, 0.7]), min_size=4, max_size=40))
@example(stalls=[0.0, 0.0, 0.13, 0.0, 0.0])
def test_an_account_with_a_tenth_more_refuses_nothing_however_busy_the_process_is(stalls: list[float]) -> None:
    """Between a request's turn and the moment when it goes, the loop may stand still."""

    async def test(clock: MovingClock) -> list[float]:
        gate, went = Limiter(requests_per_second=10.0, clock=clock.monotonic), list[float]()
        account = Account(
            seed=0, speed=1, clock=clock.monotonic, wall_clock=lambda: clock.now(), requests_per_second=11.0
        )

        async def send(permit: Permit, stall: float) -> None:
            clock.move(stall)
            with permit:
                permit.use()
                went.append(clock.monotonic())
                assert not account.over_limit(), went[-4:]
                gate.answered()

        async with asyncio.TaskGroup() as sending:
            for stall in stalls:
                sending.create_task(send(await gate.admit(), stall))
        return went

    went = run_moving(test)
    assert len(went) == len(stalls)
    assert all(last - first >= 0.1 - CATCH_UP - 1e-9 for first, _, last in zip(went, went[1:], went[2:], strict=False))


def test_first_come_is_first_served() -> None:
    async def test() -> list[int]:
        gate, order = limiter(), list[int]()

        async def one(k: int) -> None:
            with await gate.admit():
                order.append(k)

        await asyncio.gather(*(one(k) for k in range(30)))
        return order

    assert run(test) == list(range(30))


@pytest.mark.parametrize(("rate", "most"), [(0.1, 8), (10, 8), (12, 9), (100, 80), (320, 256), (1000, 256)])
def test_what_may_be_in_flight_is_bounded_by_the_rate(rate: float, most: int) -> None:
    assert most_in_flight(rate) == most


def test_no_more_than_allowed_are_in_flight_at_once() -> None:
    async def test() -> int:
        gate, highest = limiter(10.0), 0

        async def one() -> None:
            nonlocal highest
            with await gate.admit():
                highest = max(highest, gate.in_flight)
                await asyncio.sleep(60.0)
                gate.answered()

        await asyncio.gather(*(one() for _ in range(30)))
        return highest

    assert run(test) == 8


def test_every_request_is_held_for_the_requested_pause() -> None:
    async def test() -> tuple[BreakerState, timedelta, float]:
        gate, went = limiter(), list[float]()
        began = now()
        with await gate.admit():
            gate.rate_limited(timedelta(seconds=30))
        state, held_for = gate.state, gate.held_for
        await asyncio.gather(*(ask(gate, went) for _ in range(3)))
        return state, held_for, went[0] - began

    state, held_for, waited = run(test)
    assert state is BreakerState.OPEN
    assert held_for == timedelta(seconds=30)
    assert waited == pytest.approx(30.0)


def test_after_a_hold_one_probe_goes_and_the_others_wait_for_its_answer() -> None:
    async def test() -> list[float]:
        gate, went = limiter(), list[float]()
        with await gate.admit():
            gate.rate_limited(timedelta(seconds=2))
        began = now()
        await asyncio.gather(*(ask(gate, went, takes=5.0) for _ in range(3)))
        return [at - began for at in went]

    assert run(test) == pytest.approx([2.0, 7.0, 7.2 - CATCH_UP], abs=0.06)


def test_a_probe_without_an_answer_lets_the_next_probe_go() -> None:
    async def test() -> tuple[float, BreakerState]:
        gate, went = limiter(), list[float]()
        with await gate.admit():
            gate.rate_limited(timedelta(seconds=2))
        began = now()

        async def lost() -> None:
            with await gate.admit():
                await asyncio.sleep(10.0)

        await asyncio.gather(lost(), ask(gate, went))
        return went[0] - began, gate.state

    waited, state = run(test)
    assert waited == pytest.approx(12.0)
    assert state is BreakerState.CLOSED


def test_a_cancelled_waiter_gives_its_place_to_the_next() -> None:
    async def test() -> tuple[list[float], int]:
        gate, went = limiter(1.0), list[float]()
        began = now()
        tasks = [asyncio.create_task(ask(gate, went)) for _ in range(5)]
        await asyncio.sleep(0.5)
        tasks[1].cancel()
        tasks[2].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return [at - began for at in went], gate.in_flight

    went, left = run(test)
    assert went == pytest.approx([0.0, 1.0 - CATCH_UP, 2.0 - CATCH_UP])
    assert left == 0


def test_a_cancelled_request_is_no_longer_in_flight() -> None:
    async def test() -> int:
        gate, went = limiter(), list[float]()
        task = asyncio.create_task(ask(gate, went, takes=100.0))
        await asyncio.sleep(1.0)
        assert gate.in_flight == 1
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return gate.in_flight

    assert run(test) == 0


def test_another_rate_holds_from_then_on_and_keeps_the_memory_of_refusals() -> None:
    async def test() -> tuple[list[float], int]:
        gate, went = limiter(1.0), list[float]()
        with await gate.admit():
            gate.rate_limited(timedelta(seconds=1))
        gate.set_rate(2.0)
        await asyncio.gather(*(ask(gate, went) for _ in range(4)))
        return went, gate.recent_refusals

    went, refusals = run(test)
    assert went[3] - went[2] == pytest.approx(1.0, rel=0.02)  # after a refusal it is half of that
    assert refusals == 1


def test_a_refusal_halves_the_rate_which_then_doubles_again_in_five_minutes() -> None:
    async def test() -> list[float]:
        gate, went = limiter(10.0), list[float]()
        with await gate.admit():
            gate.rate_limited(timedelta(seconds=1))
        await asyncio.sleep(1.0)
        await asyncio.gather(*(ask(gate, went) for _ in range(3_000)))
        return went

    went = run(test)
    gaps = [later - earlier for earlier, later in itertools.pairwise(went)]
    assert gaps[1] == pytest.approx(0.2, rel=0.01)
    assert gaps[-1] == pytest.approx(0.1, rel=0.01)
    assert went[-1] - went[0] == pytest.approx(383, abs=5)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        limiter(rate)


Arrival = tuple[float, float, bool, float | None]
"""After how many seconds it comes, how long its answer takes, whether that is 429, and with which Retry-After."""

arrivals = st.lists(
    st.tuples(
        st.floats(0, 30),
        st.floats(0, 10),
        st.booleans(),
        st.none() | st.floats(0, 100),
    ),
    min_size=1,
    max_size=80,
)


async def live_through(gate: Limiter, plan: Sequence[Arrival]) -> tuple[list[float], list[float]]:
    """When each request went, and when each answer of 429 came."""
    went, refused = list[float](), list[float]()

    async def one(takes: float, bad: bool, retry_after: float | None) -> None:
        with await gate.admit():
            went.append(now())
            await asyncio.sleep(takes)
            if bad:
                refused.append(now())
                gate.rate_limited(None if retry_after is None else timedelta(seconds=retry_after))
            else:
                gate.answered()

    async with asyncio.TaskGroup() as group:
        for after, takes, bad, retry_after in plan:
            await asyncio.sleep(after)
            group.create_task(one(takes, bad, retry_after))
    return went, refused


@settings(deadline=None, max_examples=150)
@given(plan=arrivals, rate=st.floats(0.2, 12))
def test_ten_answers_of_429_never_come_within_five_minutes(plan: list[Arrival], rate: float) -> None:
    _, refused = run(lambda: live_through(limiter(rate), plan))
    assert most_within(refused, 300.0) <= 9


@settings(deadline=None, max_examples=100)
@given(rate=st.floats(0.2, 12), single=st.integers(1, 8), good=st.integers(1, 12), takes=st.floats(0, 60))
def test_nor_do_they_when_an_api_that_refused_now_and_then_refuses_everything(
    rate: float, single: int, good: int, takes: float
) -> None:
    refusal: Arrival = (0.0, 0.1, True, 1.0)
    good_answer: Arrival = (0.0, 0.1, False, None)
    bad_answer: Arrival = (0.0, takes, True, None)
    plan = [*[refusal, *[good_answer] * good] * single, *[bad_answer] * 40]
    _, refused = run(lambda: live_through(limiter(rate), plan))
    assert most_within(refused, 300.0) <= 9


@settings(deadline=None, max_examples=50)
@given(rate=st.floats(12, 2_000), takes=st.floats(0, 10), number=st.integers(10, 100))
def test_an_api_that_refuses_from_the_start_gets_fewer_than_ten_requests_at_any_rate(
    rate: float, takes: float, number: int
) -> None:
    _, refused = run(lambda: live_through(limiter(rate), [(0.0, takes, True, None)] * number))
    assert most_within(refused, 300.0) <= 9
    assert len(refused) == number


@settings(deadline=None, max_examples=100)
@given(plan=arrivals, rate=st.floats(0.2, 500), seconds=st.floats(0.01, 60))
def test_no_span_of_time_sees_more_requests_than_the_rate_allows(
    plan: list[Arrival], rate: float, seconds: float
) -> None:
    went, _ = run(lambda: live_through(limiter(rate), plan))
    assert len(went) == len(plan)
    assert most_within(went, seconds) <= (seconds + CATCH_UP) * rate + 1 + 1e-6


async def into_trouble(gate: Limiter, reason: Reason) -> None:
    """Have the API refuse the token, or not answer, for long enough to be told."""
    for _ in range(max(LOCKED_AFTER, DOWN_AFTER)):
        gate.judged(reason)
        if reason is Reason.TIMEOUT:
            await asyncio.sleep(DOWN_FOR / (DOWN_AFTER - 1))
    assert gate.api.kind is not ApiKind.OK


@pytest.mark.parametrize("reason", [Reason.UNAUTHORISED, Reason.TIMEOUT])
@given(used=st.lists(st.booleans(), min_size=1, max_size=12))
def test_an_admission_without_a_request_changes_nothing_about_when_an_api_in_trouble_is_tried(
    reason: Reason, used: list[bool]
) -> None:
    async def requests(plan: list[bool]) -> list[float]:
        gate, went = limiter(), list[float]()
        await into_trouble(gate, reason)
        began = now()
        for uses in plan:
            with await gate.admit() as permit:
                if uses:
                    permit.use()
                    went.append(now() - began)
                    gate.answered()
                    gate.judged(reason)
        return went

    went, expected = run(lambda: requests(used)), run(lambda: requests([each for each in used if each]))
    assert went == pytest.approx(expected, abs=RECHECK_S * len(used))


def test_what_was_learned_while_an_unused_permit_was_held_stays() -> None:
    async def test() -> tuple[ApiKind, float]:
        gate = limiter()
        await into_trouble(gate, Reason.UNAUTHORISED)
        permit = await gate.admit()
        gate.judged(None)
        permit.release()
        permit.release()
        began = now()
        (await gate.admit()).release()
        return gate.api.kind, now() - began

    kind, waited = run(test)
    assert kind is ApiKind.OK
    assert waited < 0.2


def test_a_request_without_a_result_uses_up_its_probe() -> None:
    async def test() -> float:
        gate = limiter()
        await into_trouble(gate, Reason.UNAUTHORISED)
        with await gate.admit() as permit:
            permit.use()
        began = now()
        (await gate.admit()).release()
        return now() - began

    assert run(test) >= 60

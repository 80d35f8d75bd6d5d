"""The real client against the simulated Bright Data, over a real socket: every kind of answer and of fault."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from support.api_client import CANARY, ENDED, READY, client_of, new_limiter, poll, unclear

from notifier.brightdata.datasets.client import Client
from notifier.brightdata.http.tokens import FileToken, StaticToken
from notifier.brightdata.limits.limiter import Limiter
from notifier.brightdata.limits.rate_limit_breaker import BreakerState
from notifier.brightdata.simulator import Fault, Simulator, life, parse_faults, serve
from notifier.brightdata.simulator.faults import OF_RESULTS
from notifier.core.snapshot.model import NotFound, Reason, Seen


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(seed=1, slow_seconds=60.0) as simulator:
        simulator.add("s_1", ENDED, dataset_id="gd_1")
        yield simulator


async def test_a_ready_snapshot_is_seen_with_its_facts(sim: Simulator) -> None:
    assert await poll(sim.url) == READY


async def test_each_request_is_reported_with_the_status_code_of_its_answer_or_none(sim: Simulator) -> None:
    told: list[int | None] = []
    client = Client(
        base_url=sim.url,
        token=StaticToken(CANARY),
        timeout=timedelta(seconds=60),
        limiter=new_limiter(),
        max_connections=1,
        requested=told.append,
    )
    async with client:
        for fault in (None, Fault.RESET, Fault.SERVER_ERROR):
            if fault is not None:
                sim.fail_next(fault)
            await client.observe("s_1")
        await client.observe("s_unknown")
    assert told == [200, None, 500, 404]


async def test_a_snapshot_is_followed_through_its_life() -> None:
    at = 0.0
    async with Simulator(speed=1.0, clock=lambda: at) as simulator:
        simulator.add("s_1", life.appears_late(hidden_for=20, seconds=60))
        async with client_of(simulator.url) as client:
            seen = []
            for at in (0.0, 21.0, 81.0):  # noqa: B007 - the simulator's clock reads it
                observation = await client.observe("s_1")
                seen.append(observation.status if isinstance(observation, Seen) else type(observation).__name__)
    assert seen == ["NotFound", "running", "ready"]


async def test_an_unknown_snapshot_is_not_found(sim: Simulator) -> None:
    assert await poll(sim.url, "s_unknown") == NotFound()


@pytest.mark.parametrize(
    ("fault", "reason", "detail"),
    [
        (Fault.RATE_LIMITED, Reason.RATE_LIMITED, "HTTP 429: Too many requests"),
        (Fault.SERVER_ERROR, Reason.SERVER_ERROR, "HTTP 500: Internal server error"),
        (Fault.BAD_GATEWAY, Reason.SERVER_ERROR, "HTTP 502 (an HTML page)"),
        (Fault.UNAVAILABLE, Reason.SERVER_ERROR, "HTTP 503: Try again later"),
        (Fault.UNAUTHORISED, Reason.UNAUTHORISED, "HTTP 401: Credentials are missing"),
        (Fault.FORBIDDEN, Reason.FORBIDDEN, "HTTP 403: This account may not do that"),
        (Fault.NOT_FOUND_HTML, Reason.NONSENSE, "HTTP 404 (an HTML page)"),
        (Fault.HTML, Reason.NONSENSE, "HTTP 200, but not JSON (an HTML page)"),
        (Fault.GARBAGE, Reason.NONSENSE, "HTTP 200, but not a JSON object"),
        (Fault.CUT, Reason.CONNECTION, "ClientPayloadError"),
        (Fault.SLOW, Reason.TIMEOUT, "TimeoutError"),
        (Fault.TRICKLE, Reason.TIMEOUT, "TimeoutError"),
        (Fault.RESET, Reason.CONNECTION, "ClientOSError"),
        (Fault.HUGE, Reason.NONSENSE, "larger than 65536 bytes"),
        (Fault.REDIRECT, Reason.NONSENSE, "HTTP 302"),
    ],
)
async def test_each_fault_has_its_reason_and_the_next_poll_is_fine(
    sim: Simulator, fault: Fault, reason: Reason, detail: str
) -> None:
    limiter = new_limiter()
    sim.fail_next(fault)
    async with client_of(sim.url, limiter=limiter, timeout=0.3) as client:
        observation = unclear(await asyncio.wait_for(client.observe("s_1"), 10.0))
        if fault is Fault.RATE_LIMITED:
            assert limiter.state is BreakerState.OPEN
        else:
            assert await client.observe("s_1") == READY
    assert observation.reason is reason
    assert detail in observation.detail
    assert sim.answers[fault.value] == 1
    assert sim.requests["progress"] == (1 if fault is Fault.RATE_LIMITED else 2)


async def test_every_fault_is_in_that_table() -> None:
    marks = test_each_fault_has_its_reason_and_the_next_poll_is_fine.pytestmark  # type: ignore[attr-defined]
    assert {row[0] for row in marks[0].args[1]} == set(Fault) - {Fault.NOT_FOUND, Fault.STALE} - OF_RESULTS


@pytest.mark.parametrize("fault", sorted(OF_RESULTS))
async def test_a_fault_of_results_does_not_affect_a_poll(sim: Simulator, fault: Fault) -> None:
    sim.fail_next(fault)
    assert await poll(sim.url) == READY


async def test_a_404_in_plain_text_is_not_found(sim: Simulator) -> None:
    sim.fail_next(Fault.NOT_FOUND)
    assert await poll(sim.url) == NotFound()


@pytest.mark.parametrize("fault", [Fault.RATE_LIMITED, Fault.UNAVAILABLE])
async def test_the_pause_that_the_api_asks_for_is_reported(sim: Simulator, fault: Fault) -> None:
    sim.fail_next(fault)
    assert unclear(await poll(sim.url)).retry_after == timedelta(seconds=2)


async def test_the_limiter_learns_of_429_and_of_every_other_answer(sim: Simulator) -> None:
    at = 100.0

    async def sleep(seconds: float) -> None:
        nonlocal at
        at += seconds

    limiter = Limiter(requests_per_second=10.0, clock=lambda: at, sleep=sleep)
    async with client_of(sim.url, limiter=limiter) as client:
        sim.fail_next(Fault.RATE_LIMITED)
        await client.observe("s_1")
        assert limiter.state is BreakerState.OPEN
        assert limiter.held_for == timedelta(seconds=2)
        assert limiter.recent_refusals == 1
        assert await client.observe("s_1") == READY  # the probe, after the hold
    assert at == 102.0
    assert limiter.state.value == "closed"


async def test_every_poll_counts_as_one_request_and_none_stays_in_flight(sim: Simulator) -> None:
    limiter = new_limiter()
    async with client_of(sim.url, limiter=limiter) as client:
        assert set(await asyncio.gather(*(client.observe("s_1") for _ in range(200)))) == {READY}
    assert sim.requests == {"progress": 200}
    assert limiter.in_flight == 0


@pytest.mark.parametrize("snapshot_id", ["%2F", "a%2F..%2Fb", "%2e%2e", "%", "..a", "a+b&c=d", "é?x#y", "<>^`{|}"])
async def test_any_id_reaches_the_server_as_one_segment_of_the_path(sim: Simulator, snapshot_id: str) -> None:
    sim.add(snapshot_id, ENDED, dataset_id="gd_1")
    assert await poll(sim.url, snapshot_id) == READY
    assert sim.log[-1].raw_path.count("/") == len(["", "datasets", "v3", "progress", ""]) - 1


@pytest.mark.parametrize("snapshot_id", ["", ".", "..", "a/b", "a/../b", "\\", "a b", "a\nb", "x" * 201, "\ud800"])
async def test_an_id_that_cannot_be_one_segment_is_not_requested(sim: Simulator, snapshot_id: str) -> None:
    assert unclear(await poll(sim.url, snapshot_id)).reason is Reason.NONSENSE
    assert not sim.requests


async def test_https_to_a_plain_server_has_the_reason_connection(sim: Simulator) -> None:
    assert unclear(await poll(sim.url.replace("http:", "https:"))).reason is Reason.CONNECTION


async def test_a_refused_token_is_read_again_for_the_next_poll() -> None:
    tokens = ["canary-old", "canary-new"]
    async with Simulator(token="canary-new") as simulator:
        simulator.add("s_1", ENDED, dataset_id="gd_1")
        async with client_of(simulator.url, token=FileToken(lambda: tokens.pop(0))) as client:
            assert unclear(await client.observe("s_1")).reason is Reason.UNAUTHORISED
            assert await client.observe("s_1") == READY
            assert await client.observe("s_1") == READY
    assert simulator.answers == {"401": 1, "200": 2}


@pytest.mark.parametrize("error", [FileNotFoundError(2, "gone", "/run/canary"), ValueError("canary"), None])
async def test_without_a_token_no_request_is_sent(sim: Simulator, error: Exception | None) -> None:
    def read() -> str:
        if error is not None:
            raise error
        return ""

    async with client_of(sim.url, token=FileToken(read)) as client:
        assert unclear(await client.observe("s_1")).reason is Reason.UNAUTHORISED
    assert not sim.requests


async def test_a_cancelled_poll_stays_cancelled_and_leaves_nothing_in_flight(sim: Simulator) -> None:
    limiter = new_limiter()
    sim.fail_next(Fault.SLOW)
    async with client_of(sim.url, limiter=limiter, timeout=60.0) as client:
        task = asyncio.create_task(client.observe("s_1"))
        await sim.until_asked(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert limiter.in_flight == 0
        assert await client.observe("s_1") == READY


async def test_a_client_that_is_not_entered_raises(sim: Simulator) -> None:
    with pytest.raises(RuntimeError, match="not entered"):
        await client_of(sim.url).observe("s_1")


async def test_an_api_that_answers_only_429_gets_fewer_than_ten_requests_before_the_hold(sim: Simulator) -> None:
    held = asyncio.Event()

    async def hold(seconds: float) -> None:
        if seconds > 1.0:  # not the space between two requests
            held.set()
            await asyncio.Event().wait()
        await asyncio.sleep(seconds)

    limiter = Limiter(requests_per_second=1_000.0, clock=time.monotonic, sleep=hold)
    sim.fail_next(Fault.RATE_LIMITED, 1_000)
    async with client_of(sim.url, limiter=limiter) as client:
        tasks = [asyncio.create_task(client.observe("s_1")) for _ in range(300)]
        await asyncio.wait_for(held.wait(), 10.0)
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        while limiter.in_flight:
            await asyncio.wait([task for task in tasks if not task.done()], timeout=0.01)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert 1 <= sim.requests["progress"] <= 9


async def test_chosen_faults_hit_the_same_requests_for_the_same_seed() -> None:
    async def answers() -> list[str]:
        chances = parse_faults(["500=0.2", "html=0.1", "cut=0.1"])
        async with Simulator(seed=5, faults=chances) as simulator:
            simulator.add("s_1", ENDED)
            async with client_of(simulator.url) as client:
                for _ in range(60):
                    await client.observe("s_1")
            return [entry.answer for entry in simulator.log]

    first = await answers()
    assert first == await answers()
    assert set(first) == {"200", "500", "html", "cut"}


async def test_serve_reports_when_it_listens_and_ends_on_stop() -> None:
    stop, ready = asyncio.Event(), asyncio.Queue[tuple[Simulator, list[str]]]()
    task = asyncio.create_task(
        serve(seed=3, snapshots=50, ready=lambda simulator, ids: ready.put_nowait((simulator, ids)), stop=stop)
    )
    simulator, ids = await ready.get()
    assert len(ids) == 50
    assert isinstance(await poll(simulator.url, ids[0]), (Seen, NotFound))
    stop.set()
    await task
    assert unclear(await poll(simulator.url)).reason is Reason.CONNECTION

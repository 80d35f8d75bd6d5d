"""The real client against the simulated Bright Data, over a real socket: every kind of answer and of fault."""

import asyncio
import gzip
import logging
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from notifier import __version__
from notifier.brightdata.datasets.client import LARGEST_ANSWER, Client
from notifier.brightdata.http.failures import NoAnswer
from notifier.brightdata.http.tokens import FileToken, StaticToken, TokenSource
from notifier.brightdata.limits.breaker import BreakerState
from notifier.brightdata.limits.limiter import Limiter
from notifier.brightdata.simulator import Fault, Simulator, life, parse_faults, serve
from notifier.brightdata.simulator.faults import OF_RESULTS
from notifier.brightdata.simulator.life import Life, Step
from notifier.core.model import Facts, NotFound, Observation, Reason, Seen, Unclear

CANARY = "canary-7f3a/9+d1"
ENDED = Life(steps=(Step(status="ready"),), facts={"records": 10, "errors": 0, "collection_duration": 36592})
READY = Seen(status="ready", facts=Facts(dataset_id="gd_1", records=10, errors=0, collection_duration_ms=36592))


def new_limiter(rate: float = 1_000.0) -> Limiter:
    return Limiter(requests_per_second=rate, clock=time.monotonic)


def client_of(
    url: str, *, timeout: float = 5.0, token: TokenSource | None = None, limiter: Limiter | None = None
) -> Client:
    return Client(
        base_url=url,
        token=token or StaticToken(CANARY),
        timeout=timedelta(seconds=timeout),
        limiter=limiter or new_limiter(),
        max_connections=100,
    )


async def look(url: str, snapshot_id: str = "s_1", *, timeout: float = 5.0) -> Observation:
    async with client_of(url, timeout=timeout) as client:
        return await client.observe(snapshot_id)


def unclear(observation: Observation) -> Unclear:
    assert isinstance(observation, Unclear), observation
    assert "canary" not in observation.detail
    assert observation.detail.isprintable()
    assert 0 < len(observation.detail) <= 200
    return observation


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(seed=1, slow_seconds=60.0) as simulator:
        simulator.add("s_1", ENDED, dataset_id="gd_1")
        yield simulator


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def raw_server(answer: bytes, *, then: Handler | None = None) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that answers every request with these bytes, then does `then` or hangs up; and the requests it got."""
    requests = list[bytes]()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            requests.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(answer)
            if then is not None:
                await then(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", requests


async def test_a_ready_snapshot_is_seen_with_its_facts(sim: Simulator) -> None:
    assert await look(sim.url) == READY


async def test_each_request_is_told_with_the_status_code_of_its_answer_or_that_there_was_none(sim: Simulator) -> None:
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
    assert await look(sim.url, "s_unknown") == NotFound()


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
async def test_each_fault_has_its_reason_and_the_next_look_is_fine(
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
    marks = test_each_fault_has_its_reason_and_the_next_look_is_fine.pytestmark  # type: ignore[attr-defined]
    assert {row[0] for row in marks[0].args[1]} == set(Fault) - {Fault.NOT_FOUND, Fault.STALE} - OF_RESULTS


@pytest.mark.parametrize("fault", sorted(OF_RESULTS))
async def test_a_fault_of_results_leaves_a_look_right(sim: Simulator, fault: Fault) -> None:
    sim.fail_next(fault)
    assert await look(sim.url) == READY


async def test_a_404_in_plain_text_is_not_found(sim: Simulator) -> None:
    sim.fail_next(Fault.NOT_FOUND)
    assert await look(sim.url) == NotFound()


@pytest.mark.parametrize("fault", [Fault.RATE_LIMITED, Fault.UNAVAILABLE])
async def test_the_pause_that_the_api_asks_for_is_passed_on(sim: Simulator, fault: Fault) -> None:
    sim.fail_next(fault)
    assert unclear(await look(sim.url)).retry_after == timedelta(seconds=2)


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


async def test_every_look_is_counted_as_one_request_and_none_stays_in_flight(sim: Simulator) -> None:
    limiter = new_limiter()
    async with client_of(sim.url, limiter=limiter) as client:
        assert set(await asyncio.gather(*(client.observe("s_1") for _ in range(200)))) == {READY}
    assert sim.requests == {"progress": 200}
    assert limiter.in_flight == 0


@pytest.mark.parametrize("snapshot_id", ["%2F", "a%2F..%2Fb", "%2e%2e", "%", "..a", "a+b&c=d", "é?x#y", "<>^`{|}"])
async def test_any_id_reaches_the_server_as_one_segment_of_the_path(sim: Simulator, snapshot_id: str) -> None:
    sim.add(snapshot_id, ENDED, dataset_id="gd_1")
    assert await look(sim.url, snapshot_id) == READY
    assert sim.log[-1].raw_path.count("/") == len(["", "datasets", "v3", "progress", ""]) - 1


@pytest.mark.parametrize("snapshot_id", ["", ".", "..", "a/b", "a/../b", "\\", "a b", "a\nb", "x" * 201, "\ud800"])
async def test_an_id_that_cannot_be_one_segment_is_not_asked_for(sim: Simulator, snapshot_id: str) -> None:
    assert unclear(await look(sim.url, snapshot_id)).reason is Reason.NONSENSE
    assert not sim.requests


async def test_the_request_on_the_wire_is_lean_and_says_who_asks() -> None:
    answer = (
        b'HTTP/1.1 200 OK\r\nContent-Length: 20\r\nConnection: close\r\nSet-Cookie: a=b\r\n\r\n{"status":"running"}'
    )
    async with raw_server(answer) as (url, requests):
        async with client_of(url.replace("127.0.0.1", "localhost") + "/prefix/") as client:
            for _ in range(2):
                assert await client.observe("s_1") == Seen(status="running")
    first, second = ([line.lower() for line in request.decode().split("\r\n")] for request in requests)
    assert first[0] == "get /prefix/datasets/v3/progress/s_1 http/1.1"
    assert f"authorization: bearer {CANARY}" in first
    assert f"user-agent: notifier/{__version__}" in first
    assert "accept-encoding: identity" in first
    assert not [line for line in second if line.startswith("cookie")]


async def test_an_answer_about_another_snapshot_is_nonsense() -> None:
    body = b'{"status":"ready","snapshot_id":"s_2"}'
    async with raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)) as (url, _):
        assert unclear(await look(url)).reason is Reason.NONSENSE


async def test_an_answer_of_exactly_the_largest_size_is_read_and_one_byte_more_is_not() -> None:
    body = b'{"status":"ready"}'.ljust(LARGEST_ANSWER)
    for extra, wanted in ((0, Seen(status="ready")), (1, None)):
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(body) + extra)
        async with raw_server(head + body + b" " * extra) as (url, _):
            observation = await look(url)
            assert observation == wanted if wanted else unclear(observation).reason is Reason.NONSENSE


async def test_an_endless_answer_is_left_after_the_cap() -> None:
    async def on(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"10000\r\n" + b"a" * 0x10000 + b"\r\n")
            await writer.drain()

    async with raw_server(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", then=on) as (url, _):
        assert "larger than" in unclear(await look(url)).detail


async def test_a_compressed_answer_is_not_unpacked() -> None:
    bomb = gzip.compress(b'{"status":"ready"}'.ljust(64 * LARGEST_ANSWER))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    async with raw_server(head + bomb) as (url, _):
        observation = unclear(await look(url))
    assert observation.reason is Reason.NONSENSE
    assert "gzip-encoded" in observation.detail


@pytest.mark.parametrize("piece", [b"H", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"])
async def test_the_timeout_is_for_the_answer_as_a_whole_wherever_it_hangs(piece: bytes) -> None:
    async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()  # until the client has had enough

    async with raw_server(piece, then=hang) as (url, _):
        began = time.monotonic()
        assert unclear(await look(url, timeout=0.2)).reason is Reason.TIMEOUT
        assert 0.15 < time.monotonic() - began < 2.0


@pytest.mark.parametrize("code", [401, 404, 500])
async def test_a_status_line_that_says_all_counts_though_the_body_breaks_off(code: int) -> None:
    async with raw_server(b"HTTP/1.1 %d No\r\nContent-Length: 99\r\n\r\nha" % code) as (url, _):
        observation = await look(url)
    wanted = {401: Reason.UNAUTHORISED, 500: Reason.SERVER_ERROR}.get(code)
    assert observation == NotFound() if wanted is None else unclear(observation).reason is wanted


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", Reason.CONNECTION),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", Reason.NONSENSE),
        (b"HTTP/1.1 banana\r\n\r\n", Reason.NONSENSE),
        (b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 100_000 + b"\r\n\r\n", Reason.NONSENSE),
        (b"HTTP/1.1 302 Found\r\nLocation: http://[::bad/\r\nContent-Length: 0\r\n\r\n", Reason.NONSENSE),
        (b"HTTP/1.1 302 Found\r\nLocation: ftp://x\r\nContent-Length: 0\r\n\r\n", Reason.NONSENSE),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", Reason.NONSENSE),
        (b"HTTP/1.1 204 No Content\r\n\r\n", Reason.NONSENSE),
        (b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n", Reason.NONSENSE),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nRetry-After: \xff\xfe\r\n\r\n\xff\x00{", Reason.NONSENSE),
        (b"HTTP/1.1 429 No\r\nContent-Length: 99\r\nRetry-After: \xb2\r\n\r\n", Reason.RATE_LIMITED),
    ],
)
async def test_whatever_comes_over_the_wire_is_an_observation(answer: bytes, reason: Reason) -> None:
    async with raw_server(answer) as (url, _):
        assert unclear(await look(url)).reason is reason


async def test_a_refused_connection_is_no_connection() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening
        observation = unclear(await look(f"http://127.0.0.1:{taken.getsockname()[1]}"))
    assert observation.reason is Reason.CONNECTION
    assert "ClientConnectorError" in observation.detail


async def test_a_name_that_does_not_exist_is_no_connection() -> None:
    assert unclear(await look("http://nonexistent.invalid", timeout=20.0)).reason is Reason.CONNECTION


async def test_https_to_a_server_that_speaks_none_is_no_connection(sim: Simulator) -> None:
    assert unclear(await look(sim.url.replace("http:", "https:"))).reason is Reason.CONNECTION


async def test_a_proxy_of_the_environment_is_used_and_its_password_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    body = b'{"status":"running"}'
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    async with raw_server(answer) as (url, requests):
        monkeypatch.setenv("http_proxy", url.replace("//", "//user:hunter2@"))
        monkeypatch.setenv("no_proxy", "")
        assert await look("http://nonexistent.invalid") == Seen(status="running")
    assert requests[0].startswith(b"GET http://nonexistent.invalid/datasets/v3/progress/s_1 HTTP/1.1")
    async with raw_server(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n") as (url, _):
        monkeypatch.setenv("https_proxy", url.replace("//", "//user:hunter2@"))
        observation = unclear(await look("https://nonexistent.invalid"))
    assert observation.reason is Reason.CONNECTION
    assert "hunter2" not in observation.detail


async def test_the_token_shows_nowhere_even_when_the_api_repeats_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    body = b'{"error":"bad token %s"}' % CANARY.encode()
    async with raw_server(b"HTTP/1.1 401 No\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)) as (url, _):
        async with client_of(url) as client:
            observation = unclear(await client.observe("s_1"))
            assert "canary" not in repr(client)
    assert observation.detail == "HTTP 401: bad token ***"
    assert "canary" not in caplog.text


async def test_a_refused_token_is_read_again_for_the_next_look() -> None:
    tokens = ["canary-old", "canary-new"]
    async with Simulator(token="canary-new") as simulator:
        simulator.add("s_1", ENDED, dataset_id="gd_1")
        async with client_of(simulator.url, token=FileToken(lambda: tokens.pop(0))) as client:
            assert unclear(await client.observe("s_1")).reason is Reason.UNAUTHORISED
            assert await client.observe("s_1") == READY
            assert await client.observe("s_1") == READY
    assert simulator.answers == {"401": 1, "200": 2}


@pytest.mark.parametrize("error", [FileNotFoundError(2, "gone", "/run/canary"), ValueError("canary"), None])
async def test_without_a_token_nothing_is_asked(sim: Simulator, error: Exception | None) -> None:
    def read() -> str:
        if error is not None:
            raise error
        return ""

    async with client_of(sim.url, token=FileToken(read)) as client:
        assert unclear(await client.observe("s_1")).reason is Reason.UNAUTHORISED
    assert not sim.requests


async def test_a_cancelled_look_is_cancelled_and_leaves_nothing_behind(sim: Simulator) -> None:
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


async def test_a_client_that_is_not_open_says_so(sim: Simulator) -> None:
    with pytest.raises(RuntimeError, match="not entered"):
        await client_of(sim.url).observe("s_1")


async def test_an_api_that_only_answers_429_is_asked_less_than_ten_times_before_the_hold(sim: Simulator) -> None:
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


async def test_serving_alone_tells_when_it_listens_and_stops_when_told() -> None:
    stop, ready = asyncio.Event(), asyncio.Queue[tuple[Simulator, list[str]]]()
    task = asyncio.create_task(
        serve(seed=3, snapshots=50, ready=lambda simulator, ids: ready.put_nowait((simulator, ids)), stop=stop)
    )
    simulator, ids = await ready.get()
    assert len(ids) == 50
    assert isinstance(await look(simulator.url, ids[0]), (Seen, NotFound))
    stop.set()
    await task
    assert unclear(await look(simulator.url)).reason is Reason.CONNECTION


async def test_a_request_that_may_take_long_lets_others_go_after_the_usual_timeout() -> None:
    """Eight scrapes of a minute would else keep every look waiting: 429, which the limiter waits for, comes at once."""
    limiter, hang = new_limiter(), asyncio.Event()

    async def wait(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await hang.wait()

    async with raw_server(b"", then=wait) as (url, requests), client_of(url, timeout=0.05, limiter=limiter) as client:

        async def scrape() -> None:
            async with client.gateway.ask("POST", "/datasets/v3/scrape", patience=60.0):
                pass

        asking = asyncio.create_task(scrape())
        async with asyncio.timeout(20):
            while not requests or limiter.in_flight:  # noqa: ASYNC110 - a limiter has no event for its figures
                await asyncio.sleep(0.005)
        assert not asking.done()
        hang.set()
        with pytest.raises(NoAnswer):
            await asking
    assert limiter.in_flight == 0

"""Lists of a dataset's snapshots, and what else goes through the door, over a real socket."""

import asyncio
import gc
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import pytest
from aiohttp import web
from support.web_server import serving

from notifier.brightdata.datasets.client import Client
from notifier.brightdata.datasets.list_pages import LARGEST_PAGE
from notifier.brightdata.http.failures import AnswerTooLarge, NoAnswer
from notifier.brightdata.http.tokens import FileToken, StaticToken
from notifier.brightdata.limits.limiter import Limiter
from notifier.brightdata.simulator import Fault, Simulator, life
from notifier.core.health.api import ApiKind
from notifier.core.snapshot.model import Listed, ListPage, Reason, Unclear

CANARY = "canary-7f3a9d1"
TRIES = 3
"""The processor may be shared with others, whose work makes this slower now and then."""


def limiter() -> Limiter:
    return Limiter(requests_per_second=1_000.0, clock=time.monotonic)


def client_of(url: str, gate: Limiter | None = None, *, timeout: float = 5.0) -> Client:
    return Client(
        base_url=url,
        token=StaticToken(CANARY),
        timeout=timedelta(seconds=timeout),
        limiter=gate or limiter(),
        max_connections=20,
    )


async def page_of(body: bytes, *, limit: int = 5_000) -> ListPage | Unclear:
    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(body=body)

    async with serving(answer) as port, client_of(f"http://127.0.0.1:{port}") as client:
        return await client.list_page("gd_1", skip=0, limit=limit)


async def test_a_listing_pages_to_the_end_each_page_in_its_turn() -> None:
    async with Simulator(seed=3) as simulator:
        ids = {f"s_{k}" for k in range(25)}
        for each in ids:
            simulator.add(each, life.complete(seconds=0), dataset_id="gd_1")
        simulator.add("s_other", life.complete(seconds=0), dataset_id="gd_2")
        gate = limiter()
        async with client_of(simulator.url, gate) as client:
            found = await client.listing("gd_1", limit=10)
            today = datetime.now(UTC).date()
            late = await client.listing("gd_1", from_date=today + timedelta(days=2))
            assert gate.in_flight == 0
    assert isinstance(found, tuple)
    assert {entry.snapshot_id for entry in found} == ids
    assert {entry.status for entry in found} == {"ready"}
    assert found[0].created is not None
    assert late == ()
    assert simulator.requests["snapshots"] == 4


async def test_of_a_snapshot_listed_twice_the_last_entry_counts() -> None:
    pages = [[{"id": "a", "status": "running"}, {"id": "b", "status": "ready"}], [{"id": "a", "status": "ready"}]]

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.json_response(pages.pop(0))

    async with serving(answer) as port, client_of(f"http://127.0.0.1:{port}") as client:
        assert await client.listing("gd_1", limit=2) == (
            Listed(snapshot_id="a", status="ready"),
            Listed(snapshot_id="b", status="ready"),
        )


async def test_a_listing_that_never_ends_is_unclear() -> None:
    async def answer(_: web.BaseRequest) -> web.Response:
        return web.json_response([{"id": "a", "status": "running"}])

    async with serving(answer) as port, client_of(f"http://127.0.0.1:{port}") as client:
        found = await client.listing("gd_1", limit=1)
    assert isinstance(found, Unclear)
    assert "repeats itself" in found.detail


async def test_entries_without_sense_are_left_out_one_by_one() -> None:
    entries: list[object] = [
        {"id": "s_1", "status": " running\n", "created": "2026-11-07T05:31:56Z", "dataset_size": 123, "trigger": {}},
        {"id": "s_2", "status": "ready", "created": "soon", "dataset_size": -1},
        {"id": "s_3", "status": "ready", "created": "2026-11-07T05:31:56+02:00", "dataset_size": 5.0},
        {"id": "", "status": "ready"},
        {"id": "..", "status": "ready"},
        {"id": "a\nb", "status": "ready"},
        {"id": CANARY, "status": "ready"},
        {"id": 7, "status": "ready"},
        {"id": "s_4"},
        {"id": "s_5", "status": "\x07"},
        *[None, 1, "s", [], {}],
    ]
    page = await page_of(json.dumps(entries).encode(), limit=len(entries))
    at = datetime(2026, 11, 7, 5, 31, 56, tzinfo=UTC)
    assert page == ListPage(
        entries=(
            Listed(snapshot_id="s_1", status="running", created=at, dataset_size=123),
            Listed(snapshot_id="s_2", status="ready"),
            Listed(snapshot_id="s_3", status="ready", created=at - timedelta(hours=2), dataset_size=5),
        ),
        full=True,
    )


@pytest.mark.parametrize("body", [b"", b"{}", b"[1,", b"<html>", b'{"error": "canary-7f3a9d1"}', b"[" * 100_000])
async def test_a_page_that_is_no_list_is_unclear(body: bytes) -> None:
    page = await page_of(body)
    assert isinstance(page, Unclear)
    assert page.reason is Reason.NONSENSE
    assert "canary" not in page.detail


async def test_a_page_that_is_too_large_is_unclear() -> None:
    page = await page_of(b"[" + b" " * LARGEST_PAGE + b"]")
    assert isinstance(page, Unclear)
    assert "larger than" in page.detail


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.RATE_LIMITED, Reason.RATE_LIMITED),
        (Fault.UNAUTHORISED, Reason.UNAUTHORISED),
        (Fault.SERVER_ERROR, Reason.SERVER_ERROR),
        (Fault.NOT_FOUND_HTML, Reason.NONSENSE),
        (Fault.RESET, Reason.CONNECTION),
    ],
)
async def test_an_unusable_list_has_a_reason(fault: Fault, reason: Reason) -> None:
    async with Simulator() as simulator:
        simulator.fail_next(fault)
        async with client_of(simulator.url) as client:
            page = await client.list_page("gd_1", skip=0, from_date=date(2026, 11, 1))
    assert isinstance(page, Unclear)
    assert page.reason is reason


async def test_a_page_of_five_thousand_is_read_without_stalling_the_loop() -> None:
    entry = {"created": "2026-11-07T05:31:56.123Z", "status": "running", "dataset_id": "gd_l1vikfnt1wgvvqz95w"}
    extra = {"dataset_size": 123, "trigger": {"type": "API", "user": "somebody@example.com", "ip": "192.0.2.1"}}
    body = json.dumps([{"id": f"sd_{k:020d}", **entry, **extra} for k in range(5_000)]).encode()
    stalls: list[float] = []

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(body=body)

    async def measure(reading: asyncio.Task[ListPage | Unclear]) -> float:
        worst, last = 0.0, time.thread_time()
        while not reading.done():
            await asyncio.sleep(0)
            worst, last = max(worst, time.thread_time() - last), time.thread_time()
        return worst

    gc.collect()
    gc.freeze()  # as in the daemon: to go through all that the tests have made is no part of reading
    try:
        async with serving(answer) as port, client_of(f"http://127.0.0.1:{port}") as client:
            for _ in range(TRIES):
                reading = asyncio.create_task(client.list_page("gd_1", skip=0))
                stalls.append(await measure(reading))
                page = await reading
                assert isinstance(page, ListPage)
                assert len(page.entries) == 5_000
    finally:
        gc.unfreeze()
    assert min(stalls) < 0.02, f"the loop stood still for {min(stalls) * 1e3:.1f} ms of CPU at each try"


async def test_a_permit_that_was_waited_for_is_used_and_given_back() -> None:
    async with Simulator() as simulator:
        simulator.add("s_1", life.complete(seconds=0))
        gate = limiter()
        async with client_of(simulator.url, gate) as client:
            for snapshot_id in ("s_1", ".."):
                permit = await gate.admit()
                await client.observe(snapshot_id, permit=permit)
                permit.release()
                assert gate.in_flight == 0
            await client.list_page("gd_1", skip=0, permit=await gate.admit())
            assert gate.in_flight == 0


async def test_a_long_answer_lets_go_of_its_turn_with_its_status_and_has_time_for_each_piece() -> None:
    timeout, sent = 0.3, 0

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        """Pieces that follow each other at once, for twice as long as one alone may take."""
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        sent, end = 0, time.monotonic() + 2 * timeout
        while time.monotonic() < end:
            await response.write(b"x" * 10)
            sent += 10
            await asyncio.sleep(0)
        return response

    gate = limiter()
    async with serving(answer) as port, client_of(f"http://127.0.0.1:{port}", gate, timeout=timeout) as client:
        async with client.gateway.ask("GET", "/datasets/v3/snapshot/s_1", params={"format": "json"}) as whole:
            assert gate.in_flight == 0
            assert len(await whole.body(100_000_000)) == sent
        with pytest.raises(NoAnswer, match="no whole answer"):
            async with client.gateway.ask("GET", "/x", seconds=timeout) as cut:
                await cut.body(100_000_000)
        with pytest.raises(AnswerTooLarge):
            async with client.gateway.ask("GET", "/x") as large:
                await large.body(15)
        with pytest.raises(KeyError):  # the caller's own errors pass
            async with client.gateway.ask("GET", "/x"):
                raise KeyError


async def test_what_is_sent_arrives_with_its_headers_and_query() -> None:
    async def answer(request: web.BaseRequest) -> web.Response:
        return web.json_response([request.method, request.path_qs, request.content_type, await request.text()])

    async def pieces() -> AsyncIterator[bytes]:
        yield b"a,b\n"
        yield b"1,2\n"

    headers = {"Content-Type": "text/csv"}
    async with serving(answer) as port, client_of(f"http://127.0.0.1:{port}") as client:
        for content in (b"a,b\n1,2\n", pieces()):
            async with client.gateway.ask(
                "POST", "/t", params={"dataset_id": "gd &1", "n": 2}, headers=headers, content=content, seconds=5
            ) as got:
                assert json.loads(await got.body(1_000)) == [
                    "POST",
                    "/t?dataset_id=gd+%261&n=2",
                    "text/csv",
                    "a,b\n1,2\n",
                ]


async def test_a_locked_account_is_announced_and_each_token_read_is_masked() -> None:
    learned, news = list[str](), list[ApiKind]()
    tokens = iter(["canary-1", "canary-1", "canary-2", "canary-3"])
    gate = Limiter(requests_per_second=1_000.0, clock=time.monotonic, changed=lambda each: news.append(each.kind))
    async with Simulator(token="canary-3") as simulator:
        client = Client(
            base_url=simulator.url,
            token=FileToken(lambda: next(tokens), learned.append),
            timeout=timedelta(seconds=5),
            limiter=gate,
            max_connections=5,
        )
        async with client:
            for _ in range(3):
                await client.observe("s_1")
            assert gate.api.kind is ApiKind.UNAUTHORISED
            assert gate.api.held_for > timedelta(seconds=50)
            gate.try_at_once()
            await client.observe("s_1")
    assert learned == ["canary-1", "canary-2", "canary-3"]
    assert news == [ApiKind.UNAUTHORISED, ApiKind.OK]

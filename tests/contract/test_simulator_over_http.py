"""The simulated Bright Data as any HTTP client finds it: the endpoints that the client does not ask yet."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from notifier.brightdata.simulator import Fault, Simulator, life

AUTH = {"Authorization": "Bearer any"}


@pytest.fixture
async def sim() -> AsyncIterator[Simulator]:
    async with Simulator(seed=1, token="any") as simulator:
        yield simulator


async def ask(sim: Simulator, method: str, path: str, **options: Any) -> tuple[int, str, Any]:
    async with aiohttp.ClientSession() as session:
        async with session.request(method, sim.url + path, **{"headers": AUTH, **options}) as response:
            kind = response.content_type
            return response.status, kind, await response.json() if kind == "application/json" else await response.text()


@pytest.mark.parametrize(
    "options",
    [
        {"json": [{"url": "https://example.com"}]},
        {"json": {"input": [{"url": "https://example.com"}]}},
        {"data": "url\nhttps://example.com\n", "headers": {**AUTH, "Content-Type": "text/csv"}},
    ],
)
async def test_a_triggered_snapshot_can_be_listed_and_polled(sim: Simulator, options: dict[str, Any]) -> None:
    status, _, answer = await ask(sim, "POST", "/datasets/v3/trigger?dataset_id=gd_1", **options)
    assert status == 200
    snapshot_id = answer["snapshot_id"]
    assert snapshot_id.startswith("sd_")
    status, _, progress = await ask(sim, "GET", f"/datasets/v3/progress/{snapshot_id}")
    assert (status, progress["dataset_id"]) == (200, "gd_1")
    status, _, listed = await ask(sim, "GET", "/datasets/v3/snapshots?dataset_id=gd_1&status=starting")
    assert (status, [item["id"] for item in listed]) == (200, [snapshot_id])


@pytest.mark.parametrize("path", ["/datasets/v3/trigger", "/datasets/v3/trigger?dataset_id=gd_1"])
async def test_a_trigger_without_dataset_or_input_is_refused(sim: Simulator, path: str) -> None:
    status, _, answer = await ask(sim, "POST", path, json=[] if "?" in path else [{}])
    assert status == 400
    assert answer["error"]


async def test_a_stale_list_is_as_of_its_first_request() -> None:
    now = 0.0
    async with Simulator(clock=lambda: now, token="any") as sim:
        sim.add("s_1", life.of("running", "ready", seconds=60), dataset_id="gd_1")
        listing = "/datasets/v3/snapshots?dataset_id=gd_1"
        _, _, fresh = await ask(sim, "GET", listing)
        now = 100.0
        sim.add("s_2", life.of("running", "ready", seconds=60), dataset_id="gd_1")
        sim.fail_always(Fault.STALE)
        _, _, stale = await ask(sim, "GET", listing)
        _, _, progress = await ask(sim, "GET", "/datasets/v3/progress/s_1")
        sim.fail_always(None)
        _, _, again = await ask(sim, "GET", listing)

    assert [each["status"] for each in fresh] == [each["status"] for each in stale] == ["running"]
    assert progress["status"] == "ready"
    assert {each["id"]: each["status"] for each in again} == {"s_1": "ready", "s_2": "running"}


async def test_a_listing_needs_its_dataset(sim: Simulator) -> None:
    assert await ask(sim, "GET", "/datasets/v3/snapshots") == (
        400,
        "application/json",
        {"error": "dataset_id is required"},
    )


async def test_a_wrong_token_is_refused_in_json_and_in_plain_text(sim: Simulator) -> None:
    sim.add("s_1", life.complete())
    kinds = []
    for header in ({"Authorization": "Bearer other"}, {}):
        status, kind, _ = await ask(sim, "GET", "/datasets/v3/progress/s_1", headers=header)
        assert status == 401
        kinds.append(kind)
    assert kinds == ["application/json", "text/plain"]


@pytest.mark.parametrize("path", ["/", "/datasets/v3/progress/", "/datasets/v3/progress/a/b", "/datasets/v3/progress"])
async def test_any_other_path_is_a_web_servers_404(sim: Simulator, path: str) -> None:
    status, kind, _ = await ask(sim, "GET", path)
    assert (status, kind) == (404, "text/html")


async def test_an_account_with_a_rate_answers_429_over_it_and_counts() -> None:
    async with Simulator(requests_per_second=1.0, clock=lambda: 100.0, retry_after=9) as simulator:
        simulator.add("s_1", life.complete())
        answers = [await ask(simulator, "GET", "/datasets/v3/progress/s_1") for _ in range(5)]
    assert [status for status, _, _ in answers] == [200, 200, 429, 429, 429]
    assert simulator.answers == {"200": 2, "429": 3}


async def test_a_port_in_use_is_an_error_and_leaves_nothing_open(sim: Simulator) -> None:
    with pytest.raises(OSError, match="address already in use"):
        async with Simulator(port=int(sim.url.rpartition(":")[2])):
            pass


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


async def test_results_come_from_ready_to_expired_as_documented() -> None:
    clock = Clock()
    async with Simulator(clock=clock, retry_after=7) as sim:
        sim.add("s_1", life.complete(seconds=60, records=3, builds_for=10))

        async def download(name: str = "s_1") -> tuple[int, str, Any]:
            return await ask(sim, "GET", f"/datasets/v3/snapshot/{name}?format=json")

        status, _, answer = await download()
        assert (status, answer["status"]) == (202, "starting")
        clock.now += 60
        building = {"status": "building", "message": "Snapshot is building, try again in 7s"}
        assert await download() == (202, "application/json", building)
        clock.now += 10
        status, _, records = await download()
        assert (status, len(records)) == (200, 3)
        clock.now += 17 * 86_400
        assert await download() == (400, "text/plain", "Snapshot is expired")
        assert (await download("s_2"))[0] == 404


async def test_results_come_in_parts_and_an_empty_snapshot_has_none() -> None:
    clock = Clock()
    async with Simulator(clock=clock) as sim:
        sim.add("s_1", life.complete(records=2_500))
        sim.add("s_2", life.empty())
        clock.now += 60
        base = "/datasets/v3/snapshot/s_1"
        assert (await ask(sim, "GET", f"{base}/parts?batch_size=1000"))[2] == {"parts": 3}
        lengths = [len((await ask(sim, "GET", f"{base}?batch_size=1000&part={part}"))[2]) for part in (1, 2, 3)]
        assert lengths == [1_000, 1_000, 500]
        assert (await ask(sim, "GET", f"{base}?batch_size=1000&part=4"))[0] == 400
        assert (await ask(sim, "GET", f"{base}?batch_size=10&part=1"))[0] == 400
        assert (await ask(sim, "GET", "/datasets/v3/snapshot/s_2"))[2] == "Snapshot is empty"


async def test_results_are_cut_in_the_middle_and_short_of_a_record_when_ordered(sim: Simulator) -> None:
    sim.add("s_1", life.of("ready", records=20))
    sim.fail_next(Fault.CUT)
    sim.fail_next(Fault.SHORT)
    with pytest.raises(aiohttp.ClientPayloadError):
        await ask(sim, "GET", "/datasets/v3/snapshot/s_1")
    assert len((await ask(sim, "GET", "/datasets/v3/snapshot/s_1"))[2]) == 19
    assert len((await ask(sim, "GET", "/datasets/v3/snapshot/s_1"))[2]) == 20


async def test_a_snapshot_is_canceled_once(sim: Simulator) -> None:
    sim.add("s_1", life.complete())
    path = "/datasets/v3/snapshot/s_1/cancel"
    assert [await ask(sim, "POST", path) for _ in range(2)] == [
        (200, "text/plain", "OK"),
        (400, "text/plain", "Snapshot is not running"),
    ]


async def test_a_scrape_answers_with_its_data_or_with_a_snapshot_to_follow(sim: Simulator) -> None:
    sim.order_life(life.complete(seconds=30, records=4))
    sim.order_life(life.complete(seconds=90))
    path = "/datasets/v3/scrape?dataset_id=gd_1"
    status, _, records = await ask(sim, "POST", path, json=[{}])
    assert (status, len(records)) == (200, 4)
    status, _, answer = await ask(sim, "POST", path, json=[{}])
    assert status == 202
    assert sim.account.progress(answer["snapshot_id"]) is not None


async def raw(sim: Simulator, path: str = "/datasets/v3/progress/s_1") -> tuple[asyncio.StreamReader, str]:
    """The answer of a request as it comes, after its head."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(sim.url.rpartition(":")[2]))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer any\r\n\r\n".encode())
    OPENED.append(writer)
    return reader, (await reader.readuntil(b"\r\n\r\n")).decode().lower()


OPENED: list[asyncio.StreamWriter] = []


@pytest.fixture(autouse=True)
async def _hang_up() -> AsyncIterator[None]:
    yield
    while OPENED:
        OPENED.pop().close()


async def test_a_reset_is_one_on_the_wire(sim: Simulator) -> None:
    sim.fail_next(Fault.RESET)
    with pytest.raises(ConnectionResetError):
        await raw(sim)


async def test_a_cut_answer_promises_more_than_comes(sim: Simulator) -> None:
    sim.fail_next(Fault.CUT)
    reader, head = await raw(sim)
    assert "content-length: 100" in head
    assert await reader.read() == b'{"status":"ready","rec'


async def test_an_answer_that_trickles_goes_on_until_the_client_hangs_up(sim: Simulator) -> None:
    sim.fail_next(Fault.TRICKLE)
    reader, _ = await raw(sim)
    assert await reader.readexactly(3 * len(b"1\r\n \r\n")) == b"1\r\n \r\n" * 3
    (task,) = sim._listener._state.tasks
    OPENED.pop().close()
    async with asyncio.timeout(10):
        await asyncio.wait({task})


async def test_results_packed_unasked_say_so_in_their_head(sim: Simulator) -> None:
    sim.add("s_1", life.of("ready", records=20))
    sim.fail_next(Fault.GZIP)
    _, head = await raw(sim, "/datasets/v3/snapshot/s_1")
    assert "content-encoding: gzip" in head
    assert "content-length" not in head


async def test_it_ends_at_once_whatever_answers_are_under_way() -> None:
    async with asyncio.timeout(5), Simulator(slow_seconds=3_600) as simulator:
        simulator.fail_next(Fault.TRICKLE)
        await raw(simulator)
        simulator.fail_next(Fault.SLOW)
        late = asyncio.create_task(raw(simulator))
        await simulator.until_asked(2)
    with pytest.raises(asyncio.IncompleteReadError):
        await late

"""Results as nobody should send them: each is refused within its bounds, in words, and nothing is held up by it."""

import asyncio
import gc
import gzip
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.download_world import World, opened, read

from notifier.brightdata.datasets.results import ResultBounds
from notifier.brightdata.http.tokens import StaticToken
from notifier.brightdata.simulator import Fault, life
from notifier.core.errors import DownloadError, DownloadTrouble
from notifier.core.snapshot.model import Facts
from notifier.downloads import transfer
from notifier.downloads.request import DownloadRequest, Format

LONGEST_HELD_S = 0.25
"""Work of the loop's own thread between two of its turns, the simulator's included; a quadratic reader took 20 s."""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path) as world:
        yield world


async def refused(world: World, trouble: DownloadTrouble, **wanted: Any) -> str:
    """The words of a download that is refused and leaves nothing."""
    with pytest.raises(DownloadError) as caught:
        await world.fetch(**wanted)
    assert caught.value.trouble is trouble
    assert world.files() == []
    return str(caught.value)


@asynccontextmanager
async def never_held() -> AsyncIterator[None]:
    """The event loop has its turns in the block.

    A collection of garbage in it walks what the block has made, and not all that earlier tests have left: with
    200,000 objects, as this folder alone leaves, one takes up to 0.2 s.
    """
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            began = time.thread_time()
            await asyncio.sleep(0.005)
            longest = max(longest, time.thread_time() - began)

    gc.freeze()
    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
        gc.unfreeze()
    assert longest < LONGEST_HELD_S


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("form", [Format.JSON, Format.NDJSON, Format.CSV])
async def test_a_line_that_never_ends_is_refused_at_the_bound(world: World, form: Format, compress: bool) -> None:
    """64 MiB of a record, or 1 MiB of a header row, also as 64 KiB of gzip on the wire."""
    world.ready(3)
    world.sim.answer_next(1)
    world.sim.fail_next(Fault.LONG_LINE)
    async with never_held():
        text = await refused(world, DownloadTrouble.TOO_LARGE, format=form, compress=compress)
    wanted = "header row is longer than 1 MiB" if form is Format.CSV else "record 1 is larger than 64 MiB"
    assert wanted in text
    assert world.sim.requests["download"] == 1


async def test_a_bomb_is_refused_at_the_bound(world: World) -> None:
    """Unpacked without end, of blanks, so that no record ever begins."""
    world.bounds = ResultBounds(largest=30_000_000)
    world.ready(3)
    world.sim.answer_next(1)
    world.sim.fail_next(Fault.BOMB)
    async with never_held():
        text = await refused(world, DownloadTrouble.TOO_LARGE, compress=True)
    assert "beyond 30,000,000 bytes" in text


@pytest.mark.parametrize("fault", [Fault.GZIP, Fault.BOMB])
async def test_unrequested_gzip_is_refused_unread(world: World, fault: Fault) -> None:
    """With a `Content-Encoding` and without."""
    world.ready(3)
    world.sim.answer_next(1)
    world.sim.fail_next(fault, 8)
    assert "not asked for" in await refused(world, DownloadTrouble.UNREACHABLE)


@pytest.mark.parametrize("form", list(Format))
async def test_more_records_than_promised_are_not_read_to_their_end(world: World, form: Format) -> None:
    """Without end, as records go; promised are 3."""
    world.ready(3, errors=2)
    world.sim.answer_next(1)
    world.sim.fail_next(Fault.ENDLESS, 2)
    async with never_held():
        text = await refused(world, DownloadTrouble.WRONG_COUNT, format=form)
    assert "more than 5 records came, but Bright Data announced 3 records and 2 errors" in text
    assert world.sim.requests["download"] == 2  # once more in one piece, and no further


async def test_endless_records_of_unknown_number_are_cut_at_the_bound(world: World) -> None:
    world.bounds = ResultBounds(largest=1_000_000)
    world.sim.add("s_1", life.of("ready", error_rows=3))
    world.sim.answer_next(2)
    world.sim.fail_next(Fault.ENDLESS)
    assert "beyond 1,000,000 bytes" in await refused(world, DownloadTrouble.TOO_LARGE)


async def test_a_million_parts_are_not_fetched(world: World) -> None:
    """2,500 records in parts of 1,000 cannot be in a million parts: they come in one piece."""
    wanted = world.ready(2_500)
    world.sim.answer_next(1)
    world.sim.fail_next(Fault.MANY_PARTS)
    assert read((await world.fetch()).path) == wanted
    assert world.sim.requests["download"] == 1


async def test_parts_without_records_end_the_download(world: World) -> None:
    """Nobody told how many records there are, so that the number of parts says nothing."""
    world.sim.add("s_1", life.of("ready", error_rows=100_000))
    world.sim.answer_next(2)
    world.sim.fail_next(Fault.NO_BODY, 3)
    assert "empty" in await refused(world, DownloadTrouble.EMPTY)
    assert world.sim.requests["download"] == 3


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("form", list(Format))
async def test_a_building_object_with_200_is_not_yet_and_never_data(world: World, form: Format, compress: bool) -> None:
    wanted = world.ready(3)
    world.sim.answer_next(1)
    world.sim.fail_next(Fault.BUILDING, 2)
    done = await world.fetch(format=form, compress=compress)
    assert len(read(done.path)) == len(wanted)
    assert world.pauses == [7.0, 7.0]


@pytest.mark.parametrize("fault", [Fault.BUILDING, Fault.NOT_READY])
async def test_parts_that_are_not_ready_are_waited_for(world: World, fault: Fault) -> None:
    """400 `Snapshot is not ready` is no end; without a pause of its own it is asked again after 10 s."""
    world.ready(2_500)
    world.sim.answer_next(1)
    world.sim.fail_next(fault)
    world.sim.answer_next(1)
    world.sim.fail_next(fault)
    assert (await world.fetch()).records == 2_500
    assert world.pauses == [7.0 if fault is Fault.BUILDING else 10.0] * 2


async def test_what_is_built_for_ever_is_given_up_for_now(world: World) -> None:
    world.ready(3)
    world.sim.answer_next(1)
    world.sim.fail_next(Fault.BUILDING, 1_000)
    assert "still building" in await refused(world, DownloadTrouble.NOT_READY)
    assert sum(world.pauses) == 3_598


@pytest.mark.parametrize("form", list(Format))
async def test_a_snapshot_with_only_errors_is_downloaded(world: World, form: Format) -> None:
    """`records: 0, errors: 2`, and with `include_errors` a row for each of them."""
    world.sim.add("s_1", life.of("ready", records=0, errors=2, error_codes={"dead_page": 2}, error_rows=2))
    assert len(read((await world.fetch(format=form)).path)) == 2


@pytest.mark.parametrize("answer", [None, Fault.NO_BODY])
async def test_errors_without_rows_are_empty_when_the_answer_is(world: World, answer: Fault | None) -> None:
    world.sim.add("s_1", life.of("ready", records=0, errors=2, error_rows=2 if answer else 0))
    world.sim.answer_next(1)
    if answer:
        world.sim.fail_next(answer)
    assert "empty" in await refused(world, DownloadTrouble.EMPTY)
    assert world.sim.requests["download"] == 1


async def test_a_snapshot_without_records_and_errors_is_not_downloaded(world: World) -> None:
    world.sim.add("s_1", life.of("ready", records=0, errors=0))
    assert "ready and empty" in await refused(world, DownloadTrouble.EMPTY)
    assert world.sim.requests["download"] == 0


@pytest.mark.parametrize("form", list(Format))
async def test_a_byte_order_mark_is_passed_over_in_every_part(world: World, form: Format) -> None:
    world.ready(2_500)
    right = (await world.fetch(format=form)).path.read_bytes()
    world.sim.answer_next(2)
    world.sim.fail_next(Fault.BOM, 3)
    done = await world.fetch(format=form)
    assert not done.new  # the same content
    assert done.path.read_bytes() == right
    assert not right.startswith(b"\xef\xbb\xbf")


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]


@asynccontextmanager
async def served(world: World, serve: Handler) -> AsyncIterator[None]:
    """The API answers everything with what `serve` writes."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            coming = serve(reader, writer)
            assert asyncio.iscoroutine(coming)
            await coming
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def answer_until_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        answering.add(task)
        await answer(reader, writer)

    answering: set[asyncio.Task[None]] = set()
    server = await asyncio.start_server(answer_until_the_end, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()[:2]
        url, token = f"http://{host}:{port}", StaticToken("token-abc")
        world.client.gateway.reconfigure(base_url=url, token=token, timeout=timedelta(seconds=20))
        yield
    for task in answering:
        task.cancel()
    await asyncio.gather(*answering, return_exceptions=True)


HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


async def dripped_data(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"1\r\n{\r\n")
    while not writer.is_closing():
        writer.write(b"1\r\na\r\n")
        await writer.drain()
        await asyncio.sleep(0.01)


async def dripped_chunk_head(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Bytes come, and never data."""
    writer.write(HEAD)
    while not writer.is_closing():
        writer.write(b"0")
        await writer.drain()
        await asyncio.sleep(0.01)


async def dripped_headers(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX: ")
    while not writer.is_closing():
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.01)


async def dripped_refusal(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"1\r\na\r\n")
        await writer.drain()
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("serve", [dripped_data, dripped_chunk_head, dripped_headers, dripped_refusal])
async def test_an_answer_that_drips_is_left_in_time_wherever_it_does(
    world: World, serve: Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "MOST_TRIES", 1)
    world.bounds = ResultBounds(patience_s=0.2, slowest=10_000)
    async with served(world, serve), asyncio.timeout(20):
        await refused(world, DownloadTrouble.UNREACHABLE, facts=Facts(records=3))


async def test_chunks_of_one_byte_do_not_hold_the_loop(world: World) -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"1\r\n{\r\n")
        for _number in range(20):
            writer.write(b"1\r\na\r\n" * 20_000)
            await writer.drain()
        writer.write(b"1\r\n}\r\n0\r\n\r\n")

    async with served(world, serve), never_held():
        done = await world.fetch(facts=Facts(records=1), format=Format.NDJSON)
    assert done.size == 400_003


@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, gzip", "x" * 5_000])
async def test_an_unrequested_encoding_is_named(world: World, encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD.replace(b"\r\n\r\n", b"\r\nContent-Encoding: %s\r\n\r\n" % encoding.encode()))
        writer.write(b"2\r\n{}\r\n0\r\n\r\n")

    monkeypatch.setattr(transfer, "MOST_TRIES", 1)
    async with served(world, serve):
        text = await refused(world, DownloadTrouble.UNREACHABLE, facts=Facts(records=1), compress=True)
    assert f"encoded as '{encoding[:40]}', which was not asked for" in text


async def test_a_gzip_of_members_that_hold_nothing_does_not_hold_the_loop(world: World) -> None:
    members = gzip.compress(b"") * 40_000

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = members + gzip.compress(b'{"a":1}\n')
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    async with served(world, serve), never_held():
        done = await world.fetch(facts=Facts(records=1), compress=True)
    assert read(done.path) == [{"a": 1}]


async def test_a_download_that_is_cancelled_in_the_middle_of_a_long_line_ends_at_once(world: World) -> None:
    world.ready(3)
    world.sim.answer_next(1)
    world.sim.fail_next(Fault.LONG_LINE)
    came = asyncio.Event()
    wanted = DownloadRequest(snapshot_id="s_1", folder=world.folder)
    downloader = world.downloader()
    task = asyncio.create_task(downloader.fetch(wanted, lambda _: came.set()))
    await came.wait()
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < 2.0
    assert world.files() == []

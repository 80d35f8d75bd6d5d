"""Results of the simulated API on a real socket, into real files: whole or not at all."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.download_world import BATCH, World, opened, read

from notifier.brightdata.datasets.results import WireFormat
from notifier.brightdata.simulator import Fault, life
from notifier.core.errors import DownloadError, DownloadTrouble
from notifier.core.snapshot.model import Facts
from notifier.downloads.request import DownloadRequest, Format, Progress


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path) as world:
        yield world


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("form", list(Format))
@pytest.mark.parametrize("records", [3, 2_500])
async def test_the_file_holds_every_record_once(world: World, form: Format, compress: bool, records: int) -> None:
    """In every format, packed or not, in one piece or in parts."""
    wanted = world.ready(records)
    done = await world.fetch(format=form, compress=compress)
    assert done.records == records
    assert done.path.name == f"s_1.{form}{'.gz' if compress else ''}"
    found = read(done.path)
    if form is Format.CSV:
        assert [row["title"] for row in found] == [each["title"] for each in wanted]
    else:
        assert found == wanted
    assert world.files() == [done.path.name]
    assert world.sim.requests["download"] == (1 if records == 3 else 3)


async def test_results_that_are_being_built_are_awaited_as_the_answer_says(world: World) -> None:
    world.sim.add("s_1", life.of("ready", records=2, builds_for=20.0))
    done = await world.fetch()
    assert done.records == 2
    assert world.pauses == [7.0, 7.0, 7.0]
    assert {each.waits_for for each in world.progress if each.waits_for} == {
        "Bright Data does not have the results ready yet (building); next attempt in 7 s"
    }


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.SERVER_ERROR, Fault.BAD_GATEWAY, Fault.RESET, Fault.HTML])
async def test_a_broken_part_is_fetched_again_and_complete_ones_are_kept(world: World, fault: Fault) -> None:
    wanted = world.ready(3_500)
    world.sim.answer_next(4)  # progress, the number of parts, two parts
    world.sim.fail_next(fault)
    done = await world.fetch(format=Format.NDJSON)
    assert read(done.path) == wanted
    assert world.sim.requests["download"] == 5
    assert len(world.pauses) == 1


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("form", list(Format))
async def test_a_failed_download_resumes_with_the_next_call(world: World, form: Format, compress: bool) -> None:
    world.ready(3_500)
    world.sim.answer_next(4)
    world.sim.fail_next(Fault.CUT, 8)
    with pytest.raises(DownloadError, match="8 attempts") as caught:
        await world.fetch(format=form, compress=compress)
    assert caught.value.trouble is DownloadTrouble.UNREACHABLE
    assert not any(not name.startswith(".") for name in world.files())
    before = world.sim.requests["download"]
    done = await world.fetch(format=form, compress=compress)
    assert (done.records, len(read(done.path))) == (3_500, 3_500)
    assert world.sim.requests["download"] - before == 2
    assert world.files() == [done.path.name]


async def test_a_cancelled_download_leaves_no_final_file_and_resumes_later(world: World) -> None:
    world.ready(3_500)
    a_part_came = asyncio.Event()

    def report(progress: Progress) -> None:
        if progress.records >= BATCH:
            a_part_came.set()

    wanted = DownloadRequest(snapshot_id="s_1", folder=world.folder)
    task = asyncio.create_task(world.downloader().fetch(wanted, report))
    await a_part_came.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not (world.folder / "s_1.json").exists()
    done = await world.fetch()
    assert len(read(done.path)) == 3_500


async def test_a_wrong_number_of_records_is_tried_once_more_and_never_published(world: World) -> None:
    wanted = world.ready(20)
    world.sim.answer_next(1)
    world.sim.fail_next(Fault.SHORT)
    assert read((await world.fetch()).path) == wanted
    world.ready(20, "s_2")
    world.sim.answer_next(1)
    world.sim.fail_next(Fault.SHORT, 2)
    with pytest.raises(DownloadError, match="19 records came, but Bright Data announced 20") as caught:
        await world.fetch("s_2")
    assert caught.value.trouble is DownloadTrouble.WRONG_COUNT
    assert world.files() == ["s_1.json"]


@pytest.mark.parametrize(
    ("lived", "trouble", "status"),
    [
        (life.of("running", "ready", seconds=100, records=3), DownloadTrouble.NOT_READY, 1),
        (life.of("failed", error_message="crashed"), DownloadTrouble.NO_RESULTS, 1),
        (life.of("canceled"), DownloadTrouble.NO_RESULTS, 1),
        (life.of("ready", records=0, errors=1), DownloadTrouble.EMPTY, 1),
        (life.of("running", "ready", hidden_for=100), DownloadTrouble.NOT_FOUND, 3),
    ],
)
async def test_what_has_no_results_is_an_error_in_words(
    world: World, lived: life.Life, trouble: DownloadTrouble, status: int
) -> None:
    world.sim.add("s_1", lived)
    with pytest.raises(DownloadError, match="s_1") as caught:
        await world.fetch()
    assert (caught.value.trouble, caught.value.exit_status) == (trouble, status)
    assert world.files() == []


async def test_deleted_results_are_reported_as_expired(world: World) -> None:
    world.ready(3)
    world.now += 17 * 86_400
    with pytest.raises(DownloadError, match="deleted") as caught:
        await world.fetch()
    assert caught.value.trouble is DownloadTrouble.EXPIRED


async def test_a_refused_token_is_not_tried_again(world: World) -> None:
    world.ready(3)
    world.sim.fail_next(Fault.UNAUTHORISED)
    with pytest.raises(DownloadError, match="token") as caught:
        await world.fetch()
    assert caught.value.exit_status == 4
    assert world.sim.requests.total() == 1


async def test_a_file_that_is_there_is_kept_unless_it_is_the_same_or_forced(world: World) -> None:
    world.ready(3)
    first = await world.fetch()
    assert first.new
    assert not (await world.fetch()).new
    first.path.write_text("mine")
    with pytest.raises(DownloadError, match=r"exists already, with another content$") as caught:
        await world.fetch()
    assert (caught.value.trouble, caught.value.in_the_way) == (DownloadTrouble.EXISTS, True)
    assert (first.path.read_text(), world.files()) == ("mine", ["s_1.json"])
    assert (await world.fetch(force=True)).new
    assert len(read(first.path)) == 3


async def test_a_packed_file_with_the_same_content_is_the_same(world: World) -> None:
    world.ready(2_500)
    assert (await world.fetch(compress=True)).new
    assert not (await world.fetch(compress=True)).new


async def test_the_folder_must_be_there_and_no_id_leads_out_of_it(world: World) -> None:
    world.ready(3)
    with pytest.raises(DownloadError, match="the folder does not exist"):
        await world.downloader().fetch(DownloadRequest(snapshot_id="s_1", folder=world.folder / "no"))
    world.ready(3, "..s")
    done = await world.fetch("..s")
    assert done.path.parent == world.folder
    assert "/" not in DownloadRequest(snapshot_id="../s", folder=world.folder).file_name


async def test_errors_that_come_as_records_count(world: World) -> None:
    """A collection with `include_errors` has a record for each error, and progress counts those apart."""
    world.ready(10)
    done = await world.fetch(facts=Facts(records=7, errors=3))
    assert done.records == 10


async def test_two_downloads_of_one_file_do_not_mix(world: World) -> None:
    world.ready(2_500)
    outcomes = await asyncio.gather(world.fetch(), world.fetch(), return_exceptions=True)
    assert sum(isinstance(each, DownloadError) and each.trouble is DownloadTrouble.BUSY for each in outcomes) == 1
    assert len(read(world.folder / "s_1.json")) == 2_500


async def test_the_parts_are_requested_with_the_same_query_as_their_number(world: World) -> None:
    world.ready(2_500)
    await world.fetch(compress=True)
    asked = [each.raw_path.partition("?")[2] for each in world.sim.log if each.kind in ("parts", "download")]
    wire = WireFormat(format="ndjson", compress=True, batch_size=BATCH)
    base = "&".join(f"{key}={value}" for key, value in wire.query().items())
    assert asked == [base, *(f"{base}&part={part}" for part in (1, 2, 3))]

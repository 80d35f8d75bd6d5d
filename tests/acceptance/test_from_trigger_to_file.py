"""From an input file to a file of results, with the real commands."""

import asyncio
import json
import signal

import pytest

from acceptance.bright_data import BrightData
from acceptance.harness import TOKEN, Notifier
from acceptance.receivers import Receiver
from notifier.brightdata.simulator import Fault
from notifier.brightdata.simulator import life as lives

INPUT = '[{"url": "https://example.com/1"}, {"url": "https://example.com/2"}]'


@pytest.fixture
def script(api: BrightData, notifier: Notifier) -> Notifier:
    """An installation without a configuration: a script has the token in its environment."""
    notifier.environment |= {"BRIGHTDATA_API_KEY": TOKEN, "BRIGHTDATA_BASE_URL": api.url}
    return notifier


async def test_a_collection_is_started_watched_waited_for_and_fetched(
    api: BrightData, team: Receiver, notifier: Notifier
) -> None:
    """The watch is a file of its own, the YAML is untouched, and the results are all there."""
    notifier.configure(api=api.url, channels={"team": team.url}, watches=[], include=["watches.d/*.yaml"])
    (notifier.folder / "in.json").write_text(INPUT)
    before = notifier.config.read_bytes()
    api.order_life(lives.of("ready", records=12, errors=0))

    started = await notifier.json(
        "trigger", "gd_1", "--input", "in.json", "--name", "Nightly", "--type", "discover_new"
    )
    waited = await notifier.command("wait", started["snapshot"])
    fetched = await notifier.json("download", started["snapshot"], "--format", "ndjson")

    assert started["watch"].endswith(f"watches.d/{started['snapshot']}.yaml")
    assert (waited.status, waited.stdout.split()[1:3]) == (0, [started["snapshot"], "ready,"])
    assert (fetched["records"], fetched["new"]) == (12, True)
    assert len((notifier.folder / f"{started['snapshot']}.ndjson").read_text().splitlines()) == 12
    assert notifier.config.read_bytes() == before
    assert [(each["snapshot"], each["name"]) for each in await notifier.json("status")] == [
        (started["snapshot"], "Nightly")
    ]
    asked = next(each.raw_path for each in api.asked.entries if each.kind == "trigger")
    assert asked.endswith("?dataset_id=gd_1&type=discover_new")


async def test_everything_is_checked_before_anything_is_billed(
    api: BrightData, team: Receiver, notifier: Notifier
) -> None:
    """No folder for the watch, nobody to tell, a bad input: status 2, and the API was not asked."""
    (notifier.folder / "in.json").write_text(INPUT)
    (notifier.folder / "bad.json").write_text('[{"url": 1},\n{"url" 2}]')
    notifier.configure(api=api.url, channels={"team": team.url}, watches=[])
    no_folder, bad = await asyncio.gather(
        notifier.command("trigger", "gd_1", "--input", "in.json"),
        notifier.command("trigger", "gd_1", "--input", "bad.json", "--no-watch"),
    )
    notifier.configure(
        api=api.url, channels={"team": team.url}, watches=[], include=["w/*.yaml"], defaults={"notify": []}
    )
    stranger = await notifier.command("trigger", "gd_1", "--input", "in.json", "--notify", "nobody")

    assert (no_folder.status, bad.status, stranger.status) == (2, 2, 2)
    assert "add the line `include: [watches.d/*.yaml]`" in no_folder.stderr
    assert "bad.json:2:8" in bad.stderr
    assert api.requests.total() == 0


@pytest.mark.parametrize(
    ("fault", "status", "told"),
    [
        (Fault.RESET, 1, "it is not known whether a collection was started"),
        (Fault.BAD_GATEWAY, 1, "it is not known whether a collection was started"),
        (Fault.CUT, 1, "it is not known whether a collection was started"),
        (Fault.UNAUTHORISED, 4, "nothing was started"),
        (Fault.RATE_LIMITED, 1, "nothing was started"),
    ],
)
async def test_a_collection_is_asked_for_once_whatever_the_answer(
    api: BrightData, script: Notifier, fault: Fault, status: int, told: str
) -> None:
    """When it is not known whether one was started, that is said, and how to look."""
    (script.folder / "in.csv").write_text("url\nhttps://example.com\n")
    api.fail_next(fault)
    ended = await script.command("trigger", "gd_1", "--input", "in.csv", "--no-watch")
    assert (ended.status, ended.stdout) == (status, "")
    assert told in ended.stderr
    assert ("/datasets/v3/snapshots?dataset_id=gd_1&from_date=" in ended.stderr) == ("not known" in told)
    assert api.requests["trigger"] == 1


async def test_a_scrape_prints_its_data_or_becomes_a_snapshot(api: BrightData, script: Notifier) -> None:
    """Data goes to standard output; a 202 gives an id to follow."""
    (script.folder / "in.csv").write_text("url\nhttps://example.com\n")
    api.order_life(lives.complete(seconds=30, records=4))
    api.order_life(lives.complete(seconds=90))
    command = ("trigger", "gd_1", "--input", "in.csv", "--no-watch", "--scrape")
    data = await script.command(*command)
    followed = await script.command(*command)
    assert (data.status, len(json.loads(data.stdout))) == (0, 4)
    assert followed.status == 0
    assert followed.stdout.strip() in api.account


async def test_wait_has_an_exit_status_for_every_end(api: BrightData, script: Notifier) -> None:
    """Its lines say what happened; with --json each is an object."""
    api.add("s_ready", lives.of("ready", records=1))
    api.add("s_failed", lives.failed(seconds=0, message="the page changed"))
    api.add("s_slow", lives.slow())
    failed, slow, as_json = await asyncio.gather(
        script.command("wait", "s_ready", "s_failed"),
        script.command("wait", "s_slow", "--timeout", "1s"),
        script.command("wait", "s_ready", "--json"),
    )
    assert failed.status == 1
    assert "s_failed  failed" in failed.stdout
    assert "the page changed" in failed.stdout
    assert slow.status == 5
    assert "notifier wait s_slow" in slow.stderr
    lines = [json.loads(line) for line in as_json.stdout.splitlines()]
    assert (as_json.status, lines[0]["events"], lines[-1]["ended"]) == (0, ["ready", "complete"], "ready")


async def test_what_a_command_asks_passes_the_limiter_of_the_daemon_that_runs(
    api: BrightData, team: Receiver, notifier: Notifier
) -> None:
    """One budget for all who use the token: the daemon's own figures count the command's requests."""
    for number in range(4):
        api.add(f"s_{number}", lives.of("ready", records=1))
    notifier.configure(api=api.url, channels={"team": team.url}, watches=["s_0"])
    await notifier.daemon()
    await team.received.count(1)

    waited = await notifier.command("wait", "s_1", "s_2", "s_3")
    health = await notifier.json("healthcheck")

    assert waited.status == 0
    assert len(api.asked.entries) == 4
    assert health["api"]["requests"] == 4


async def test_ctrl_c_says_what_is_still_going_on(api: BrightData, script: Notifier) -> None:
    """The status is 130, and the command to go on with is named."""
    api.add("s_slow", lives.slow())
    process = await script.start("wait", "s_slow")
    await process.stdout.count(1)
    ended = await process.stop(signal.SIGINT)
    assert ended.status == 130
    assert "s_slow  still starting" in ended.stdout
    assert "notifier wait s_slow" in ended.stderr


async def test_a_download_that_is_killed_leaves_no_file_and_goes_on_after_its_last_part(
    api: BrightData, script: Notifier
) -> None:
    """kill -9 in the second part; the same command then fetches that part, and not the first again."""
    api.add("s_1", lives.of("ready", records=10_500))
    process = await script.start("download", "s_1")
    await api.asked.first(lambda request: "part=2" in request.raw_path)
    await process.kill()
    assert not (script.folder / "s_1.json").exists()

    fetched = await script.json("download", "s_1")

    assert fetched["records"] == 10_500
    assert len(json.loads((script.folder / "s_1.json").read_text())) == 10_500
    assert sum("part=1" in each.raw_path for each in api.asked.entries) == 1
    assert [path.name for path in script.folder.iterdir()] == ["s_1.json"]

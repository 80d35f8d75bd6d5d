"""Malformed results, with the real commands: each costs its own download, and says why."""

import json
from pathlib import Path

import pytest

from acceptance.bright_data import BrightData
from acceptance.harness import TOKEN, Notifier
from acceptance.receivers import Receiver
from notifier.brightdata.simulator import Fault
from notifier.brightdata.simulator import life as lives


@pytest.fixture
def script(api: BrightData, notifier: Notifier) -> Notifier:
    """An installation without a configuration: a script has the token in its environment."""
    notifier.environment |= {"BRIGHTDATA_API_KEY": TOKEN, "BRIGHTDATA_BASE_URL": api.url}
    return notifier


@pytest.mark.parametrize(
    ("fault", "options", "told"),
    [
        (Fault.LONG_LINE, (), "record 1 is larger than 64 MiB"),
        (Fault.LONG_LINE, ("--compress",), "record 1 is larger than 64 MiB"),
        (Fault.LONG_LINE, ("--format", "csv"), "the header row is longer than 1 MiB"),
        (Fault.ENDLESS, (), "more than 3 records came, but Bright Data announced 3 records"),
        (Fault.NO_BODY, (), "no records came, but Bright Data announced 3 records"),
    ],
)
async def test_what_cannot_be_a_file_is_refused_in_a_line(
    api: BrightData, script: Notifier, fault: Fault, options: tuple[str, ...], told: str
) -> None:
    api.add("s_1", lives.of("ready", records=3, errors=0))
    api.answer_next()
    api.fail_next(fault, 2)
    ended = await script.command("download", "s_1", *options)
    assert (ended.status, ended.stdout) == (1, "")
    assert told in ended.stderr
    assert list(script.folder.iterdir()) == []


async def test_a_building_object_is_waited_for_and_a_byte_order_mark_passed_over(
    api: BrightData, script: Notifier
) -> None:
    """Both come with 200. The pause is the one that the message names."""
    api.add("s_1", lives.of("ready", records=3, errors=0))
    api.answer_next()
    api.fail_next(Fault.BUILDING)
    api.fail_next(Fault.BOM)
    ended = await script.command("download", "s_1")
    assert ended.status == 0
    assert "s_1: Bright Data does not have the results ready yet (building); next attempt in 1 s\n" in ended.stderr
    assert len(json.loads((script.folder / "s_1.json").read_text(encoding="utf-8"))) == 3


@pytest.mark.parametrize("rows", [0, 2])
async def test_errors_alone_are_asked_for_and_empty_only_if_the_answer_is(
    api: BrightData, script: Notifier, rows: int
) -> None:
    """`records: 0, errors: 2`: there may be a row for each error."""
    api.add("s_1", lives.of("ready", records=0, errors=2, error_rows=rows))
    ended = await script.command("download", "s_1")
    assert ended.status == (0 if rows else 1)
    assert ("2 records" in ended.stdout) if rows else ("s_1 is empty" in ended.stderr)
    assert api.requests["download"] == 1


async def test_a_scrape_answered_200_with_a_snapshot_is_followed_and_not_printed_as_data(
    api: BrightData, script: Notifier
) -> None:
    (script.folder / "in.csv").write_text("url\nhttps://example.com\n")
    api.order_life(lives.complete(seconds=30, records=4))
    api.fail_next(Fault.BUILDING)
    ended = await script.command("trigger", "gd_1", "--input", "in.csv", "--no-watch", "--scrape")
    assert ended.status == 0
    assert ended.stdout.strip() in api.account


async def test_a_scrape_packed_though_nobody_asked_is_refused(api: BrightData, script: Notifier) -> None:
    """Something was collected, and billed: that is said, and nothing is printed as data."""
    (script.folder / "in.csv").write_text("url\nhttps://example.com\n")
    api.order_life(lives.complete(seconds=30, records=4))
    api.fail_next(Fault.GZIP)
    ended = await script.command("trigger", "gd_1", "--input", "in.csv", "--no-watch", "--scrape")
    assert (ended.status, ended.stdout) == (1, "")
    assert "encoded as 'gzip', which was not asked for" in ended.stderr


async def test_a_link_in_the_folder_is_not_followed(api: BrightData, script: Notifier, tmp_path: Path) -> None:
    """Under the name of the file and under those of its parts; --force replaces the link, and not its target."""
    outside = tmp_path / "outside"
    outside.write_text("precious")
    folder = script.folder / "results"
    folder.mkdir()
    api.add("s_1", lives.of("ready", records=3, errors=0))
    for name in ("s_1.json", ".s_1.json.part", ".s_1.json.part.json", ".s_1.json.part.json.new"):
        (folder / name).symlink_to(outside)
    refused = await script.command("download", "s_1", "--to", "results")
    forced = await script.command("download", "s_1", "--to", "results", "--force")
    assert (refused.status, forced.status) == (1, 0)
    assert "s_1.json exists already, and is no regular file; --force replaces it" in refused.stderr
    assert outside.read_text() == "precious"
    assert [path.name for path in folder.iterdir()] == ["s_1.json"]
    assert len(json.loads((folder / "s_1.json").read_text())) == 3


async def test_a_long_line_costs_its_own_download_and_nothing_else(
    api: BrightData, team: Receiver, notifier: Notifier
) -> None:
    """Its message says that there is no file; the next results are fetched, and errors alone are."""
    (notifier.folder / "results").mkdir()
    api.add("s_long", lives.of("ready", records=3, errors=0))
    watch = {"download": "results", "on": ["all"]}
    notifier.configure(api=api.url, channels={"team": team.url}, watches=[{"snapshot": "s_long", **watch}])
    api.answer_next()
    api.fail_next(Fault.LONG_LINE)
    daemon = await notifier.daemon()
    given_up = await daemon.wait_for_log("download.given_up")
    await team.received.count(1)

    api.add("s_errors", lives.of("ready", records=0, errors=2, error_rows=2))
    api.add("s_none", lives.of("ready", records=0, errors=2))
    watches = [{"snapshot": name, **watch} for name in ("s_long", "s_errors", "s_none")]
    notifier.configure(api=api.url, channels={"team": team.url}, watches=watches)
    fetched = await daemon.wait_for_log("download.fetched")
    empty = await daemon.wait_for_log("download.given_up", reason="empty")
    await team.received.until(
        lambda messages: all(any(name in each.message for each in messages) for name in ("s_errors", "s_none"))
    )

    assert (given_up["reason"], fetched["records"]) == ("too_large", 2)
    assert "larger than 64 MiB" in given_up["detail"]
    assert "s_none is empty" in empty["detail"]
    assert [path.name for path in (notifier.folder / "results").iterdir()] == ["s_errors.json"]
    assert (await daemon.stop()).status == 0


async def test_sigterm_ends_the_daemon_in_the_middle_of_results_without_end(
    api: BrightData, team: Receiver, notifier: Notifier
) -> None:
    """A thousand million records are promised and come; others are told meanwhile."""
    (notifier.folder / "results").mkdir()
    api.add("s_endless", lives.of("ready", records=10**9, errors=0))
    api.add("s_other", lives.of("running", "ready", seconds=60, records=3))
    notifier.configure(
        api=api.url,
        channels={"team": team.url},
        watches=[{"snapshot": "s_endless", "download": "results"}, {"snapshot": "s_other", "on": ["ready"]}],
    )
    api.answer_next(2)
    api.fail_next(Fault.ENDLESS, 1_000)
    daemon = await notifier.daemon()
    await api.asked.first(lambda request: request.kind == "download")
    ended = await daemon.stop()
    assert ended.status == 0
    assert ended.seconds < 5
    assert [path.name for path in (notifier.folder / "results").iterdir()] == []

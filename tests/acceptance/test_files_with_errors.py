"""Files with an error cost only what stands in them: a service starts again, and commands go on."""

import asyncio
import json
import signal

import pytest
from typer.testing import CliRunner

from acceptance.bright_data import BrightData
from acceptance.harness import Notifier
from acceptance.http_pages import pages_of
from acceptance.receivers import Receiver
from notifier.brightdata.simulator import life as lives
from notifier.cli import app

INCLUDE = ["watches.d/*.yaml"]


def drop_in(notifier: Notifier, name: str, text: str) -> None:
    """Write an included file."""
    (notifier.folder / "watches.d").mkdir(exist_ok=True)
    (notifier.folder / "watches.d" / name).write_text(text)


async def test_after_a_crash_a_service_goes_on_with_the_last_configuration_and_says_so(
    api: BrightData, team: Receiver, ops: Receiver, notifier: Notifier
) -> None:
    """Killed, and meanwhile an included file was broken: it watches and tells, and takes the files up when mended."""
    for snapshot in ("s_old", "s_new"):
        api.add(snapshot, lives.complete(seconds=60))
    notifier.configure(
        api=api.url,
        channels={"team": team.url, "ops": ops.url},
        watches=["s_old"],
        defaults={"notify": ["team"]},
        operators=["ops"],
        include=INCLUDE,
        http="127.0.0.1:0",
    )
    daemon = await notifier.daemon()
    drop_in(notifier, "a.yaml", "watches: [{snapshot: s_new, name: Nightly}]")
    await daemon.wait_for_log("reload.done", watches_added=1)
    await daemon.stop(signal.SIGKILL)
    drop_in(notifier, "b.yaml", "nonsense")

    strict = await notifier.command("run", "--strict")
    assert (strict.status, "watches.d/b.yaml:1:1: the file must be a mapping" in strict.stderr) == (2, True)
    daemon = await notifier.daemon()
    line = await daemon.wait_for_log("daemon.last_configuration")
    refused = await daemon.wait_for_log("reload.refused")
    assert (line["level"], "b.yaml:1:1" in str(refused["problems"])) == ("error", True)
    api.advance(60)
    await team.told(2)
    (told,) = await ops.received.count(1)
    assert told.title.endswith("the configuration has errors: the notifier started with the last valid one")
    assert "watches.d/b.yaml:1:1: the file must be a mapping" in told.message

    pages = await pages_of(daemon)
    ready = await pages.get("/readyz")
    health = await notifier.json("healthcheck")
    assert ready.status == 200, "it does its work, and a restart would not mend it"
    assert "note: the configuration on disk has errors, and the notifier started with the one" in ready.text
    assert (health["healthy"], health["reload"]["runs_of"] is not None) == (True, True)
    assert await pages.metric("notifier_config_last_reload_successful") == 0.0
    status = await notifier.command("status")
    assert status.status == 0
    assert "; going on with the configuration that the daemon loaded last, of " in status.stderr
    assert "the configuration on disk" not in status.stderr, "the warning says it already"
    differing = await notifier.command("config", "diff")
    assert (differing.status, "watches.d/b.yaml:1:1" in differing.stderr) == (2, True)

    drop_in(notifier, "b.yaml", "watches: []")
    await daemon.wait_for_log("reload.done")
    _, mended = await ops.received.count(2)
    assert mended.title.endswith("the configuration is valid again")
    assert (await notifier.json("healthcheck"))["reload"]["runs_of"] is None
    assert await pages.metric("notifier_config_last_reload_successful") == 1.0
    assert (await daemon.stop()).status == 0
    assert set(team.copies.values()) == {1}
    assert [each["event"] for each in daemon.log.entries].count("reload.refused") == 1


async def test_one_round_goes_on_too_and_ends_with_1(api: BrightData, team: Receiver, notifier: Notifier) -> None:
    """A timer's `run --once` watches on; who looks at its status sees that the files have errors."""
    api.add("s_1", lives.complete(seconds=0))
    notifier.configure(api=api.url, channels={"team": team.url}, watches=[], include=INCLUDE)
    first = await notifier.command("run", "--once")
    notifier.config.write_text(notifier.config.read_text().replace("watches: []", "watches: [{snapshot: s_1}]"))
    second = await notifier.command("run", "--once")
    notifier.config.write_text(notifier.config.read_text() + "zzz: 1\n")
    third = await notifier.command("run", "--once", "--json")
    assert (first.status, second.status, third.status) == (0, 0, 1)
    assert json.loads(third.stdout)["unclear"] == 0
    assert "zzz: unknown key" in third.stderr


BROKEN = {
    "an included file that is no YAML": ("watches.d/b.yaml", "watches: ["),
    "one with a wrong value": ("watches.d/b.yaml", "watches: [{snapshot: s_x, every: 5}, {snapshot: s_y, evry: 1m}]"),
    "the main file with another key": ("config.yaml", "zzz: 1\n"),
    "the main file that is no YAML": ("config.yaml", "keep: {\n"),
}

COMMANDS = (
    ("status",),
    ("watch", "list"),
    ("watch", "show", "s_1"),
    ("watch", "mute", "s_1"),
    ("watch", "unmute", "s_1"),
    ("delivery", "list"),
    ("delivery", "show", "1"),
    ("channel", "list"),
    ("replay",),
    ("channel", "test", "team"),
)


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "nothing kept"])
@pytest.mark.parametrize("kind", BROKEN)
async def test_commands_warn_in_one_line_and_go_on(
    api: BrightData, team: Receiver, notifier: Notifier, kind: str, kept: bool
) -> None:
    """Whatever does not need what is broken does its work; the line has the first error and how many more there are."""
    api.add("s_1", lives.complete(seconds=0))
    notifier.configure(api=api.url, channels={"team": team.url}, watches=["s_1"], include=INCLUDE)
    assert (await notifier.command("run", "--once")).status == 0
    if not kept:
        (notifier.folder / "notifier.db.last-config").unlink()
    name, text = BROKEN[kind]
    drop_in(notifier, "a.yaml", "watches: []")
    path = notifier.folder / name
    path.write_text(text if name != "config.yaml" else path.read_text() + text)

    for words in COMMANDS:
        arguments = [*words, "--config", str(notifier.config), "--json"]
        result = await asyncio.to_thread(CliRunner().invoke, app, arguments, env=notifier.environment)
        assert result.exit_code == 0, (words, result.output)
        assert json.loads(result.stdout) is not None
        (warning,) = [line for line in result.stderr.splitlines() if line.startswith("warning: ")]
        assert warning.startswith(f"warning: {path}:")
        assert ("and 1 more error (`notifier config check` shows all)" in warning) == (kind == "one with a wrong value")
        whence = "what is right of the files"
        if kept and words != ("channel", "test", "team"):
            whence = "the configuration that the daemon loaded last, of "
        assert f"; going on with {whence}" in warning
    waited = await notifier.command("wait", "s_1")
    assert (waited.status, waited.stderr.count("warning: ")) == (0, 1)
    for refusing in (("config", "check"), ("watch", "add", "s_2"), ("run", "--strict")):
        ended = await notifier.command(*refusing)
        assert (ended.status, f"{path.name}:" in ended.stderr) == (2, True)
    assert not (notifier.folder / "watches.d" / "s_2.yaml").exists()


async def test_a_watch_is_removed_though_another_file_has_errors(
    api: BrightData, team: Receiver, notifier: Notifier
) -> None:
    """Its file goes; one that `include:` names without a wildcard would be missed, and stays."""
    notifier.configure(api=api.url, channels={"team": team.url}, watches=["s_1"], include=[*INCLUDE, "named.yaml"])
    drop_in(notifier, "a.yaml", "watches: [{snapshot: s_2}]")
    drop_in(notifier, "b.yaml", "nonsense")
    (notifier.folder / "named.yaml").write_text("watches: [{snapshot: s_3}]")
    removed, named = await notifier.command("watch", "remove", "s_2"), await notifier.command("watch", "remove", "s_3")
    assert (removed.status, named.status) == (0, 2)
    assert [each.name for each in (notifier.folder / "watches.d").iterdir()] == ["b.yaml"]
    assert (notifier.folder / "named.yaml").exists()


async def test_what_is_wrong_with_the_api_is_no_reason_to_ask_another_one(
    api: BrightData, team: Receiver, notifier: Notifier
) -> None:
    """With a wrong `base_url`, `wait` refuses instead of sending the token elsewhere."""
    notifier.configure(api="ftp://x", channels={"team": team.url}, watches=["s_1"])
    waited = await notifier.command("wait", "s_1")
    assert (waited.status, "api.base_url" in waited.stderr) == (2, True)

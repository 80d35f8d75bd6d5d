"""The command line as its users meet it: help, a first configuration, errors with their places, a test message."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from typer.main import get_command
from typer.testing import CliRunner

from acceptance.bright_data import BrightData
from acceptance.harness import TOKEN, Notifier
from acceptance.receivers import Answer, Receiver
from notifier import __version__
from notifier.cli import app

WITHOUT_CONFIGURATION = {("config", "schema"), ("demo",), ("simulate",), ("init",)}
WITHOUT_DATA = {("config", "schema"), ("demo",), ("init",)}
NAMED_IN_ISSUE_2 = {
    ("run",),
    ("demo",),
    ("simulate",),
    ("init",),
    ("config", "check"),
    ("config", "show"),
    ("status",),
    ("delivery", "list"),
    ("delivery", "show"),
    ("channel", "list"),
    ("channel", "test"),
}


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every group and command below a group."""
    for name, each in getattr(group, "commands", {}).items():
        yield (*path, name)
        yield from commands(each, (*path, name))


def test_every_command_explains_itself() -> None:
    """`--help` of each ends with 0 and names --config and --json where there are a configuration and data."""
    paths = list(commands(get_command(app)))
    assert set(paths) >= NAMED_IN_ISSUE_2
    leaves = [path for path in paths if not any(other[: len(path)] == path and other != path for other in paths)]

    runner = CliRunner(env={"COLUMNS": "120"})
    helps = {path: runner.invoke(app, [*path, "--help"], prog_name="notifier") for path in paths}

    for path, ended in helps.items():
        assert (ended.exit_code, ended.stderr) == (0, ""), path
        assert f"notifier {' '.join(path)}" in " ".join(ended.stdout.split()), path
    for path in leaves:
        assert ("--config" in helps[path].stdout) == (path not in WITHOUT_CONFIGURATION), path
        assert ("--json" in helps[path].stdout) == (path not in WITHOUT_DATA), path


async def test_the_version_and_wrong_usage(notifier: Notifier) -> None:
    """`--version` names it; a command that is none, and none at all, end with 2 and a hint."""
    version, nothing, wrong = await asyncio.gather(
        notifier.command("--version"), notifier.command(), notifier.command("statsu")
    )
    assert (version.status, version.stdout) == (0, f"notifier {__version__}\n")
    assert nothing.status == 2
    assert "notifier [OPTIONS] COMMAND" in nothing.stdout + nothing.stderr
    assert wrong.status == 2
    assert "statsu" in wrong.stderr


async def test_init_writes_a_configuration_that_loads_and_never_over_another(notifier: Notifier) -> None:
    """What `init` writes is fine once its variables are set; a second `init` changes nothing and ends with 2."""
    environment: dict[str, Any] = {
        "BRIGHTDATA_API_KEY": TOKEN,
        "SLACK_URL": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
    }
    first = await notifier.command("init")
    assert first.status == 0, first
    schema = json.loads((notifier.folder / "config.schema.json").read_bytes())
    Draft202012Validator.check_schema(schema)
    written = notifier.config.read_bytes()

    checked, again, unset = await asyncio.gather(
        notifier.command("config", "check", **environment),
        notifier.command("init", "config.yaml"),
        notifier.command("config", "check"),
    )

    assert (checked.status, checked.stderr) == (0, "")
    assert again.status == 2
    assert again.stderr == (
        "notifier: config.yaml already exists and was not changed; name another file: notifier init OTHER\n"
    )
    assert notifier.config.read_bytes() == written
    assert unset.status == 2
    assert {"BRIGHTDATA_API_KEY", "SLACK_URL"} <= set(re.findall(r"[A-Z_]{5,}", unset.stderr))


BROKEN = f"""\
api: {{token: {TOKEN}}}
channels:
  team: nosuch://service
defaults: {{notify: [team], every: 30}}
watches:
  - snapshot: s_1
    notfy: [team]
  - {{snapshot: s_2, notify: [taem]}}
"""


async def test_every_error_of_the_configuration_is_told_at_once_with_its_place(notifier: Notifier) -> None:
    """Each command that reads it ends with 2, and tells file:line:column and key of each error on standard error."""
    notifier.config.write_text(BROKEN, encoding="utf-8")

    check, run, as_json = await asyncio.gather(
        notifier.command("config", "check"), notifier.command("run"), notifier.command("config", "check", "--json")
    )

    assert (check.status, run.status, as_json.status) == (2, 2, 2)
    assert check.stdout == run.stdout == ""
    assert check.stderr == run.stderr
    *errors, last = check.stderr.splitlines()
    places = [re.match(r"config\.yaml:(\d+):(\d+): ([^:]+): ", error) for error in errors]
    assert [place and (int(place[1]), int(place[2]), place[3]) for place in places] == [
        (3, 9, "channels.team"),
        (4, 35, "defaults.every"),
        (7, 5, "watches[0].notfy"),
        (8, 30, "watches[1].notify[0]"),
    ]
    assert "did you mean 'notify'?" in errors[2]
    assert last == "4 errors in the configuration."
    told = json.loads(as_json.stdout)
    assert told["ok"] is False
    assert [(each["line"], each["column"]) for each in told["problems"]] == [(3, 9), (4, 35), (7, 5), (8, 30)]


async def test_what_cannot_be_read_is_an_error_in_words(notifier: Notifier) -> None:
    """No file, a folder, bytes that are no text, a tag that would run code: status 2 and a sentence."""
    (notifier.folder / "bytes.yaml").write_bytes(b"\xff\xfe\x00api")
    (notifier.folder / "tag.yaml").write_text("api: !!python/object/apply:os.system [id]\n")
    (notifier.folder / "tab.yaml").write_text("api:\n\ttoken: x\n")
    files = ("nothing.yaml", ".", "bytes.yaml", "tag.yaml", "tab.yaml")

    ended = await asyncio.gather(*(notifier.command("config", "check", "--config", file) for file in files))
    nowhere = await notifier.command("status")

    for file, each in zip(files, ended, strict=True):
        assert (each.status, each.stdout) == (2, ""), each
        assert each.stderr.startswith(f"{file}:"), each
    assert nowhere.status == 2
    assert "notifier init" in nowhere.stderr


async def test_a_database_that_is_none_is_an_error_in_words(team: Receiver, notifier: Notifier) -> None:
    """A `state:` that names some other file ends every command with 1 and a sentence, and the file stays as it is."""
    notifier.configure(api="http://127.0.0.1:9", channels={"team": team.url}, watches=["s_1"])
    notifier.database.write_text("these are notes, and no database\n" * 200)

    ended = await asyncio.gather(
        notifier.command("run"), notifier.command("status"), notifier.command("delivery", "list")
    )

    for each in ended:
        assert (each.status, each.stdout) == (1, ""), each
        assert each.stderr.startswith(f"notifier: {notifier.database}: "), each
        assert "file is not a database" in each.stderr
    assert notifier.database.read_text().startswith("these are notes")


@pytest.fixture
def full_disk() -> Iterator[int]:
    """A file that takes nothing more."""
    with Path("/dev/full").open("w") as full:
        yield full.fileno()


async def test_a_full_disk_behind_the_output_is_told_in_words(full_disk: int, notifier: Notifier) -> None:
    """What the system refuses is told in its own words, and not called a fault of the program."""
    ended = await notifier.command("simulate", "--faults", stdout=full_disk)
    assert (ended.status, ended.stderr) == (1, "notifier: No space left on device\n")


async def test_a_fine_configuration_is_shown_as_it_is_in_effect(
    api: BrightData, team: Receiver, notifier: Notifier
) -> None:
    """`config check` counts it; `config show` prints it with every default, as YAML that the notifier would take."""
    notifier.configure(api=api.url, channels={"team": team.url}, watches=["s_1"])

    check, check_json, show, show_json = await asyncio.gather(
        notifier.command("config", "check"),
        notifier.json("config", "check"),
        notifier.command("config", "show"),
        notifier.json("config", "show"),
    )

    said, needs, hint = check.stdout.splitlines()
    assert (check.status, said) == (0, f"{notifier.config}: no errors. 1 watch, 1 channel, from 1 file.")
    assert needs == "This watch needs 1 request/s of 100."
    assert hint.startswith("No channel is notified of problems of the notifier itself")
    assert check_json == {
        "ok": True,
        "problems": [],
        "warnings": [],
        "watches": 1,
        "channels": 1,
        "budget": {
            "watches": 1,
            "requests_per_second_needed": 1.0,
            "requests_per_second_available": 100.0,
            "fits": True,
            "every_s": 1.0,
            "freshness_s": 1.0,
            "requests_per_second_confirming": 0.0,
        },
    }
    assert show.status == 0
    assert show_json["watches"][0]["snapshot"] == "s_1"
    assert show_json["watches"][0]["every"] == "1s"
    assert show_json["watches"][0]["on"] == ["ready", "failed", "canceled", "stalled", "missing"]
    assert "token: '***'" in show.stdout


async def test_a_test_message_is_really_sent_and_its_answer_told(
    api: BrightData, team: Receiver, ops: Receiver, notifier: Notifier
) -> None:
    """`channel test` sends one message marked TEST; it ends with 0 if the service took it, else with 1 and why."""
    notifier.configure(api=api.url, channels={"team": team.url, "ops": ops.url}, watches=[])
    ops.usual = Answer(status=404, body="no such hook")

    good, bad, bad_json, unknown = await asyncio.gather(
        notifier.command("channel", "test", "team"),
        notifier.command("channel", "test", "ops"),
        notifier.command("channel", "test", "ops", "--json"),
        notifier.command("channel", "test", "tema"),
    )

    (sent,) = team.received.entries
    assert "TEST" in sent.title
    assert (good.status, good.stdout, good.stderr) == (0, "team: delivered, http_200: thank you\n", "")
    assert (bad.status, bad.stdout, bad.stderr) == (1, "", "ops: not delivered, http_404: no such hook\n")
    assert bad_json.status == 1
    assert json.loads(bad_json.stdout) == {
        "channel": "ops",
        "outcome": "permanent",
        "reason": "http_404",
        "answer": "no such hook",
    }
    assert (unknown.status, unknown.stderr) == (2, "notifier: there is no channel 'tema'; did you mean 'team'?\n")

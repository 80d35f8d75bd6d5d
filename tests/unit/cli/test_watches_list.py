"""`notifier watch list` shows the configuration, `notifier status` the state."""

import json
from pathlib import Path

from support.commands import Run


def test_the_list_has_what_is_configured(run: Run, config: Path) -> None:
    assert config.exists()
    listed = json.loads(run("watch", "list", "--json").stdout)
    assert [(each["watch"], each.get("snapshot"), each.get("dataset")) for each in listed] == [
        ("s_1", "s_1", None),
        ("gd_1", None, "gd_1"),
    ]
    assert listed[0]["notify"] == ["team"]
    assert (listed[0]["every"], listed[0]["name"]) == ("30s", "Prices")
    assert "status" not in listed[0]
    lines = run("watch", "list").stdout.splitlines()
    assert lines[0].split() == ["WATCH", "NAME", "NOTIFY", "ON", "EVERY"]
    assert lines[1].split()[:3] == ["s_1", "Prices", "team"]
    assert {"status", "since", "next_poll", "deliveries"} <= json.loads(run("status", "--json").stdout)[0].keys()


def test_a_watch_is_shown_without_repetition(run: Run, config: Path) -> None:
    assert config.exists()
    shown = run("watch", "show", "Prices").stdout.splitlines()
    keys = [line.partition(":")[0] for line in shown]
    assert len(keys) == len(set(keys))
    assert "snapshot id" not in keys
    assert {"watch: s_1", "snapshot: s_1", "muted: no", "notify: team", "every: 30s"} <= set(shown)


def test_a_snapshot_that_a_dataset_never_had_is_not_shown(run: Run, config: Path) -> None:
    assert config.exists()
    ended = run("watch", "show", "gd_1/sd_nope")
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert ended.stderr == "notifier: the watch gd_1 has not found a snapshot 'sd_nope'\n"


def test_redundant_columns_are_left_out_in_a_pipe_and_on_a_terminal(run: Run, config: Path) -> None:
    """A watch with an id of its own needs the column; nothing is cut there, however long the names are."""
    assert run("status").stdout.splitlines()[0].split() == ["WATCH", "NAME", "STATUS"]
    name = "A name that no terminal has room for " * 5
    config.write_text(config.read_text().replace("name: Prices", f"id: prices, name: {name.strip()}"))
    for command in (["status"], ["watch", "list"]):
        first, second, *_ = run(*command).stdout.splitlines()
        assert first.split()[:3] == ["WATCH", "NAME", "SNAPSHOT"]
        assert name.strip() in second
        assert " s_1 " in second

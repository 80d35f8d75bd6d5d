"""`notifier watch list` shows what is configured, `notifier status` how it stands."""

import json
from pathlib import Path

from commands import Run


def test_the_list_has_what_is_configured(run: Run, config: Path) -> None:
    assert config.exists()
    listed = json.loads(run("watch", "list", "--json").stdout)
    assert [(each["watch"], each.get("snapshot"), each.get("dataset")) for each in listed] == [
        ("s_1", "s_1", None),
        ("gd_1", None, "gd_1"),
    ]
    assert listed[0]["notify"] == ["team"]
    assert (listed[0]["every"], listed[0]["name"]) == ("30 s", "Prices")
    assert "status" not in listed[0]
    lines = run("watch", "list").stdout.splitlines()
    assert lines[0].split() == ["WATCH", "NAME", "SNAPSHOT", "NOTIFY", "ON", "EVERY"]
    assert lines[1].split()[:4] == ["s_1", "Prices", "s_1", "team"]
    assert {"status", "since", "next_look", "deliveries"} <= json.loads(run("status", "--json").stdout)[0].keys()

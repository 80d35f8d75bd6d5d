# ruff: noqa: E501 (in the table, one row is one rule)
"""`config check` tells of folders that are missing or cannot be written, and refuses nothing for it."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from notifier.cli import app
from notifier.config import places

MAIN = """\
api: {token: t0ken}
channels: {team: "json://localhost"}
defaults: {notify: [team]}
state: sqlite:///state/notifier.db
watches:
- {snapshot: s_1, download: results}
- {snapshot: s_2, download: results}
- {dataset: gd_1, download: {folder: others}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("state", "results", "others"):
        (tmp_path / name).mkdir()
    (tmp_path / "config.yaml").write_text(MAIN)
    return tmp_path


def warnings(folder: Path) -> list[str]:
    """Those of `config check`, by key."""
    result = CliRunner().invoke(app, ["config", "check", "--config", str(folder / "config.yaml"), "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["ok"]
    assert {each["file"] for each in found["warnings"]} <= {str(folder / "config.yaml")}
    return [f"{each['key']}: {each['text']}".replace(str(folder), "…") for each in found["warnings"]]


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).rmdir()


def file_instead(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).rmdir()
        (folder / name).touch()

    return change


def piped(folder: Path) -> None:
    os.mkfifo(folder / "state" / "notifier.db")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (without("state"), "state: there is no folder …/state, and the daemon would not start: `install -d …/state` makes it"),
        (file_instead("state"), "state: …/state is no folder, and the daemon would not start: name another one"),
        (piped, "state: …/state/notifier.db is a FIFO (a named pipe), and no file: name another one"),
        (lambda folder: (folder / "state/notifier.db").mkdir(), "state: …/state/notifier.db is a folder, and no file: name another one"),
        (without("results"), "download: there is no folder …/results, and no results would be saved: `install -d …/results` makes it (of the watch s_1)"),
        (without("others"), "download: there is no folder …/others, and no results would be saved: `install -d …/others` makes it (of the watch gd_1)"),
        (file_instead("others"), "download: …/others is no folder, and no results would be saved: name another one (of the watch gd_1)"),
    ],
    ids=range(7),
)  # fmt: skip
def test_what_is_missing_or_no_folder_is_a_warning_with_the_cure(
    folder: Path, change: Callable[[Path], None], text: str
) -> None:
    assert warnings(folder) == []
    change(folder)
    assert warnings(folder) == [text]


def test_what_this_user_may_not_write_is_one_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "state" / "notifier.db").touch()
    monkeypatch.setattr(places, "_may", lambda path, _: path.name not in ("notifier.db", "results"))
    assert [each.partition(" may not ")[2].partition(":")[0] for each in warnings(folder)] == [
        "write the database …/state/notifier.db",
        "write into the folder …/results",
    ]

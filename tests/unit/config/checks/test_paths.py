# ruff: noqa: E501 (in the table, one row is one rule)
"""`config check` warns of missing and unwritable folders, and refuses a database that cannot be used."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from notifier.cli import app
from notifier.config.checks import paths

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


def checked(folder: Path, status: int = 0) -> list[str]:
    """What `config check` says of places, by key: errors if it ends with 2, else warnings."""
    result = CliRunner().invoke(app, ["config", "check", "--config", str(folder / "config.yaml"), "--json"])
    assert result.exit_code == status, result.output
    found = json.loads(result.stdout)
    assert found["ok"] is (status == 0)
    told = found["warnings" if found["ok"] else "problems"]
    assert {each["file"] for each in told} <= {str(folder / "config.yaml")}
    return [f"{each['key']}: {each['text']}".replace(str(folder), "…") for each in told]


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).rmdir()


def file_instead(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).rmdir()
        (folder / name).touch()

    return change


def another_file(folder: Path) -> None:
    (folder / "state" / "notifier.db").write_text("root:x:0:0:root:/root:/bin/bash\n")


def piped(folder: Path) -> None:
    os.mkfifo(folder / "state" / "notifier.db")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (without("state"), "state: there is no folder …/state, and the daemon would not start: create it with `install -d …/state`"),
        (file_instead("state"), "state: …/state is not a folder, and the daemon would not start: name another one"),
        (piped, "state: …/state/notifier.db is a FIFO (a named pipe), not a file: name another one"),
        (lambda folder: (folder / "state/notifier.db").mkdir(), "state: …/state/notifier.db is a folder, not a file: name another one"),
        (another_file, "state: …/state/notifier.db is not an SQLite database: name a file that does not exist yet"),
    ],
    ids=range(5),
)  # fmt: skip
def test_what_keeps_the_service_from_starting_is_an_error_with_its_fix(
    folder: Path, change: Callable[[Path], None], text: str
) -> None:
    assert checked(folder) == []
    change(folder)
    assert checked(folder, 2) == [text]
    result = CliRunner().invoke(app, ["config", "check", "--config", str(folder / "config.yaml")])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.replace(str(folder), "…") == f"…/config.yaml: {text}\n1 error in the configuration.\n"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (without("results"), "download: there is no folder …/results, and no results would be saved: create it with `install -d …/results` (of the watch s_1)"),
        (without("others"), "download: there is no folder …/others, and no results would be saved: create it with `install -d …/others` (of the watch gd_1)"),
        (file_instead("others"), "download: …/others is not a folder, and no results would be saved: name another one (of the watch gd_1)"),
    ],
    ids=range(3),
)  # fmt: skip
def test_a_missing_or_wrong_folder_is_a_warning_with_its_fix(
    folder: Path, change: Callable[[Path], None], text: str
) -> None:
    assert checked(folder) == []
    change(folder)
    assert checked(folder) == [text]
    said = CliRunner().invoke(app, ["config", "check", "--config", str(folder / "config.yaml")]).stdout
    assert said.startswith(f"{folder / 'config.yaml'}: no errors, 1 warning. 3 watches")


def test_the_folder_that_systemd_creates_may_be_missing(folder: Path) -> None:
    """It is there when the service starts; the check may come before."""
    text = MAIN.replace("sqlite:///state/", "sqlite:////var/lib/notifier-of-a-test/")
    (folder / "config.yaml").write_text(text)
    (told,) = checked(folder)
    assert told.startswith("state: there is no folder /var/lib/notifier-of-a-test: systemd creates it when it starts")
    (folder / "config.yaml").write_text(text.replace("-of-a-test/", "-of-a-test/deeper/"))
    (told,) = checked(folder, 2)
    assert told.startswith("state: there is no folder /var/lib/notifier-of-a-test/deeper, and the daemon would not")


def test_an_unwritable_folder_is_a_warning(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "state" / "notifier.db").touch()
    monkeypatch.setattr(paths, "_may", lambda path, _: path.name not in ("notifier.db", "results"))
    assert [each.partition(" may not ")[2].partition(":")[0] for each in checked(folder)] == [
        "write the database …/state/notifier.db",
        "write into the folder …/results",
    ]

"""The command line in the process of the test, in a folder of its own."""

import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.canned_server import Canned, canned
from support.commands import Run
from typer.testing import CliRunner, Result

from notifier.cli import app

CONFIG = """
api: {token: a-token-of-tests}
http: off
channels: {team: json://127.0.0.1:1/team, mail: json://127.0.0.1:1/mail}
defaults: {notify: [team]}
watches:
  - {snapshot: s_1, name: Prices}
  - {dataset: gd_1, name: Profiles}
include: [watches.d/*.yaml]
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration with a watch of each kind, in the folder where the commands run."""
    file = tmp_path / "config.yaml"
    file.write_text(CONFIG)
    return file


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command, and sees that no error got out that no part of the program expected."""
    monkeypatch.chdir(tmp_path)
    for variable in ("NOTIFIER_CONFIG", "BRIGHTDATA_API_KEY", "BRIGHTDATA_BASE_URL"):
        monkeypatch.delenv(variable, raising=False)
    # The log is set up once for a process, and this process is that of the tests.
    monkeypatch.setattr("notifier.telemetry.log.configure", lambda **_: None)

    def invoke(*arguments: str, stdin: bytes | str | None = None, **environment: str) -> Result:
        result = CliRunner().invoke(app, arguments, input=stdin, env=environment, prog_name="notifier")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            assert result.exc_info is not None
            raise AssertionError("".join(traceback.format_exception(*result.exc_info)))
        return result

    return invoke


@pytest.fixture
def bright_data(monkeypatch: pytest.MonkeyPatch, run: Run) -> Iterator[Canned]:
    """A server in Bright Data's place, for a script that has the token in its environment."""
    assert run is not None  # which clears the environment first
    with canned() as server:
        monkeypatch.setenv("BRIGHTDATA_API_KEY", "a-token-of-tests")
        monkeypatch.setenv("BRIGHTDATA_BASE_URL", server.url)
        yield server

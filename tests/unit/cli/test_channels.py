"""`notifier channel list` and `test`, run in this process."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from notifier.cli import app

CONFIG = """
api: {token: a-token-of-tests}
channels: {chat: json://127.0.0.1:1/chat, mail: json://localhost/mail}
watches:
  - {snapshot: s_1, notify: [chat]}
  - {dataset: gd_1, notify: [chat, mail]}
"""


def test_it_counts_the_watches_of_datasets_too(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG)
    listed = CliRunner().invoke(app, ["channel", "list", "--config", str(config), "--json"])
    assert listed.exit_code == 0, listed.output
    assert {each["channel"]: each["watches"] for each in json.loads(listed.stdout)} == {"chat": 2, "mail": 1}


@pytest.mark.parametrize(("watch", "status"), [("gd_1", 1), ("gd_1/s_found", 1), ("s_1", 1), ("s_unknown", 2)])
def test_a_test_message_can_be_about_any_configured_watch(
    watch: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody listens at the far side: 1 says that the message was sent there."""
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG)
    monkeypatch.setattr("notifier.telemetry.log.configure", lambda **_: None)  # it is for a process of its own
    tried = CliRunner().invoke(app, ["channel", "test", "chat", "--watch", watch, "--config", str(config), "--json"])
    if status == 1:
        assert tried.exit_code == 1, tried.output
        assert json.loads(tried.stdout)["outcome"] == "retry"
    else:
        assert tried.exit_code == 2
        assert "there is no watch 's_unknown'" in tried.stderr

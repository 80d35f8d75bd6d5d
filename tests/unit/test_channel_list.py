"""`notifier channel list`, in this process."""

import json
from pathlib import Path

from typer.testing import CliRunner

from notifier.cli import app

CONFIG = """
api: {token: a-token-of-tests}
channels: {chat: json://localhost/chat, mail: json://localhost/mail}
watches:
  - {snapshot: s_1, notify: [chat]}
  - {dataset: gd_1, notify: [chat, mail]}
"""


def test_it_counts_the_watches_of_datasets_too(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG)
    listed = CliRunner().invoke(app, ["channel", "list", "--config", str(config), "--json"])
    assert listed.exit_code == 0, listed.output
    assert {each["name"]: each["watches"] for each in json.loads(listed.stdout)} == {"chat": 2, "mail": 1}

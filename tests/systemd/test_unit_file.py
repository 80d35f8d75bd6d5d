"""The service that is shipped is one that systemd takes without a word."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "systemd/notifier.service"
PROGRAM = "/opt/notifier/bin/notifier"


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit as it is shipped, but for the program, which here is one that exists."""
    text = UNIT.read_text(encoding="utf-8")
    assert PROGRAM in text
    copy = tmp_path / UNIT.name
    copy.write_text(text.replace(PROGRAM, sys.executable), encoding="utf-8")
    return copy


def test_systemd_has_nothing_to_say_against_the_unit(unit: Path) -> None:
    # It exits 0 on misspelt keys too, so what counts is that it says nothing.
    verified = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (verified.stderr, verified.returncode) == ("", 0)


def test_the_unit_is_hardened(unit: Path) -> None:
    # The threshold is in tenths: above 3.0 of 10 the command fails.
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=30", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert rated.returncode == 0, rated.stdout[-300:]


def test_installing_takes_five_commands() -> None:
    readme = (ROOT / "systemd/README.md").read_text(encoding="utf-8")
    block = re.search(r"```sh\n(.*?)```", readme, re.DOTALL)
    assert block is not None
    assert len(block[1].strip().splitlines()) == 5


def test_the_shipped_configuration_is_right_when_its_secrets_are_there(tmp_path: Path) -> None:
    (tmp_path / "brightdata-token").write_text("a-token\n", encoding="ascii")
    checked = subprocess.run(
        [sys.executable, "-m", "notifier", "config", "check", "--config", str(ROOT / "systemd/config.yaml")],
        env={"CREDENTIALS_DIRECTORY": str(tmp_path), "SLACK_URL": "slack://TAAAAAAAA/BBBBBBBBB/" + "c" * 24},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stderr) == (0, "")

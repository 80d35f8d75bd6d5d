"""The alert rules are rules, and tell what they are meant to."""

import subprocess
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_promtool_takes_the_rules() -> None:
    done = subprocess.run(["promtool", "check", "rules", DOCS / "alerts.yml"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_tell_what_they_are_meant_to() -> None:
    done = subprocess.run(["promtool", "test", "rules", DOCS / "alerts.test.yml"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr

"""`notifier status`: the line about the daemon below the table."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.commands import Run

from notifier.core.health.vitals import ON_DISK, api_sentence

API = {"kind": "ok", "since": None, "requests": 1, "refusals": 1, "held_for_s": 0.0}


@pytest.fixture
def health(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a running daemon says."""
    said: dict[str, Any] = {"api": API, "remarks": [f"{ON_DISK} is refused, and the one before runs", "polls are late"]}
    monkeypatch.setattr("notifier.cli.healthcheck.daemon_health", lambda _: said)
    return said


@pytest.mark.usefixtures("health")
def test_errors_in_the_files_are_printed_once(run: Run, config: Path) -> None:
    """Where this command sees them, the daemon's remark says nothing new; where they are mended, it does."""
    told = run("status").stderr.splitlines()
    assert told[-2:] == [f"Note: {ON_DISK} is refused, and the one before runs.", "Note: polls are late."]
    config.write_text(config.read_text() + "odd: 1\n")
    ended = run("status")
    assert ended.exit_code == 0
    assert ended.stderr.count("odd: unknown key") == 1
    assert ON_DISK not in ended.stderr
    assert ended.stderr.splitlines()[-1] == "Note: polls are late."


def test_numbers_agree_with_their_nouns() -> None:
    sentence = "Bright Data: ok, 1 request in the last minute, 1 answer of 429 in five minutes"
    assert api_sentence(API) == sentence
    many = API | {"requests": 1200, "refusals": 0, "held_for_s": timedelta(minutes=2).total_seconds()}
    assert api_sentence(many) == (
        "Bright Data: ok, 1,200 requests in the last minute, no answers of 429 in five minutes, none goes for 2 min"
    )

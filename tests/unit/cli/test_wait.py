"""`notifier wait` prints each end as text and as JSON."""

import json
from datetime import timedelta

import pytest
from support.canned_server import Canned
from support.commands import Run

FACTS = {"status": "ready", "records": 0, "errors": 5, "error_codes": {"dead_page": 3, "no_peers": 2}}


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks follow one another at once."""
    monkeypatch.setattr("notifier.cli.api_session.REQUESTS_PER_SECOND", 1_000.0)
    monkeypatch.setattr("notifier.polling.waiter.REFUSAL_PAUSE", timedelta(0))


@pytest.mark.usefixtures("no_pause")
def test_error_codes_are_shown(run: Run, bright_data: Canned) -> None:
    bright_data.answer(200, json.dumps(FACTS))
    ended = run("wait", "sd_1")
    assert ended.exit_code == 0
    assert "ready, no records, 5 errors, dead_page × 3, no_peers × 2" in ended.stdout
    last = json.loads(run("wait", "sd_1", "--json").stdout.splitlines()[-1])
    assert (last["ended"], last["error_codes"]) == ("ready", {"dead_page": 3, "no_peers": 2})


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize(
    ("facts", "said", "events"),
    [
        ({}, "ready, no counts were given", ["ready"]),
        ({"records": "12,480", "errors": "0"}, "ready, no number of records was given", ["ready"]),
        ({"records": 7}, "ready, 7 records, no number of errors was given", ["ready"]),
        ({"errors": 0}, "ready, no number of records was given", ["ready"]),
        ({"error_codes": {"dead_page": 3}}, "ready, dead_page × 3, no counts were given", ["ready", "partial"]),
        ({"records": "7", "errors": "0"}, "ready, 7 records", ["ready", "complete"]),
        ({"records": 0}, "ready, no records", ["ready", "empty"]),
    ],
)
def test_ready_says_which_counts_were_not_given(
    run: Run, bright_data: Canned, facts: dict[str, object], said: str, events: list[str]
) -> None:
    """A count with thousands separators is ambiguous, and counts as missing."""
    bright_data.answer(200, json.dumps({"status": "ready"} | facts))
    assert run("wait", "sd_1").stdout.splitlines()[-1].endswith(f"  {said}")
    changed, ended = map(json.loads, run("wait", "sd_1", "--json").stdout.splitlines())
    assert changed["events"] == ended["events"] == events


@pytest.mark.usefixtures("no_pause")
def test_a_permanent_refusal_ends_the_wait_with_the_text_of_the_api(run: Run, bright_data: Canned) -> None:
    bright_data.answer(400, '{"error": "This snapshot belongs to a collector that was deleted"}')
    ended = run("wait", "sd_1")
    assert ended.exit_code == 1
    said = "HTTP 400: This snapshot belongs to a collector that was deleted"
    assert f"Bright Data refuses to answer for it: {said}" in ended.stdout
    as_json = run("wait", "sd_1", "--json")
    last = json.loads(as_json.stdout.splitlines()[-1])
    assert (as_json.exit_code, last["ended"], last["detail"]) == (1, "refused", said)

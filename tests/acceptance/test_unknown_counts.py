"""`ready` says `complete` only where Bright Data's counts tell it."""

from typing import Any

import pytest

from acceptance.bright_data import BrightData
from acceptance.harness import Notifier
from acceptance.in_process import running
from acceptance.receivers import Receiver
from notifier.brightdata.simulator import life as lives


@pytest.mark.parametrize(
    ("facts", "title"),
    [
        ({}, "ready after 1 min, no counts were given"),
        ({"error_codes": {"dead_page": 2}}, "ready with errors (dead_page × 2) after 1 min, no counts were given"),
        ({"records": "7", "errors": "0"}, "ready, 7 records after 1 min"),
        ({"records": "0", "errors": "2"}, "ready but empty: no records, 2 errors after 1 min"),
    ],
)
async def test_ready_is_called_what_is_known_of_it(
    facts: dict[str, Any], title: str, api: BrightData, team: Receiver, notifier: Notifier
) -> None:
    """No counts, only error codes, and counts in strings."""
    api.add("s_1", lives.of("running", "ready", seconds=60, **facts))
    notifier.configure(api=api.url, channels={"team": team.url}, watches=["s_1"])
    api.advance(60)
    async with running(notifier):
        (told,) = await team.received.count(1)
    assert told.title.endswith(title)

"""A stale list hides no end: the daemon polls each of its snapshots individually, in turn."""

from datetime import timedelta

import pytest

from acceptance.bright_data import BrightData
from acceptance.harness import Notifier
from acceptance.in_process import running
from acceptance.receivers import Receiver
from notifier.brightdata.simulator import Fault
from notifier.brightdata.simulator import life as lives
from notifier.core.snapshot import rotation

SNAPSHOTS = [f"s_{number}" for number in range(8)]


@pytest.mark.parametrize("watched", ["snapshots", "dataset"])
async def test_an_end_that_the_list_hides_is_told_within_two_rounds_of_single_polls(
    watched: str, api: BrightData, team: Receiver, notifier: Notifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Progress says `ready`, the list goes on saying `running`; watched one by one or with the dataset."""
    monkeypatch.setattr(rotation, "CONFIRM_FACTOR", 0)
    monkeypatch.setattr(rotation, "LEAST_CONFIRM_PERIOD", timedelta(milliseconds=400))
    for snapshot in SNAPSHOTS:
        api.add(snapshot, lives.of("running", "ready", seconds=60 if snapshot == "s_3" else 1e9, records=1))
    api.fail_always(Fault.STALE)
    notifier.configure(
        api=api.url,
        channels={"team": team.url},
        watches=SNAPSHOTS if watched == "snapshots" else [{"dataset": "gd_simulated"}],
    )
    async with running(notifier):
        await api.asked.until(lambda asked: sum(each.kind == "snapshots" for each in asked) >= 3)
        before = len(api.asked)
        api.advance(60)
        told = await team.received.count(1)
        asked = [each.kind for each in api.asked.entries[before:]]

    assert [("s_3" in each.news[0], each.news[1]) for each in told] == [(True, "ready")]
    assert asked.count("progress") <= 2 * len(SNAPSHOTS) + 2
    assert api.answers["stale"] >= 3

"""An impossible date costs nothing: the daemon goes on, and notifies the ends of the other snapshots."""

from datetime import UTC, datetime

import pytest

from acceptance.bright_data import BrightData
from acceptance.harness import Notifier
from acceptance.in_process import running
from acceptance.receivers import Receiver
from notifier.brightdata.simulator import life as lives
from notifier.brightdata.simulator.account import Account, Snapshot

ODD = "s_odd"
NEAR = ("s_near_1", "s_near_2", "s_near_3")


@pytest.mark.parametrize("year", [1, 1970, 1999, 9999])
@pytest.mark.parametrize("whole", [True, False], ids=["dataset", "snapshots"])
async def test_the_zero_time_of_a_list_ends_no_daemon_and_hides_no_end(
    year: int, whole: bool, api: BrightData, team: Receiver, notifier: Notifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where snapshots are only watched individually, and at every start."""
    created = Account._created

    def odd(account: Account, snapshot: Snapshot) -> datetime:
        return datetime(year, 1, 1, tzinfo=UTC) if snapshot.id == ODD else created(account, snapshot)

    monkeypatch.setattr(Account, "_created", odd)
    for snapshot_id in (ODD, *NEAR):
        api.add(snapshot_id, lives.of("running", "ready", seconds=60), dataset_id="gd_1")
    notifier.configure(
        api=api.url,
        channels={"team": {"url": team.url, "pace": "1000/s"}},
        watches=[{"dataset": "gd_1", "name": "All"}] if whole else [ODD, *NEAR],
        defaults={"on": ["ready"]},
    )
    async with running(notifier):
        await api.asked.until(lambda asked: sum(each.kind == "snapshots" for each in asked) >= 2)
    async with running(notifier) as (made, task):
        await api.asked.until(lambda asked: sum(each.kind == "snapshots" for each in asked) >= 5)
        api.advance(60)
        told = set[str]()
        while told != {ODD, *NEAR}:
            number = len(team.received)
            told = {each for each in (ODD, *NEAR) if any(each in one.message for one in team.received.entries)}
            if told != {ODD, *NEAR}:
                await team.received.count(number + 1)
        assert not task.done()
        assert made._components.faults._failures == {}

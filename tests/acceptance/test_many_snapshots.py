"""Many snapshots at once: each is told, and each exactly once."""

from acceptance.bright_data import BrightData
from acceptance.harness import Notifier
from acceptance.receivers import Receiver
from notifier.brightdata.simulator import life as lives

WATCHES = 80


async def test_every_transition_of_many_snapshots_is_told_exactly_once(
    api: BrightData, team: Receiver, notifier: Notifier
) -> None:
    """80 snapshots run and end together, and a channel gets one message of each change, and no more."""
    ends = {f"s_{k:03}": ("ready", "failed", "canceled")[k % 3] for k in range(WATCHES)}
    for snapshot, end in ends.items():
        api.add(snapshot, lives.of("running", end, seconds=60))
    notifier.configure(
        api=api.url,
        channels={"team": team.url},
        watches=ends,
        api_options={"requests_per_second": 500},
        defaults={"every": "5s", "on": ["all"]},
    )
    daemon = await notifier.start("run", "--log-level", "warning")

    await team.told(WATCHES)
    api.advance(60)
    await team.told(2 * WATCHES)
    assert (await daemon.stop()).status == 0

    assert set(team.copies.values()) == {1}
    deliveries = await notifier.deliveries()
    assert {each["event_id"] for each in deliveries} == set(team.copies)
    assert {each["state"] for each in deliveries} == {"delivered"}
    told = sorted((each["snapshot"], each["status"]) for each in deliveries)
    assert told == sorted((snapshot, status) for snapshot, end in ends.items() for status in ("running", end))
    assert not daemon.output, "nothing that a warning would be worth"

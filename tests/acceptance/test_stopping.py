"""The daemon ends within 5 s of being asked to, with exit status 0, whatever it is doing."""

import signal

import pytest

from acceptance.bright_data import BrightData
from acceptance.harness import Notifier
from acceptance.receivers import HANG, Receiver
from notifier.brightdata.simulator import Fault
from notifier.brightdata.simulator import life as lives

ENDS_WITHIN = 5.0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_an_idle_daemon_ends_in_order(
    number: signal.Signals, api: BrightData, team: Receiver, notifier: Notifier
) -> None:
    """Either signal ends it, and the log says so."""
    api.add("s_running", lives.slow())
    notifier.configure(api=api.url, channels={"team": team.url}, watches=["s_running"])
    daemon = await notifier.daemon()
    await daemon.wait_for_log("transition.committed", snapshot="s_running")

    ended = await daemon.stop(number)

    assert ended.status == 0, ended
    assert ended.seconds < ENDS_WITHIN
    assert [line["event"] for line in daemon.log.entries][-2:] == ["daemon.stopping", "daemon.stopped"]


async def test_an_api_that_hangs_does_not_hold_up_the_end(api: BrightData, team: Receiver, notifier: Notifier) -> None:
    """Looks in flight are given up soon."""
    snapshots = ["s_1", "s_2", "s_3"]
    for snapshot in snapshots:
        api.add(snapshot, lives.slow())
    api.fail_next(Fault.SLOW, times=len(snapshots))
    notifier.configure(api=api.url, channels={"team": team.url}, watches=snapshots, api_options={"timeout": "1h"})
    daemon = await notifier.daemon()
    await api.asked.count(len(snapshots))

    ended = await daemon.stop()

    assert ended.status == 0, ended
    assert ended.seconds < ENDS_WITHIN


async def test_a_send_in_flight_is_left_uncertain_and_made_again_by_the_next_daemon(
    api: BrightData, team: Receiver, ops: Receiver, notifier: Notifier
) -> None:
    """A receiver that hangs does not hold up the end, and what it may have got is sent again."""
    api.add("s_1", lives.complete(seconds=60))
    notifier.configure(api=api.url, channels={"team": team.url, "ops": ops.url}, watches=["s_1"])
    team.answer_next(HANG)
    daemon = await notifier.daemon()
    api.advance(60)
    await team.received.count(1)
    await daemon.wait_for_log("delivery.delivered", channel="ops")

    ended = await daemon.stop()

    assert ended.status == 0, ended
    assert ended.seconds < ENDS_WITHIN
    states = {each["channel"]: (each["state"], each["reason"]) for each in await notifier.deliveries()}
    assert states == {"team": ("uncertain", "stopped"), "ops": ("delivered", "http_200")}
    again = await notifier.daemon()
    first, second = await team.received.count(2)
    assert second.event_id == first.event_id
    await again.wait_for_log("delivery.delivered", channel="team", attempt=2)
    assert len(ops.received) == 1

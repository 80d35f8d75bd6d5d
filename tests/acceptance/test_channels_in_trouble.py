"""A channel that is down holds back only itself, and what it missed comes to it later."""

from datetime import UTC, datetime, timedelta

from acceptance.bright_data import BrightData
from acceptance.harness import Notifier
from acceptance.killable_daemon import DONE, Request
from acceptance.kills import KillableDaemons
from acceptance.receivers import HANG, Answer, Receiver
from notifier.brightdata.simulator import life as lives


async def test_a_channel_that_hangs_delays_no_other(
    api: BrightData, team: Receiver, ops: Receiver, notifier: Notifier
) -> None:
    """While a send to one channel hangs, another gets all that there is."""
    snapshots = [f"s_{k}" for k in range(20)]
    for snapshot in snapshots:
        api.add(snapshot, lives.complete(seconds=60))
    notifier.configure(api=api.url, channels={"hanging": ops.url, "team": team.url}, watches=snapshots)
    ops.usual = HANG
    await notifier.daemon()

    api.advance(60)

    await ops.received.count(1)
    await team.told(20)
    assert len(ops.received) == 1, "the first send had not even come to its timeout"
    assert set(team.copies.values()) == {1}


async def test_a_busy_channel_is_tried_again_until_it_takes_the_message(
    api: BrightData, team: Receiver, notifier: Notifier
) -> None:
    """503 twice and then 200 is one delivery of three attempts, which `delivery show` tells with their answers."""
    api.add("s_1", lives.complete(seconds=0))
    notifier.configure(api=api.url, channels={"team": team.url}, watches=["s_1"])
    team.answer_next(Answer(status=503, body="busy"), Answer(status=503, body="still busy"))

    async with KillableDaemons.running() as daemons:
        assert await daemons.run(Request(folder=str(notifier.folder), jump_s=30)) == DONE

    assert len({each.event_id for each in await team.received.count(3)}) == 1
    (listed,) = await notifier.deliveries()
    shown = notifier.glance("delivery", "show", str(listed["id"]))
    assert shown["state"] == "delivered"
    attempts = [(each["number"], each["outcome"], each["reason"], each["detail"]) for each in shown["attempts"]]
    assert attempts == [
        (1, "retry", "http_503", "busy"),
        (2, "retry", "http_503", "still busy"),
        (3, "delivered", "http_200", "thank you"),
    ]


async def test_the_pause_before_the_next_try_survives_a_restart(
    api: BrightData, team: Receiver, ops: Receiver, notifier: Notifier
) -> None:
    """A refusal is tried again slowly, a Retry-After is honoured, and a restart shortens neither."""
    for snapshot, seconds in {"s_1": 60, "s_2": 120}.items():
        api.add(snapshot, lives.complete(seconds=seconds))
    watches: list[dict[str, object]] = [
        {"snapshot": "s_1", "notify": ["refusing", "limited"]},
        {"snapshot": "s_2", "notify": ["other"]},
    ]
    channels = {"refusing": team.url, "limited": ops.url, "other": ops.url}
    notifier.configure(api=api.url, channels=channels, watches=watches)
    team.usual = Answer(status=401, body="who are you?")
    ops.answer_next(Answer(status=429, body="slowly", headers={"Retry-After": "7200"}))
    began = datetime.now(UTC)
    daemon = await notifier.daemon()
    api.advance(60)
    await daemon.wait_for_log("delivery.retrying", channel="refusing", reason="http_401")
    await daemon.wait_for_log("delivery.retrying", channel="limited", reason="http_429")
    assert (await daemon.stop()).status == 0
    before = {each["channel"]: each for each in await notifier.deliveries()}

    daemon = await notifier.daemon()
    api.advance(60)
    await daemon.wait_for_log("delivery.delivered", channel="other")

    after = {each["channel"]: each for each in await notifier.deliveries()}
    assert {name: after[name] for name in before} == before
    assert {name: (each["state"], each["reason"]) for name, each in before.items()} == {
        "refusing": ("retrying", "http_401"),
        "limited": ("retrying", "http_429"),
    }
    assert moment(before["refusing"]["not_before"]) >= began + timedelta(minutes=2)
    assert moment(before["limited"]["not_before"]) >= began + timedelta(hours=2)
    assert len(team.received) == 1
    assert len(ops.received) == 2


def moment(text: str) -> datetime:
    """A time as --json prints it."""
    return datetime.fromisoformat(text)

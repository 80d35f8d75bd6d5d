"""The commands about deliveries: mute, retry, test a channel, replay; and the policy of a channel."""

import json
from datetime import UTC, datetime, timedelta

from acceptance.bright_data import BrightData
from acceptance.harness import Notifier
from acceptance.receivers import HANG, Answer, Receiver
from notifier.brightdata.simulator import life as lives

SECRET = "whsec_dGhlIG5ldyBzZWNyZXQgb2YgdGhlIHJlY2VpdmVy"
TEMPLATES = {
    "ready": {"title": "{{ name }} is done", "body": "{{ records }} rows of {{ snapshot_id }} ({{ event_id }})"}
}


async def test_a_muted_watch_is_not_told_until_it_is_unmuted(
    api: BrightData, team: Receiver, notifier: Notifier
) -> None:
    """`watch mute --for` and `unmute` work with a daemon and without; what was muted is listed as dropped."""
    for k, seconds in enumerate((60, 60, 120)):
        api.add(f"s_{k}", lives.complete(seconds=seconds))
    notifier.configure(api=api.url, channels={"team": team.url}, watches=["s_0", "s_1", "s_2"])
    before = await notifier.command("watch", "mute", "s_0", "--for", "2h")
    daemon = await notifier.daemon()
    beside = await notifier.json("watch", "mute", "s_2")
    assert (before.status, beside["until"]) == (0, None)
    api.advance(60)
    await daemon.wait_for_log("delivery.dropped", reason="muted")
    await team.told(1)

    unmuted = await notifier.json("watch", "unmute", "s_2")
    api.advance(60)
    await team.told(2)
    assert (await daemon.stop()).status == 0

    assert unmuted["was_muted"] is True
    states = {each["snapshot"]: (each["state"], each["reason"]) for each in await notifier.deliveries()}
    assert states == {
        "s_0": ("dropped", "muted"),
        "s_1": ("delivered", "http_200"),
        "s_2": ("delivered", "http_200"),
    }
    wrong = await notifier.command("watch", "mute", "s_9")
    assert wrong.status == 2


async def test_what_is_dead_or_held_is_sent_again_when_asked(
    api: BrightData, team: Receiver, ops: Receiver, notifier: Notifier
) -> None:
    """410 ends a webhook's delivery, `on_uncertain: hold` holds one; `delivery retry` sends either again."""
    api.add("s_1", lives.complete(seconds=0))
    notifier.configure(
        api=api.url,
        channels={
            "held": {"url": f"{team.url}?rto=1", "on_uncertain": "hold"},
            "gone": {
                "webhook": ops.web_url,
                "secret": SECRET,
                "allow_private": True,
            },
        },
        watches=["s_1"],
    )
    team.answer_next(HANG)
    ops.answer_next(Answer(status=410), Answer(status=410))
    daemon = await notifier.daemon()
    await daemon.wait_for_log("delivery.uncertain", channel="held")
    await daemon.wait_for_log("delivery.dead", channel="gone")
    listed = {each["channel"]: each for each in await notifier.deliveries()}
    assert (listed["held"]["state"], listed["held"]["not_before"]) == ("uncertain", None)

    by_id = await notifier.json("delivery", "retry", str(listed["held"]["id"]))
    await daemon.wait_for_log("delivery.delivered", channel="held")
    dead = await notifier.json("delivery", "retry", "--dead", "--since", "2d", "--channel", "gone")
    await ops.received.count(2)
    assert (by_id, dead) == ({"retried": 1}, {"retried": 1})
    assert (await daemon.stop()).status == 0

    none = await notifier.command("delivery", "retry", "--dead", "--channel", "held")
    offline = await notifier.json("delivery", "retry", "--dead", "--since", "2d")
    assert (none.status, offline) == (1, {"retried": 1})
    once = await notifier.command("run", "--once")
    assert once.status == 0, once
    assert len(ops.received) == 3
    assert {each["state"] for each in await notifier.deliveries()} == {"delivered"}


async def test_a_fallback_is_told_what_does_not_get_through_in_time(
    api: BrightData, team: Receiver, ops: Receiver, notifier: Notifier
) -> None:
    """A channel that is down has its events told to its fallback, once each."""
    api.add("s_1", lives.complete(seconds=0))
    notifier.configure(
        api=api.url,
        channels={"mail": {"url": ops.url, "fallback": "team", "fallback_after": "1s"}, "team": team.url},
        watches=["s_1"],
        defaults={"notify": ["mail"]},
    )
    ops.usual = Answer(status=503)
    daemon = await notifier.daemon()

    (event_id,) = await team.told(1)
    await daemon.wait_for_log("delivery.delivered", channel="team", event_id=event_id)

    await daemon.wait_for_log("delivery.retrying", channel="mail")
    assert (await daemon.stop()).status == 0  # with it ends a try that may go on just now
    assert ("mail", "retrying") in [(each["channel"], each["state"]) for each in await notifier.deliveries()]
    assert team.copies == {event_id: 1}


async def test_quiet_hours_hold_all_but_the_exceptions(api: BrightData, team: Receiver, notifier: Notifier) -> None:
    """In the window only what is excepted goes out; the rest waits for its end."""
    now = datetime.now(UTC)
    api.add("s_ready", lives.complete(seconds=0))
    api.add("s_failed", lives.failed(seconds=0))
    quiet = {
        "from": f"{now - timedelta(hours=2):%H:%M}",
        "to": f"{now + timedelta(hours=2):%H:%M}",
        "timezone": "UTC",
        "except": ["failed"],
    }
    channels = {"team": {"url": team.url, "quiet": quiet}}
    notifier.configure(api=api.url, channels=channels, watches=["s_ready", "s_failed"])

    ended = await notifier.command("run", "--once")

    assert ended.status == 0, ended
    listed = {each["snapshot"]: each for each in await notifier.deliveries()}
    assert listed["s_failed"]["state"] == "delivered"
    assert (listed["s_ready"]["state"], listed["s_ready"]["reason"]) == ("pending", "quiet")
    held_until = datetime.fromisoformat(listed["s_ready"]["not_before"])
    assert timedelta(hours=1, minutes=58) < held_until - now <= timedelta(hours=2)
    assert len(team.copies) == 1


async def test_templates_make_the_message_and_bad_ones_are_told_with_their_place(
    api: BrightData, team: Receiver, notifier: Notifier
) -> None:
    """The channel's words, also for `channel test`; a template that does not work is an error of the configuration."""
    api.add("s_1", lives.complete(seconds=0, records=7))
    channels = {"team": {"url": team.url, "templates": TEMPLATES}}
    watches: list[dict[str, object]] = [{"snapshot": "s_1", "name": "Prices"}]
    notifier.configure(api=api.url, channels=channels, watches=watches)

    assert (await notifier.command("run", "--once")).status == 0
    tried = await notifier.command("channel", "test", "team", "--event", "failed", "--watch", "s_1")
    templated = await notifier.command("channel", "test", "team", "--event", "ready", "--watch", "Prices")

    assert (tried.status, templated.status) == (0, 0)
    told, failed, ready = team.received.entries
    assert told.title == "Prices is done"
    assert told.message.startswith("7 rows of s_1 (evt_")
    assert failed.title.startswith("❌ TEST Prices: failed")
    assert ready.title == "TEST Prices is done"

    bad = {"team": {"url": team.url, "templates": {"ready": {"title": "{{ name"}, "failed": {"body": "{{ nmae }}"}}}}
    notifier.configure(api=api.url, channels=bad, watches=watches)
    check = await notifier.command("config", "check")
    assert check.status == 2
    places = [line.split(": ")[1] for line in check.stderr.splitlines()[:-1]]
    assert places == ["channels.team.templates.ready.title", "channels.team.templates.failed.body"]


async def test_replay_tells_what_another_configuration_would_have_sent(
    api: BrightData, team: Receiver, notifier: Notifier
) -> None:
    """`replay --since 7d --json` goes over the recorded history and sends nothing."""
    api.add("s_1", lives.of("running", "ready", seconds=60, records=1))
    notifier.configure(api=api.url, channels={"team": team.url}, watches=["s_1"])
    assert (await notifier.command("run", "--once")).status == 0
    api.advance(60)
    assert (await notifier.command("run", "--once")).status == 0
    notifier.configure(
        api=api.url, channels={"team": team.url, "ops": team.url}, watches=["s_1"], defaults={"on": ["all"]}
    )

    would = await notifier.json("replay", "--since", "7d")

    assert [(each["channel"], each["events"]) for each in would] == [
        (channel, events) for events in (["running"], ["ready", "complete"]) for channel in ("team", "ops")
    ]
    assert len(team.received) == 1
    assert json.dumps(would)


async def test_show_tells_what_really_went_out(
    api: BrightData, team: Receiver, ops: Receiver, notifier: Notifier
) -> None:
    """The template's words, the webhook's body to the byte, and of a digest the digest with all that went in it."""
    for k in range(4):
        api.add(f"s_{k}", lives.complete(seconds=0))
    hook = {"webhook": ops.web_url, "secret": SECRET, "allow_private": True}
    notifier.configure(
        api=api.url,
        channels={"team": {"url": team.url, "templates": TEMPLATES}, "hook": hook},
        watches=[f"s_{k}" for k in range(4)],
    )
    notifier.secrets.add(SECRET)
    ended = await notifier.command("run", "--once")
    assert ended.status == 0, ended

    received = {event_id: each for each in team.received.entries for event_id in each.event_ids}
    bodies = {each.event_id: each.raw.decode() for each in ops.received.entries}
    listed = await notifier.deliveries()
    for each in listed:
        shown = notifier.glance("delivery", "show", str(each["id"]))
        if each["channel"] == "hook":
            assert shown["message"] == {"title": None, "body": bodies[each["event_id"]]}
            continue
        told = received[each["event_id"]]
        assert shown["message"] == {"title": told.title, "body": told.message}
        of_team = [row["id"] for row in listed if row["channel"] == "team"]
        together = shown["attempts"][-1]["together"]
        assert (shown["digest"] is None) == (together == 1)
        if together > 1:
            assert shown["digest"]["deliveries"] == together == len(shown["digest"]["ids"])
            assert set(shown["digest"]["ids"]) <= set(of_team)
    in_words = await notifier.command("delivery", "show", str(listed[-1]["id"]))
    assert in_words.status == 0, in_words


async def test_what_had_failed_goes_out_at_once_after_a_test_that_got_through(
    api: BrightData, team: Receiver, notifier: Notifier
) -> None:
    """The channel failed so often that its next try was minutes away; without the test nothing would have gone out."""
    api.add("s_1", lives.complete(seconds=0))
    notifier.configure(api=api.url, channels={"team": team.url}, watches=["s_1"])
    team.usual = Answer(status=503)
    daemon = await notifier.daemon()
    for attempt in (1, 2):
        await daemon.wait_for_log("delivery.retrying", channel="team", attempt=attempt)
    refused = await notifier.command("channel", "test", "team")
    team.usual = Answer()
    tested = await notifier.command("channel", "test", "team")
    await daemon.wait_for_log("delivery.delivered", channel="team", attempt=3)
    assert (await daemon.stop()).status == 0
    assert (refused.status, tested.status) == (1, 0)
    assert "retrying 1 failed delivery now" in tested.stderr

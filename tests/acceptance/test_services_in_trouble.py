"""Services in trouble, over real sockets: mail servers, an MQTT broker, web services, receivers of webhooks."""

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from support.ports import free_port

from acceptance.bright_data import BrightData
from acceptance.harness import Notifier
from acceptance.killable_daemon import DONE, Request
from acceptance.kills import KillableDaemons
from acceptance.mail_servers import PlainMailServer
from acceptance.mqtt_broker import Broker
from acceptance.receivers import HANG, Answer, Receiver, receiver
from notifier.brightdata.simulator import life as lives

SECRETS = ("whsec_dGhlIG5ldyBzZWNyZXQgb2YgdGhlIHJlY2VpdmVy", "whsec_dGhlIG9sZCBzZWNyZXQgb2YgdGhlIHJlY2VpdmVy")
WRONG_SECRET = "whsec_dGhlIHNlY3JldCBvZiBzb21lYm9keSBlbHNlIQ=="

VERIFY = """\
import json, sys
from standardwebhooks import Webhook, WebhookVerificationError
given = json.load(sys.stdin)
try:
    told = Webhook(given["secret"]).verify(given["body"], given["headers"])
except WebhookVerificationError as error:
    print(json.dumps({"refused": str(error)}))
else:
    print(json.dumps({"verified": told}))
"""


def mail_url(server: PlainMailServer, *to: str) -> str:
    """An Apprise URL for mail to these, without TLS."""
    return f"mailto://robot:wrong@127.0.0.1:{server.port}?mode=insecure&from=robot@example.com&to={','.join(to)}"


def moment(text: str) -> datetime:
    """A time as --json prints it."""
    return datetime.fromisoformat(text)


async def attempts(notifier: Notifier, channel: str) -> list[dict[str, Any]]:
    """The attempts of the one delivery of a channel."""
    (delivery,) = [each for each in await notifier.deliveries() if each["channel"] == channel]
    shown = notifier.glance("delivery", "show", str(delivery["id"]))
    found: list[dict[str, Any]] = shown["attempts"]
    return found


async def test_mail_servers_in_trouble(api: BrightData, team: Receiver, notifier: Notifier) -> None:
    """A refused password and a refused recipient are tried again slowly; a cut in DATA is uncertain and sent again.

    Each with the server's own words.
    """
    strict, picky, cutting = PlainMailServer("right"), PlainMailServer(), PlainMailServer()
    picky.refused = {"gone@example.com"}
    cutting.cuts = 1
    api.add("s_1", lives.complete(seconds=0))
    async with strict.listening(), picky.listening(), cutting.listening():
        nobody = PlainMailServer()
        nobody.port = free_port()
        channels = {
            "strict": mail_url(strict, "ops@example.com"),
            "picky": mail_url(picky, "here@example.com", "gone@example.com"),
            "cutting": mail_url(cutting, "ops@example.com"),
            "nobody": mail_url(nobody, "ops@example.com"),
        }
        notifier.configure(api=api.url, channels=channels, watches=["s_1"])
        async with KillableDaemons.running() as daemons:
            assert await daemons.run(Request(folder=str(notifier.folder), jump_s=4)) == DONE

    first = {channel: (await attempts(notifier, channel))[0] for channel in channels}
    told = {channel: (each["outcome"], each["reason"]) for channel, each in first.items()}
    assert told == {
        "strict": ("permanent", "smtp_auth"),
        "picky": ("permanent", "smtp_550"),
        "cutting": ("uncertain", "connection_lost"),
        "nobody": ("retry", "refused"),
    }
    assert "this password ran out on Monday" in first["strict"]["detail"]
    assert "nobody here is called gone@example.com" in first["picky"]["detail"]
    pauses = {
        each["channel"]: moment(each["not_before"])
        - moment((await attempts(notifier, each["channel"]))[-1]["started_at"])
        for each in await notifier.deliveries()
        if each["state"] == "retrying"
    }
    assert pauses["strict"] > timedelta(minutes=2)
    assert pauses["picky"] > timedelta(minutes=2)
    assert pauses["nobody"] < timedelta(minutes=1)
    assert [(each["number"], each["outcome"]) for each in await attempts(notifier, "cutting")] == [
        (1, "uncertain"),
        (2, "delivered"),
    ]
    assert len(cutting.mails) == 2
    assert picky.mails.entries == [("here@example.com",)]


async def test_an_mqtt_broker_that_is_down_for_a_while_is_told_when_it_is_up(
    api: BrightData, notifier: Notifier, tmp_path: Path
) -> None:
    """What could not be published is tried again until the broker is there."""
    broker = Broker(tmp_path, free_port())
    api.add("s_1", lives.complete(seconds=0))
    url = f"mqtt://127.0.0.1:{broker.port}/snapshots?qos=1&retain=yes"
    notifier.configure(api=api.url, channels={"mqtt": url}, watches=["s_1"])
    async with KillableDaemons.running() as daemons:
        assert await daemons.run(Request(folder=str(notifier.folder))) == DONE
        (refused,) = await notifier.deliveries()
        async with broker.running() as published:
            assert await daemons.run(Request(folder=str(notifier.folder), ahead_s=60, last=True)) == DONE
            (message,) = await published.count(1)

    assert (refused["state"], refused["reason"]) == ("retrying", "refused")
    assert "s_1" in message
    (delivery,) = await notifier.deliveries()
    assert delivery["event_id"] in message


async def test_a_channel_that_breaks_and_one_that_heals_are_told_once_each_through_another(
    api: BrightData, ops: Receiver, notifier: Notifier, tmp_path: Path
) -> None:
    """The operators get one message when the broker is down for a minute, and one when it is up again.

    The daemon's clock jumps ahead at each attempt, so that the minute passes at once; but by less than the pause after
    the fifth, so that there comes a time when nothing is due.
    """
    broker = Broker(tmp_path, free_port())
    api.add("s_1", lives.complete(seconds=0))
    notifier.configure(
        api=api.url,
        channels={
            "mqtt": f"mqtt://127.0.0.1:{broker.port}/snapshots?qos=1&retain=yes",
            "ops": {"url": ops.url, "pace": "1000/s"},
        },
        watches=["s_1"],
        defaults={"notify": ["mqtt"]},
        operators=["mqtt", "ops"],
    )
    async with KillableDaemons.running() as daemons:
        assert await daemons.run(Request(folder=str(notifier.folder), jump_s=31, notices=1)) == DONE
        async with broker.running() as published:
            assert await daemons.run(Request(folder=str(notifier.folder), ahead_s=3_600, last=True)) == DONE
            (message,) = await published.count(1)

    broken, healed = (each.title for each in ops.received.entries)
    assert "the channel mqtt is broken" in broken
    assert "the channel mqtt works again" in healed
    assert "s_1" in message
    log = (notifier.folder / "log").read_text("utf-8")
    assert "Traceback" not in log


async def test_web_services_in_trouble(api: BrightData, notifier: Notifier) -> None:
    """429 is asked again when it says; 500 soon; whoever hangs or hangs up may have it, and gets it again."""
    names = ("in_seconds", "at_a_date", "broken", "hanging", "resetting")
    api.add("s_1", lives.complete(seconds=0))
    async with (
        receiver("in_seconds") as in_seconds,
        receiver("at_a_date") as at_a_date,
        receiver("broken") as broken,
        receiver("hanging") as hanging,
        receiver("resetting") as resetting,
    ):
        sides = dict(zip(names, (in_seconds, at_a_date, broken, hanging, resetting), strict=True))
        date = (datetime.now(UTC) + timedelta(seconds=8)).replace(microsecond=0)
        in_seconds.answer_next(Answer(status=429, body="slowly", headers={"Retry-After": "6"}))
        at_a_date.answer_next(Answer(status=429, headers={"Retry-After": format_datetime(date, usegmt=True)}))
        broken.answer_next(Answer(status=500, body="oh dear"))
        hanging.answer_next(HANG)
        resetting.answer_next(Answer(resets=True))
        urls = {name: f"{each.url}?rto=1" for name, each in sides.items()}
        notifier.configure(api=api.url, channels=urls, watches=["s_1"])
        daemon = await notifier.daemon()
        for name in names:
            await daemon.wait_for_log("delivery.delivered", channel=name, attempt=2)
        assert (await daemon.stop()).status == 0

    for each in sides.values():
        first, second = each.received.entries
        assert first.event_id == second.event_id
    first, second = in_seconds.received.entries
    assert second.at - first.at >= 6, "the first retry without it comes within 5 s"
    assert at_a_date.received.entries[1].at >= date.timestamp()
    told = {name: (await attempts(notifier, name))[0] for name in names}
    assert {name: (each["outcome"], each["reason"]) for name, each in told.items()} == {
        "in_seconds": ("retry", "http_429"),
        "at_a_date": ("retry", "http_429"),
        "broken": ("retry", "http_500"),
        "hanging": ("uncertain", "read_timeout"),
        "resetting": ("uncertain", "connection_lost"),
    }
    assert told["broken"]["detail"] == "oh dear"


async def test_who_answers_after_the_timeout_gets_it_again_with_the_same_id(
    api: BrightData, team: Receiver, ops: Receiver, notifier: Notifier
) -> None:
    """It had the first copy, and nobody here could know: uncertain, sent again, and after two copies delivered."""
    api.add("s_1", lives.complete(seconds=0))
    hook = {"webhook": ops.web_url, "secret": SECRETS[0], "allow_private": True}
    notifier.configure(api=api.url, channels={"team": f"{team.url}?rto=0.4", "hook": hook}, watches=["s_1"])
    late = Answer(after_s=0.8)
    team.answer_next(late)
    ops.answer_next(late)
    async with KillableDaemons.running() as daemons:
        request = Request(folder=str(notifier.folder), jump_s=10, webhook_timeout_s=0.4, last=True)
        assert await daemons.run(request) == DONE

    for channel, service in {"team": team, "hook": ops}.items():
        (event_id,) = service.copies
        assert service.copies[event_id] == 2
        told = [(each["outcome"], each["reason"]) for each in await attempts(notifier, channel)]
        assert told == [("uncertain", "read_timeout"), ("delivered", "http_200")]


async def verdict(secret: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
    """What the standardwebhooks package says of a request, in a process that shares nothing with the notifier."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", VERIFY, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    lower = {name.lower(): value for name, value in headers.items()}
    given = {"secret": secret, "body": body.decode(), "headers": lower}
    answer, _ = await process.communicate(json.dumps(given).encode())
    found: dict[str, Any] = json.loads(answer)
    return found


async def test_signed_webhooks_verify_in_another_process(api: BrightData, team: Receiver, notifier: Notifier) -> None:
    """Each secret of the channel verifies, another one and another body do not; the id stays over retries."""
    for k in range(3):
        api.add(f"s_{k}", lives.complete(seconds=0, records=k))
    hook = {"webhook": team.web_url, "secret": list(SECRETS), "allow_private": True}
    notifier.configure(api=api.url, channels={"hook": hook}, watches=[f"s_{k}" for k in range(3)])
    notifier.secrets |= set(SECRETS)
    team.answer_next(Answer(status=500))
    daemon = await notifier.daemon()

    await team.told(3)
    assert (await daemon.stop()).status == 0

    requests = team.received.entries
    assert len(requests) == 4
    assert all(len(each.event_ids) == 1 for each in requests), "signed webhooks are never merged"
    assert all(each.headers["webhook-id"] == each.event_id for each in requests)
    assert sum(each.event_id == requests[0].event_id for each in requests) == 2, "the same id at the second attempt"
    last = requests[-1]
    new, old, wrong, changed = await asyncio.gather(
        *(verdict(secret, last.raw, dict(last.headers)) for secret in (*SECRETS, WRONG_SECRET)),
        verdict(SECRETS[0], last.raw.replace(b"ready", b"Ready"), dict(last.headers)),
    )
    assert new == old
    assert new["verified"]["type"] == "snapshot.ready"
    assert new["verified"]["data"]["event_id"] == last.event_id
    assert "refused" in wrong
    assert "refused" in changed

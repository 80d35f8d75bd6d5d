"""A secret is never printed, logged or stored, whatever goes wrong."""

import asyncio
import json

from aiohttp import web

from acceptance.bright_data import BrightData
from acceptance.far_sides import Answer, Receiver, free_port, serving
from acceptance.harness import TOKEN, Notifier
from notifier.brightdata.simulator import life as lives

SLACK_TOKENS = ("T0CANARY99", "B0CANARY88", "canarySlackSecret0123456")
PASSWORD = "canary+mail/password"
HOOK = "canary-hook-path-0123456789"

COMMANDS = (
    ("config", "show", "--json"),
    ("status",),
    ("delivery", "list"),
    ("delivery", "show", "1"),
    ("delivery", "show", "2", "--json"),
    ("channel", "list"),
    ("channel", "test", "hook"),
    ("channel", "test", "mail", "--json"),
)


async def test_no_secret_is_printed_logged_or_stored(api: BrightData, team: Receiver, notifier: Notifier) -> None:
    """Not in the most talkative log, not in any command's output, not in the database; not even when others repeat it.

    The web service repeats the path it was called at, Slack's proxy and the mail server refuse the connection.
    """
    quoted = "canary%2Bmail%2Fpassword"
    secrets = {TOKEN, *SLACK_TOKENS, PASSWORD, quoted, HOOK}
    notifier.secrets |= secrets
    notifier.environment["HTTPS_PROXY"] = f"http://127.0.0.1:{free_port()}"
    api.add("s_1", lives.complete(seconds=0))
    api.add("s_2", lives.failed(seconds=60, message=f"the collector was called with {TOKEN}"))
    notifier.configure(
        api=api.url,
        channels={
            "hook": f"{team.url}/{HOOK}",
            "slack": f"slack://{'/'.join(SLACK_TOKENS)}",
            "mail": f"mailto://robot:{quoted}@127.0.0.1:{free_port()}?from=robot@example.com&to=ops@example.com",
        },
        watches=["s_1", "s_2"],
    )
    team.usual = Answer(status=500, body=f"no such hook: {team.url}/{HOOK} (json://127.0.0.1/hook/{HOOK})")
    daemon = await notifier.daemon("--log-level", "debug")
    for channel in ("hook", "slack", "mail"):
        await daemon.wait_for_log("delivery.retrying", channel=channel)
    team.usual = Answer(body=f"taken at /hook/{HOOK}")
    api.advance(60)
    ended = await daemon.wait_for_log("transition.committed", snapshot="s_2", status="failed")
    await daemon.wait_for_log("delivery.delivered", channel="hook", event_id=ended["event_id"])

    outputs = await asyncio.gather(*(notifier.command(*command) for command in COMMANDS))

    stored = b"".join(path.read_bytes() for path in notifier.database_files())
    assert b"s_1" in stored
    for secret in secrets:
        assert secret.encode() not in stored, f"{secret} is in the database"
    assert (await daemon.stop()).status == 0
    for secret in secrets:
        for output in (daemon.output, *(each.stdout + each.stderr for each in outputs)):
            assert secret not in output, f"{secret} is in: {output}"
    assert not any(TOKEN in each.message + each.title for each in team.received.entries)
    shown = json.loads(outputs[0].stdout)
    assert shown["api"]["token"] == "***"
    assert {each["url"].partition("://")[2] for each in shown["channels"].values()} == {"***"}


async def test_a_token_that_the_api_refuses_and_repeats_is_not_shown(team: Receiver, notifier: Notifier) -> None:
    """An API that answers 401 with the token in its body makes a log line without it."""
    wrong = "canary-wrong-token-77"
    notifier.secrets.add(wrong)

    async def repeat(request: web.BaseRequest) -> web.Response:
        return web.Response(status=401, text=f"not a good token: {request.headers['Authorization']}")

    async with serving(repeat) as port:
        api = f"http://127.0.0.1:{port}"
        notifier.configure(api=api, channels={"team": team.url}, watches=["s_1"], api_options={"token": wrong})
        ended = await notifier.command("run", "--once", "--log-level", "debug")
    assert ended.status == 1
    line = next(json.loads(each) for each in ended.stderr.splitlines() if "look.unclear" in each)
    assert line["reason"] == "unauthorised"
    assert "***" in line["detail"]

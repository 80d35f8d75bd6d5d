"""A secret is never printed, logged or stored, whatever goes wrong."""

import asyncio
import base64
import json
import os
import sys
from pathlib import Path
from urllib.parse import quote, quote_plus

import yaml
from aiohttp import web
from support.ports import free_port
from support.web_server import serving

from acceptance.bright_data import BrightData
from acceptance.harness import TOKEN, Notifier
from acceptance.http_pages import Pages, pages_of
from acceptance.receivers import Answer, Receiver
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


async def test_no_canary_leaves_any_place_where_a_secret_can_stand(
    api: BrightData, team: Receiver, notifier: Notifier
) -> None:
    """Token, channel URLs, a password, webhook secrets, proxies, the pages' token, the heartbeat: none is seen again.

    Not in a log, a page, a metric, a database row, a message, any command's output with or without `--json`, nor in
    what is said when the program fails. Everything that can fail does: its text is what gives secrets away.
    """
    words = {name: f"canary-{name}-5f4dcc3b5aa765d61d83" for name in ("hook", "web", "page", "beat", "proxy")}
    signing = [f"whsec_{base64.b64encode(f'canary signing {number} 0123456'.encode()).decode()}" for number in (1, 2)]
    secrets = {TOKEN, PASSWORD, *SLACK_TOKENS, *words.values(), *signing, *(each[6:] for each in signing)}
    # What the service repeats: the header that `json://user:password@` makes, in the forms of error pages.
    basic = base64.b64encode(f"robot:{PASSWORD}".encode()).decode()
    bearer = base64.b64encode(f"x {TOKEN}".encode()).decode()
    repeated = [
        basic,
        quote(basic, safe=""),
        bearer,
        PASSWORD.encode().hex(),
        *(f"&#{ord(char)};" for char in PASSWORD),
    ]
    secrets |= {basic[12:], basic[12:].rstrip("="), bearer[8:20], PASSWORD.encode().hex(), "&#99;&#97;"}
    notifier.secrets |= secrets
    dead = f"127.0.0.1:{free_port()}"
    notifier.environment["HTTPS_PROXY"] = f"http://robot:{words['proxy']}@{dead}"
    token_file = notifier.folder / "token"
    token_file.write_text(TOKEN)
    api.add("s_1", lives.failed(seconds=0, message=f"the collector was called with {TOKEN}"))
    notifier.configure(
        api=api.url,
        api_options={"token": None, "token_file": str(token_file)},
        channels={
            "hook": f"{team.url.replace('://', f'://robot:{quote_plus(PASSWORD)}@')}/{words['hook']}",
            "slack": f"slack://{'/'.join(SLACK_TOKENS)}",
            "mail": f"mailto://robot:{quote_plus(PASSWORD)}@{dead}?from=robot@example.com&to=ops@example.com",
            "signed": {
                "webhook": f"http://{dead}/{words['web']}",
                "secret": signing,
                "allow_private": True,
            },
        },
        watches=["s_1"],
        operators=["hook"],
        http={"listen": "127.0.0.1:0", "token": words["page"]},
        heartbeat={"url": f"http://{dead}/{words['beat']}", "every": "10s"},
    )
    config = yaml.safe_load(notifier.config.read_text("utf-8"))
    del config["api"]["token"]
    notifier.config.write_text(yaml.safe_dump(config), "utf-8")
    body = f"{team.url}/{words['hook']} said no to {words['hook']}: {' '.join(repeated[:4])} {''.join(repeated[4:])}"
    team.usual = Answer(status=500, body=body)
    daemon = await notifier.daemon("--log-level", "debug")
    pages = await pages_of(daemon, words["page"])
    for channel in ("hook", "slack", "mail", "signed"):
        await daemon.wait_for_log("delivery.retrying", channel=channel)
    await daemon.wait_for_log("heartbeat.failed")

    shown = [await pages.get(path) for path in ("/", "/healthz", "/readyz", "/metrics", f"/{words['page']}")]
    shown.append(await Pages(pages.address, "wrong").get("/metrics"))
    shown.append(await pages.get("/readyz", Accept="application/json"))
    commands = [
        *(command for command in COMMANDS if command[0] != "channel"),
        *(("channel", "test", channel, *json) for channel in ("hook", "slack", "signed") for json in ((), ("--json",))),
        *(("healthcheck", *json) for json in ((), ("--json",))),
        ("config", "show"),
        ("config", "diff", "--json"),
        ("watch", "list", "--json"),
        ("watch", "show", "s_1", "--json"),
        ("replay", "--since", "1d", "--json"),
        ("wait", "s_1", "--json"),
        ("download", "s_1", "--json"),
    ]
    outputs = [await notifier.command(*command) for command in commands]
    stored = b"".join(path.read_bytes() for path in notifier.database_files())
    assert (await daemon.stop()).status == 0
    broken = notifier.config.read_text("utf-8").replace("http:", "htpp:").replace("every: 10s", "every: soon")
    notifier.config.write_text(broken, "utf-8")
    outputs += [await notifier.command("config", "check"), await notifier.command("config", "check", "--json")]

    texts = [daemon.output, *(page.text for page in shown), *(each.stdout + each.stderr for each in outputs)]
    texts += [f"{each.title} {each.message}" for each in team.received.entries]
    assert b"s_1" in stored
    for secret in secrets:
        assert secret.encode() not in stored, f"{secret} is in the database"
        for text in texts:
            assert secret not in text, f"{secret} is in: {text}"


async def test_a_fault_of_the_program_is_told_without_secrets(
    api: BrightData, team: Receiver, notifier: Notifier
) -> None:
    """Neither the sentence that a user sees nor the traceback that a developer asks for has one."""
    notifier.program = (sys.executable, "-m", "acceptance.raising_daemon")
    notifier.environment["PYTHONPATH"] += os.pathsep + str(Path(__file__).parents[1])
    notifier.environment |= {"NOTIFIER_DEBUG": "1", "NOTIFIER_TEST_SAYS": f"{TOKEN} and {team.url}/{HOOK}"}
    api.add("s_1", lives.complete(seconds=0))
    notifier.configure(api=api.url, channels={"hook": f"{team.url}/{HOOK}"}, watches=["s_1"])
    for arguments in (("run",), ("run", "--once")):
        ended = await (await notifier.start(*arguments)).ended()
        assert ended.status == 1
        assert "a fault beside *** and ***" in ended.stderr
        assert "Traceback" in ended.stderr
        assert TOKEN not in ended.stderr
        assert HOOK not in ended.stderr
    notifier.forget()  # a traceback was asked for


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
    line = next(json.loads(each) for each in ended.stderr.splitlines() if "poll.unclear" in each)
    assert line["reason"] == "unauthorised"
    assert "***" in line["detail"]

"""A service that repeats what it was sent, in any form, gives no secret away, whatever the service is."""

import asyncio
import base64
import html
import json
import quopri
from collections.abc import Callable
from urllib.parse import quote

import pytest
from aiohttp import web
from support.web_server import serving

from notifier.channels.apprise.channel import AppriseChannel
from notifier.config.secrets import proxy_passwords, secrets_in
from notifier.core.delivery.model import Message, OutcomeKind
from notifier.core.words import MASK
from notifier.telemetry.redaction import Redactor

CANARY = "canary7f3a+secret/5d"
QUOTED = quote(CANARY, safe="")
TOKEN = "canary7f3a5d41402abc4b2a76b9719d911017c592"

SERVICES = {
    "json": f"json://robot:{QUOTED}@{{}}/hook",
    "xml": f"xml://robot:{QUOTED}@{{}}/hook",
    "form": f"form://robot:{QUOTED}@{{}}/hook",
    "a header": f"json://{{}}/hook?+X-Key={TOKEN}",
    "a path": f"json://{{}}/{TOKEN}",
    "ntfy": f"ntfy://robot:{QUOTED}@{{}}/topic?mode=private",
    "apprise": f"apprise://{{}}/{TOKEN}",
    "gotify": f"gotify://{{}}/{TOKEN[:15]}",
    "mattermost": f"mmost://{{}}/{TOKEN[:26]}",
    "rocket.chat": f"rocket://robot:{QUOTED}@{{}}/room",
    "matrix": f"matrix://robot:{QUOTED}@{{}}/%23room",
    "nextcloud": f"ncloud://robot:{QUOTED}@{{}}/user",
    "home assistant": f"hassio://{{}}/{TOKEN}",
    "kodi": f"kodi://robot:{QUOTED}@{{}}",
}

FORMS: dict[str, Callable[[str], str]] = {
    "as it came": str,
    "JSON": json.dumps,
    "HTML": html.escape,
    "percent-encoded": lambda text: quote(text, safe=""),
    "quoted-printable": lambda text: quopri.encodestring(text.encode()).decode(),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
}


def traces(secret: str) -> set[str]:
    """What no text may have: the secret's beginning in every form, and those parts of its base64 that do not vary."""
    found = {secret, secret[:10], quote(secret, safe=""), secret.encode().hex()}
    for before in range(3):
        encoded = base64.b64encode(b"x" * before + secret[:12].encode()).decode().rstrip("=")
        found.add(encoded[(before * 8 + 5) // 6 : (before + 12) * 8 // 6])
    return found


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("form", FORMS)
async def test_an_echoed_request_reveals_no_secret(service: str, form: str) -> None:
    """Path and headers of the request, and each header's value decoded; the beginning of the answer is kept."""

    asked = 0

    async def repeat(request: web.BaseRequest) -> web.Response:
        nonlocal asked
        asked += 1
        await request.read()
        told = [
            request.path_qs,
            *(f"{name}: {value}" for name, value in request.headers.items() if name != "User-Agent"),
        ]
        return web.Response(status=500, text="\n".join(FORMS[form](each) for each in told)[:450])

    async with serving(repeat) as port:
        url = SERVICES[service].format(f"127.0.0.1:{port}")
        redact = Redactor(secrets_in(urls=[url]))
        outcome = await AppriseChannel(name="far", url=url, redact=redact).send(Message(title="t", body="evt_1"))
    assert asked
    assert outcome.kind is OutcomeKind.RETRY
    for trace in traces(CANARY) | traces(TOKEN):
        assert trace not in outcome.detail


@pytest.mark.parametrize("mode", ["PLAIN", "LOGIN"])
async def test_a_mail_server_that_echoes_the_login_reveals_no_password(mode: str) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        said: list[bytes] = []
        while line := await reader.readline():
            said.append(line.strip())
            if line.startswith(b"ehlo"):
                writer.write(b"250-far\r\n250 AUTH " + mode.encode() + b"\r\n")
            elif len(said) < (4 if mode == "LOGIN" else 2):
                writer.write(b"334 UGFzc3dvcmQ6\r\n")
            else:
                writer.write(b"535 no: " + b" ".join(said[1:]) + b"\r\n")
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    url = f"mailto://robot:{QUOTED}@127.0.0.1:{port}?mode=insecure&from=a@example.com&to=b@example.com"
    redact = Redactor(secrets_in(urls=[url]))
    outcome = await AppriseChannel(name="far", url=url, redact=redact).send(Message(title="t", body="evt_1"))
    server.close()
    assert outcome.reason == "smtp_auth"
    assert MASK in outcome.detail
    for trace in traces(CANARY):
        assert trace not in outcome.detail


def test_the_password_of_a_proxy_is_a_secret() -> None:
    environ = {"HTTPS_PROXY": f"http://robot:{QUOTED}@proxy:3128", "no_proxy": "localhost", "http_proxy": "proxy:3128"}
    redact = Redactor(proxy_passwords(environ))
    encoded = base64.b64encode(f"robot:{CANARY}".encode()).decode()
    assert redact(f"Basic {encoded} {CANARY} {QUOTED}") == f"Basic {MASK} {MASK} {MASK}"

"""A mail server gets user and password unchanged in any script: in UTF-8, as RFC 4616 says."""

import asyncio
import functools
from typing import Any
from urllib.parse import quote

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from notifier.channels.apprise.channel import AppriseChannel
from notifier.core.delivery.model import Message, OutcomeKind


class Taking:
    """Takes every mail."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        return "250 OK"


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize(("user", "password"), [("robot", "pässwörd ✓"), ("größe", "日本語"), ("robot", "plain")])
async def test_a_password_in_any_script_arrives_as_it_is(mechanism: str, user: str, password: str) -> None:
    """`smtplib` encodes them as ASCII, and raised for these."""
    seen: list[tuple[bytes, bytes]] = []

    def authenticate(server: Any, session: Any, envelope: Any, method: str, login: LoginPassword) -> AuthResult:
        seen.append((login.login, login.password))
        return AuthResult(success=True)

    loop = asyncio.get_running_loop()
    protocol = functools.partial(
        SMTP,
        Taking(),
        hostname="localhost",
        auth_require_tls=False,
        authenticator=authenticate,
        auth_exclude_mechanism=[{"PLAIN": "LOGIN", "LOGIN": "PLAIN"}[mechanism]],
        loop=loop,
    )
    server = await loop.create_server(protocol, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        url = f"mailto://{quote(user)}:{quote(password)}@127.0.0.1:{port}?mode=insecure&from=a@example.com&to=b@example.com"
        outcome = await AppriseChannel(name="mail", url=url, redact=str).send(Message(title="hello", body="evt_1"))
    finally:
        server.close()
    assert outcome.kind is OutcomeKind.DELIVERED, outcome
    assert seen == [(user.encode(), password.encode())]

"""Mail servers in the process of the test: one with TLS and a login, and a plain one that can be in trouble."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from acceptance.harness import Journal


class ListeningServer:
    """Listens for connections, each of which gets a protocol of its own."""

    host = "127.0.0.1"
    port = 0

    @asynccontextmanager
    async def listening(self, port: int = 0) -> AsyncIterator[Self]:
        """Listen as long as the block lasts."""
        server = await asyncio.get_running_loop().create_server(self._protocol, self.host, port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            await server.wait_closed()

    def _protocol(self) -> SMTP:
        raise NotImplementedError


class MailServer(ListeningServer):
    """A mail server that takes mail only over STARTTLS and only from one user."""

    host = "localhost"

    def __init__(self, tls: ssl.SSLContext, user: str, password: str) -> None:
        self.mails: Journal[EmailMessage] = Journal("the mail server")
        self._tls = tls
        self._login = LoginPassword(user.encode(), password.encode())

    def _protocol(self) -> SMTP:
        return SMTP(
            self,
            hostname="localhost",
            tls_context=self._tls,
            require_starttls=True,
            auth_required=True,
            authenticator=self._authenticate,
            enable_SMTPUTF8=True,
            loop=asyncio.get_running_loop(),
        )

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: LoginPassword
    ) -> AuthResult:
        return AuthResult(success=login == self._login, handled=False)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take one mail; aiosmtpd calls this by its name."""
        assert session.ssl is not None
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.add(mail)
        return "250 OK"


class PlainMailServer(ListeningServer):
    """A mail server without TLS that can be in trouble: `refused` recipients, a wrong password, a cut in DATA."""

    def __init__(self, password: str | None = None) -> None:
        """Take mail only with that password; from everybody, without one."""
        self.mails: Journal[tuple[str, ...]] = Journal("the plain mail server")
        self.refused: set[str] = set()
        self.cuts = 0
        self._password = password

    def _protocol(self) -> SMTP:
        return SMTP(
            self,
            hostname="localhost",
            auth_require_tls=False,
            authenticator=self._authenticate,
            loop=asyncio.get_running_loop(),
        )

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: LoginPassword
    ) -> AuthResult:
        right = self._password in (None, login.password.decode())
        message = None if right else "535 5.7.8 this password ran out on Monday"
        return AuthResult(success=right, handled=False, message=message)

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient, or refuse it; aiosmtpd calls this by its name."""
        if address in self.refused:
            return f"550 5.1.1 nobody here is called {address}"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take one mail, or hang up with the mail in hand."""
        self.mails.add(tuple(envelope.rcpt_tos))
        if self.cuts:
            self.cuts -= 1
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return "250 OK"

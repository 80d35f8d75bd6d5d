"""Observes `smtplib`'s connections and replies, and sends a mail to each recipient once.

Servers are trusted by the same authorities as everywhere, and get user and password in UTF-8 (RFC 4616), where
`smtplib` allows only ASCII.
"""

import re
import smtplib
import ssl
from collections.abc import Sequence
from email.header import Header, decode_header, make_header
from functools import wraps
from typing import Any

from notifier.channels.apprise.exchange import current
from notifier.network import tls_context

_START_MAIL_INPUT = 354
"""The reply to DATA, after which the mail is sent (RFC 5321, 4.2.3)."""


def install() -> None:
    """Patches `smtplib`, once per process."""
    if not hasattr(smtplib.SMTP.getreply, "notifier_observes"):
        smtplib.SMTP.getreply = _observed_reply(smtplib.SMTP.getreply)  # type: ignore[method-assign]
        smtplib.SMTP.connect = _observed_connect(smtplib.SMTP.connect)  # type: ignore[method-assign]
        smtplib.SMTP.sendmail = _to_each(_with_folded_subject(smtplib.SMTP.sendmail))  # type: ignore[method-assign]
        smtplib.SMTP.starttls = _with_our_authorities(smtplib.SMTP.starttls)  # type: ignore[method-assign]
        smtplib.SMTP_SSL.__init__ = _with_our_authorities(smtplib.SMTP_SSL.__init__)  # type: ignore[method-assign]
        smtplib.SMTP.login = _in_utf8(smtplib.SMTP.login)  # type: ignore[method-assign]
        smtplib.SMTP.auth = _answering_in_utf8(smtplib.SMTP.auth)  # type: ignore[method-assign]


def _observed_reply(getreply: Any) -> Any:
    @wraps(getreply)
    def observed(connection: smtplib.SMTP) -> tuple[int, bytes]:
        exchange = current.get()
        if exchange is None:
            return getreply(connection)  # type: ignore[no-any-return]
        try:
            reply: tuple[int, bytes] = getreply(connection)
        except OSError as error:  # smtplib's own exceptions are OSErrors too
            exchange.lost = error
            raise
        exchange.handed_over = reply[0] == _START_MAIL_INPUT
        # The reply to QUIT or RSET says nothing of the message.
        if reply[0] >= 400:
            exchange.smtp_code = reply[0]
            exchange.answer = reply[1].decode(errors="replace")
        return reply

    observed.notifier_observes = True  # type: ignore[attr-defined]
    return observed


def _observed_connect(connect: Any) -> Any:
    @wraps(connect)
    def observed(connection: smtplib.SMTP, *arguments: Any, **options: Any) -> tuple[int, bytes]:
        try:
            reply: tuple[int, bytes] = connect(connection, *arguments, **options)
        except OSError as error:
            exchange = current.get()
            if exchange is not None:
                exchange.lost = error
            raise
        return reply

    return observed


def _with_our_authorities(secure: Any) -> Any:
    @wraps(secure)
    def observed(connection: smtplib.SMTP, *arguments: Any, **options: Any) -> Any:
        context = options.get("context")
        if current.get() is not None and context is not None and context.verify_mode == ssl.CERT_REQUIRED:
            options["context"] = tls_context("smtplib")
        return secure(connection, *arguments, **options)

    return observed


class _Utf8(str):
    """A text that `smtplib` would encode as ASCII."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return super().encode("utf-8", errors)


def _in_utf8(login: Any) -> Any:
    @wraps(login)
    def observed(connection: smtplib.SMTP, user: str, password: str, **options: Any) -> Any:
        if current.get() is None:
            return login(connection, user, password, **options)
        return login(connection, _Utf8(user), _Utf8(password), **options)

    return observed


def _answering_in_utf8(auth: Any) -> Any:
    @wraps(auth)
    def observed(connection: smtplib.SMTP, mechanism: str, authobject: Any, **options: Any) -> Any:
        def answer(*challenge: Any) -> str | None:
            said: str | None = authobject(*challenge)
            return None if said is None else _Utf8(said)

        return auth(connection, mechanism, answer, **options)

    return observed


def _with_folded_subject(sendmail: Any) -> Any:
    """Apprise writes a subject as one encoded word, however long, and servers refuse lines of more than 998 octets."""

    @wraps(sendmail)
    def folded(connection: smtplib.SMTP, from_addr: str, to_addrs: Any, msg: Any, *rest: Any, **options: Any) -> Any:
        if current.get() is not None and isinstance(msg, str):
            msg = fold_subject(msg)
        return sendmail(connection, from_addr, to_addrs, msg, *rest, **options)

    return folded


def fold_subject(mail: str) -> str:
    """Returns the mail with its subject in encoded words of at most 75 octets (RFC 2047, 2), one per line."""
    end = re.search(r"\r?\n\r?\n", mail)
    head = mail if end is None else mail[: end.start()]
    return _SUBJECT.sub(_folded, head, count=1) + mail[len(head) :]


_SUBJECT = re.compile(r"^Subject: (=\?[^\r\n]{65,})(\r?\n|\Z)(?![ \t])", re.MULTILINE | re.IGNORECASE)


def _folded(found: re.Match[str]) -> str:
    end = found[2] or "\n"
    try:
        text = str(make_header(decode_header(found[1])))
    except (ValueError, LookupError):
        return found[0]
    value = Header(text, "utf-8", header_name="Subject").encode(maxlinelen=76, linesep=end)
    return f"Subject: {value}{found[2]}"


def _to_each(sendmail: Any) -> Any:
    """Sends one transaction for each recipient.

    Otherwise a mail with several recipients is one transaction. If the server refuses one of them, Apprise reports the
    mail as failed, and the others would get it again at every further attempt.
    """

    @wraps(sendmail)
    def each(
        connection: smtplib.SMTP, from_addr: str, to_addrs: Sequence[str] | str, msg: Any, *rest: Any, **options: Any
    ) -> dict[str, tuple[int, bytes]]:
        exchange = current.get()
        if exchange is None or isinstance(to_addrs, str) or len(to_addrs) == 1:
            return sendmail(connection, from_addr, to_addrs, msg, *rest, **options)  # type: ignore[no-any-return]
        refused: dict[str, tuple[int, bytes]] = {}
        together = sorted(to_addrs)
        for address in to_addrs:
            target = ("mail", together, address)  # a copy is sent with the mail of each recipient
            if target in exchange.reached:
                continue
            try:
                sendmail(connection, from_addr, [address], msg, *rest, **options)
            except smtplib.SMTPRecipientsRefused as error:
                refused |= error.recipients
                if connection.sock is None:  # 421: the server closed the connection with its refusal
                    raise
            else:
                exchange.reached.add(target)
        return refused

    return each

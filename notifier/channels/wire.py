"""What really happened on the wire while Apprise sent a message.

Apprise says only "sent" or "failed". To tell a wrong token from a busy server, this module watches the two doors that
nearly all of its plugins use, `requests.Session.send` and `smtplib`'s replies, and keeps what came through them in a
context variable: one `Wire` for each send, whatever thread it runs in.
"""

import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import Any

import requests


@dataclass(kw_only=True, slots=True)
class Wire:
    """The last exchange of one send: an HTTP answer, the exception that stopped it, or an SMTP reply.

    `answer` is whole: who cuts it must redact it first, for a cut through a secret leaves a part of it.
    """

    http_status: int | None = None
    retry_after: str | None = None
    answer: str = ""
    error: requests.RequestException | None = None
    smtp_code: int | None = None


_current: ContextVar[Wire | None] = ContextVar("wire", default=None)


@contextmanager
def watching() -> Iterator[Wire]:
    """What goes over the wire inside this block, in this context."""
    _install()
    wire = Wire()
    token = _current.set(wire)
    try:
        yield wire
    finally:
        _current.reset(token)


def _install() -> None:
    """Put the watcher in both doors; once is enough."""
    if not hasattr(requests.Session.send, "notifier_watches"):
        requests.Session.send = _watched_http(requests.Session.send)  # type: ignore[method-assign]
    if not hasattr(smtplib.SMTP.getreply, "notifier_watches"):
        smtplib.SMTP.getreply = _watched_smtp(smtplib.SMTP.getreply)  # type: ignore[method-assign]


def _watched_http(send: Any) -> Any:
    @wraps(send)
    def watched(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        wire = _current.get()
        if wire is None:
            return send(session, request, **options)  # type: ignore[no-any-return]
        wire.http_status = wire.retry_after = wire.error = None
        try:
            response: requests.Response = send(session, request, **options)
        except requests.RequestException as error:
            wire.error = error
            raise
        wire.http_status = response.status_code
        wire.retry_after = response.headers.get("Retry-After")
        if not options.get("stream"):
            wire.answer = response.text
        return response

    watched.notifier_watches = True  # type: ignore[attr-defined]
    return watched


def _watched_smtp(getreply: Any) -> Any:
    @wraps(getreply)
    def watched(connection: smtplib.SMTP) -> tuple[int, bytes]:
        reply: tuple[int, bytes] = getreply(connection)
        wire = _current.get()
        # The reply to QUIT or RSET says nothing of the message.
        if wire is not None and reply[0] >= 400:
            wire.smtp_code = reply[0]
            wire.answer = reply[1].decode(errors="replace")
        return reply

    watched.notifier_watches = True  # type: ignore[attr-defined]
    return watched

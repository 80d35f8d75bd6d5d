"""What really happened on the wire while Apprise sent a message.

Apprise says only "sent" or "failed". To tell a wrong token from a busy server, this module watches the two doors that
nearly all of its plugins use, `requests.Session.send` and `smtplib`'s connections and replies, and keeps what came
through them in a context variable: one `Wire` for each send, whatever thread it runs in.

It also bounds them: a redirect is not followed (a POST would arrive elsewhere as a GET, and be called delivered), and
of an answer only so much is read, for so long.
"""

import smtplib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import Any

import requests
import urllib3


@dataclass(kw_only=True, slots=True)
class Wire:
    """The last exchange of one send: an HTTP answer, the exception that stopped it, or an SMTP reply.

    `smtp_error` is what broke an SMTP connection. `smtp_handed_over` is true from the moment in which the mail server
    is ready for the mail until it says what became of it.

    `answer` is whole: who cuts it must redact it first, for a cut through a secret leaves a part of it.
    """

    http_status: int | None = None
    retry_after: str | None = None
    answer: str = ""
    error: requests.RequestException | None = None
    smtp_code: int | None = None
    smtp_error: OSError | None = None
    smtp_handed_over: bool = False


LARGEST_ANSWER = 64 * 1024
LONGEST_ANSWER_S = 10.0
"""What is read of an answer's body, in bytes and in seconds; the status line has said the rest."""

_START_MAIL_INPUT = 354
"""The reply to DATA after which the mail goes out (RFC 5321, 4.2.3)."""

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
        smtplib.SMTP.connect = _watched_smtp_connect(smtplib.SMTP.connect)  # type: ignore[method-assign]


def _watched_http(send: Any) -> Any:
    @wraps(send)
    def watched(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        wire = _current.get()
        if wire is None:
            return send(session, request, **options)  # type: ignore[no-any-return]
        wire.http_status = wire.retry_after = wire.error = None
        try:
            response: requests.Response = send(
                session, request, **(options | {"stream": True, "allow_redirects": False})
            )
        except requests.RequestException as error:
            wire.error = error
            raise
        wire.http_status = response.status_code
        wire.retry_after = response.headers.get("Retry-After")
        if not options.get("stream"):
            wire.answer = _read(response).decode("utf-8", "replace")
        return response

    watched.notifier_watches = True  # type: ignore[attr-defined]
    return watched


def _read(response: requests.Response) -> bytes:
    """The beginning of the body; it stands for the whole one from then on, and the connection is closed."""
    body = bytearray()
    end = time.monotonic() + LONGEST_ANSWER_S
    try:
        while len(body) < LARGEST_ANSWER and time.monotonic() < end:
            chunk = response.raw.read1(LARGEST_ANSWER - len(body), decode_content=True)
            if not chunk:
                break
            body += chunk
    except (urllib3.exceptions.HTTPError, OSError) as error:
        body += f" ({type(error).__name__})".encode()  # the status line has come, and says what became of the message
    finally:
        response.close()
    # What `requests` itself keeps when it has read a body.
    response._content = bytes(body[:LARGEST_ANSWER])
    response._content_consumed = True
    return response._content


def _watched_smtp(getreply: Any) -> Any:
    @wraps(getreply)
    def watched(connection: smtplib.SMTP) -> tuple[int, bytes]:
        wire = _current.get()
        if wire is None:
            return getreply(connection)  # type: ignore[no-any-return]
        try:
            reply: tuple[int, bytes] = getreply(connection)
        except OSError as error:  # smtplib's own exceptions are OSErrors too
            wire.smtp_error = error
            raise
        wire.smtp_handed_over = reply[0] == _START_MAIL_INPUT
        # The reply to QUIT or RSET says nothing of the message.
        if reply[0] >= 400:
            wire.smtp_code = reply[0]
            wire.answer = reply[1].decode(errors="replace")
        return reply

    watched.notifier_watches = True  # type: ignore[attr-defined]
    return watched


def _watched_smtp_connect(connect: Any) -> Any:
    @wraps(connect)
    def watched(connection: smtplib.SMTP, *arguments: Any, **options: Any) -> tuple[int, bytes]:
        try:
            reply: tuple[int, bytes] = connect(connection, *arguments, **options)
        except OSError as error:
            wire = _current.get()
            if wire is not None:
                wire.smtp_error = error
            raise
        return reply

    return watched

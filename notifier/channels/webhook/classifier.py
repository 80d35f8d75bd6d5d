"""Classifies a webhook request: delivered, retry, permanent or uncertain.

The reasons are the same words as for an Apprise send (`notifier.channels.apprise.classifier`).
"""

import errno
import ssl
from datetime import datetime

import aiohttp

from notifier.channels.http_answers import is_temporary
from notifier.channels.webhook.addresses import PrivateAddress
from notifier.core.delivery.model import Outcome, OutcomeKind
from notifier.core.delivery.retry_pauses import LONGEST_RETRY_AFTER
from notifier.core.retry_after import parse_retry_after
from notifier.network import cure


def answered(
    *, status: int, retry_after_header: str | None, location: str | None, answer: str, now: datetime
) -> Outcome:
    """Returns the outcome of an answer. Only the status line decides.

    Args:
        status: of the answer.
        retry_after_header: its `Retry-After`.
        location: its `Location`.
        answer: the part of its body that was read.
        now: turns an HTTP date into a pause.
    """
    reason = f"http_{status}"
    if 200 <= status < 300:
        return Outcome(kind=OutcomeKind.DELIVERED, reason=reason, detail=answer)
    if status < 400:
        # Standard Webhooks: a redirect is a failure. The signed body goes only to the configured address.
        where = f" to {location}" if location else ""
        return Outcome(kind=OutcomeKind.PERMANENT, reason=reason, detail=f"a redirect{where}, which is not followed")
    return Outcome(
        kind=OutcomeKind.RETRY if is_temporary(status) else OutcomeKind.PERMANENT,
        reason=reason,
        detail=answer,
        retry_after=parse_retry_after(retry_after_header, now, LONGEST_RETRY_AFTER),
    )


def failed(error: Exception) -> Outcome:
    """Returns the outcome of a request without an answer. Only one that may have been sent is uncertain.

    httpx-aiohttp 0.2 maps aiohttp's exceptions only in part: some come raw, and a server that hangs up is called a
    connect timeout. What aiohttp itself raised is in `__cause__`, and only that counts.
    """
    cause = error.__cause__ if isinstance(error.__cause__, (aiohttp.ClientError, OSError)) else error
    match cause:
        case aiohttp.ClientConnectorError(os_error=PrivateAddress() as refused):
            return Outcome(kind=OutcomeKind.PERMANENT, reason="private_address", detail=str(refused.strerror))
        case aiohttp.InvalidURL():
            return Outcome(kind=OutcomeKind.PERMANENT, reason="bad_url", detail="aiohttp cannot use this address")
        case aiohttp.ClientConnectorDNSError():
            kind, reason = OutcomeKind.RETRY, "dns"
        case aiohttp.ConnectionTimeoutError() | aiohttp.ClientConnectorError(os_error=TimeoutError()):
            kind, reason = OutcomeKind.RETRY, "connect_timeout"
        case aiohttp.ClientSSLError() | ssl.CertificateError():
            return Outcome(kind=OutcomeKind.RETRY, reason="tls", detail=f"{_words(cause)}; {cure()}")
        case aiohttp.ClientConnectorError(os_error=ConnectionRefusedError()):
            kind, reason = OutcomeKind.RETRY, "refused"
        case aiohttp.ClientConnectorError():
            kind, reason = OutcomeKind.RETRY, "connection"
        case TimeoutError():
            return Outcome(kind=OutcomeKind.UNCERTAIN, reason="read_timeout", detail="no answer in time")
        case aiohttp.ClientResponseError():
            kind, reason = OutcomeKind.UNCERTAIN, "bad_answer"
        case OSError(errno=errno.EMSGSIZE):
            kind, reason = OutcomeKind.UNCERTAIN, "answer_too_large"
        case aiohttp.ClientError() | OSError():
            kind, reason = OutcomeKind.UNCERTAIN, "connection_lost"
        case _:
            kind, reason = OutcomeKind.UNCERTAIN, "unexpected"
    return Outcome(kind=kind, reason=reason, detail=_words(cause))


def _words(cause: Exception) -> str:
    """Returns the exception's type and, if it is the system's, its text: others quote the address, which is a
    secret."""
    os_error = cause.os_error if isinstance(cause, aiohttp.ClientConnectorError) else cause
    words = os_error.strerror if isinstance(os_error, OSError) else None
    return f"{type(cause).__name__}: {words}" if words else type(cause).__name__

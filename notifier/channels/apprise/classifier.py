"""Classifies a failed Apprise send by its network exchange: retry, permanent or uncertain."""

import smtplib
import socket
import ssl
from dataclasses import replace
from datetime import datetime

import requests
from urllib3.exceptions import (
    ConnectTimeoutError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    SSLError,
)

from notifier.channels.apprise.exchange import Exchange
from notifier.channels.http_answers import is_temporary
from notifier.core.delivery.model import Outcome, OutcomeKind
from notifier.core.delivery.retry_pauses import LONGEST_RETRY_AFTER
from notifier.core.retry_after import parse_retry_after
from notifier.network import cure

_SMTP_AUTH = frozenset({530, 534, 535, 538})


_CONNECTION_FAILURES: tuple[tuple[type[Exception] | tuple[type[Exception], ...], OutcomeKind, str], ...] = (
    (NameResolutionError, OutcomeKind.RETRY, "dns"),
    (NewConnectionError, OutcomeKind.RETRY, "refused"),
    ((ConnectTimeoutError, requests.exceptions.ConnectTimeout), OutcomeKind.RETRY, "connect_timeout"),
    ((SSLError, requests.exceptions.SSLError), OutcomeKind.RETRY, "tls"),
    (requests.exceptions.ProxyError, OutcomeKind.RETRY, "proxy"),
    (requests.exceptions.ReadTimeout, OutcomeKind.UNCERTAIN, "read_timeout"),
    # The connection stood, and the complete request may have been sent before it broke.
    (
        (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError),
        OutcomeKind.UNCERTAIN,
        "connection_lost",
    ),
)
"""What an exception means, specific types first. Only a request that may have been sent is uncertain."""


_MQTT_AUTH = frozenset({4, 5, 134, 135})
"""Bad user name or password, and not authorised: the answers to CONNECT of MQTT 3.1.1 (3.2.2.3) and 5 (3.2.2.2)."""

_MQTT_RETRY = frozenset({3, 136, 137, 151, 159})
"""Server unavailable or busy, quota, connection rate."""

_LOST: tuple[tuple[type[OSError] | tuple[type[OSError], ...], str], ...] = (
    (socket.gaierror, "dns"),
    (ConnectionRefusedError, "refused"),
    (ssl.SSLError, "tls"),
    (TimeoutError, "connect_timeout"),
    ((smtplib.SMTPServerDisconnected, ConnectionError), "connection_lost"),
)
"""Reasons for the end of a connection for mail or MQTT before the message was sent."""


def failure(exchange: Exchange, log: str, now: datetime) -> Outcome:
    """Returns the outcome of a send that Apprise reports as failed.

    Args:
        exchange: the last exchange.
        log: Apprise's own text, the detail if the service gave none.
        now: turns an HTTP date in `Retry-After` into a pause.
    """
    if exchange.error is not None:
        outcome = _connection_failure(exchange.error)
        return outcome if exchange.is_out else replace(outcome, kind=OutcomeKind.RETRY)
    if exchange.http_status is not None:
        return _http_failure(exchange, exchange.http_status, log, now)
    if exchange.mqtt_code is not None:
        auth = exchange.mqtt_code in _MQTT_AUTH
        reason = "mqtt_auth" if auth else f"mqtt_{exchange.mqtt_code}"
        kind = OutcomeKind.RETRY if exchange.mqtt_code in _MQTT_RETRY else OutcomeKind.PERMANENT
        return Outcome(kind=kind, reason=reason, detail=exchange.answer or log)
    if exchange.handed_over:
        reason = "read_timeout" if isinstance(exchange.lost, TimeoutError) else "connection_lost"
        return Outcome(kind=OutcomeKind.UNCERTAIN, reason=reason, detail=_words(exchange.lost) or log)
    if exchange.smtp_code is not None:
        permanent = exchange.smtp_code >= 500
        reason = "smtp_auth" if exchange.smtp_code in _SMTP_AUTH else f"smtp_{exchange.smtp_code}"
        kind = OutcomeKind.PERMANENT if permanent else OutcomeKind.RETRY
        return Outcome(kind=kind, reason=reason, detail=exchange.answer or log)
    if exchange.lost is not None:
        reason = next((each for kind, each in _LOST if isinstance(exchange.lost, kind)), "connection")
        return Outcome(kind=OutcomeKind.RETRY, reason=reason, detail=_words(exchange.lost))
    return Outcome(kind=OutcomeKind.RETRY, reason="failed", detail=log)


def _words(error: OSError | None) -> str:
    """Returns an exception's type and, if it is the system's, its text."""
    if error is None:
        return ""
    return f"{type(error).__name__}: {error.strerror}" if error.strerror else type(error).__name__


def _http_failure(exchange: Exchange, status: int, log: str, now: datetime) -> Outcome:
    temporary = is_temporary(status) or status < 300
    return Outcome(
        kind=OutcomeKind.RETRY if temporary else OutcomeKind.PERMANENT,
        reason=f"http_{status}",
        detail=exchange.answer or log,
        retry_after=parse_retry_after(exchange.retry_after, now, LONGEST_RETRY_AFTER),
    )


def _connection_failure(error: requests.RequestException) -> Outcome:
    cause: object = error.args[0] if error.args else None
    if isinstance(cause, MaxRetryError):
        cause = cause.reason
    for kinds, outcome_kind, reason in _CONNECTION_FAILURES:
        if isinstance(cause, kinds) or isinstance(error, kinds):
            detail = type(cause or error).__name__
            return Outcome(
                kind=outcome_kind, reason=reason, detail=f"{detail}; {cure()}" if reason == "tls" else detail
            )
    return Outcome(kind=OutcomeKind.RETRY, reason="connection", detail=type(error).__name__)

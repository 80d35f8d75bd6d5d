"""Outcomes of failed sends that no server on loopback can cause."""

import pytest
import requests
from support.fakes import START
from urllib3 import HTTPConnectionPool
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, ProtocolError

from notifier.channels.apprise.classifier import failure
from notifier.channels.apprise.exchange import Exchange
from notifier.core.delivery.model import Outcome, OutcomeKind


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        (421, OutcomeKind.RETRY, "smtp_421"),
        (450, OutcomeKind.RETRY, "smtp_450"),
        (535, OutcomeKind.PERMANENT, "smtp_auth"),
        (550, OutcomeKind.PERMANENT, "smtp_550"),
    ],
)
def test_the_first_digit_of_a_mail_servers_reply_decides(code: int, kind: OutcomeKind, reason: str) -> None:
    wire = Exchange(smtp_code=code, answer="no")
    assert failure(wire, "", START) == Outcome(kind=kind, reason=reason, detail="no")


def test_a_good_answer_that_apprise_calls_failed_is_retried() -> None:
    outcome = failure(Exchange(http_status=200, answer="{}"), "not ok", START)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.RETRY, "http_200")


def test_a_failure_without_an_exchange_is_retried_with_apprises_log() -> None:
    assert failure(Exchange(), "Failed to connect", START) == Outcome(
        kind=OutcomeKind.RETRY, reason="failed", detail="Failed to connect"
    )


POOL = HTTPConnectionPool("localhost")


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (
            requests.ConnectTimeout(MaxRetryError(POOL, "/", ConnectTimeoutError())),
            OutcomeKind.RETRY,
            "connect_timeout",
        ),
        (requests.exceptions.ProxyError(), OutcomeKind.RETRY, "proxy"),
        (requests.exceptions.SSLError(), OutcomeKind.RETRY, "tls"),
        (requests.ReadTimeout(), OutcomeKind.UNCERTAIN, "read_timeout"),
        (requests.ConnectionError(ProtocolError("aborted")), OutcomeKind.UNCERTAIN, "connection_lost"),
        (requests.exceptions.ChunkedEncodingError(), OutcomeKind.UNCERTAIN, "connection_lost"),
        (requests.exceptions.InvalidURL("https://secret"), OutcomeKind.RETRY, "connection"),
        (requests.TooManyRedirects(), OutcomeKind.RETRY, "connection"),
    ],
)
def test_only_a_request_that_may_have_gone_out_is_uncertain(
    error: requests.RequestException, kind: OutcomeKind, reason: str
) -> None:
    outcome = failure(Exchange(error=error), "", START)
    assert (outcome.kind, outcome.reason) == (kind, reason)
    assert "secret" not in outcome.detail

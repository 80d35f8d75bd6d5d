"""From what happened on the wire to what it means, where no far side on loopback can show it."""

from datetime import UTC, datetime, timedelta

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from support.fakes import START
from urllib3 import HTTPConnectionPool
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, ProtocolError

from notifier.channels.apprise.classifier import failure, retry_after
from notifier.channels.apprise.exchange import Wire
from notifier.core.delivery.model import Outcome, OutcomeKind


@pytest.mark.parametrize(
    ("header", "pause"),
    [
        (None, None),
        ("", None),
        ("17", timedelta(seconds=17)),
        (" 0 ", timedelta(0)),
        ("9" * 400, timedelta(seconds=10**9)),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("Mon, 23 Nov 2026 12:01:00 GMT", timedelta(minutes=1)),
        ("Mon, 23 Nov 2026 12:01:00", timedelta(minutes=1)),
        ("Mon, 23 Nov 2026 13:01:00 +0100", timedelta(minutes=1)),
        ("Mon, 23 Nov 2026 11:00:00 GMT", timedelta(0)),
        ("Mon, 99 Nov 2026 11:00:00 GMT", None),
        ("²", None),
    ],
)
def test_retry_after_is_read_in_both_its_forms(header: str | None, pause: timedelta | None) -> None:
    assert retry_after(header, START) == pause


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ \d+:\d+:\d+ .*", fullmatch=True))
def test_whatever_the_header_says_nothing_is_raised(header: str) -> None:
    found = retry_after(header, datetime(2026, 1, 1, tzinfo=UTC))
    assert found is None or found >= timedelta(0)


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        (421, OutcomeKind.RETRY, "smtp_421"),
        (450, OutcomeKind.RETRY, "smtp_450"),
        (535, OutcomeKind.PERMANENT, "smtp_auth"),
        (550, OutcomeKind.PERMANENT, "smtp_550"),
    ],
)
def test_a_reply_of_a_mail_server_means_what_its_first_digit_says(code: int, kind: OutcomeKind, reason: str) -> None:
    wire = Wire(smtp_code=code, answer="no")
    assert failure(wire, "", START) == Outcome(kind=kind, reason=reason, detail="no")


def test_a_far_side_that_answered_well_but_did_not_satisfy_apprise_is_tried_again() -> None:
    outcome = failure(Wire(http_status=200, answer="{}"), "not ok", START)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.RETRY, "http_200")


def test_what_left_no_trace_is_tried_again_with_apprises_words() -> None:
    assert failure(Wire(), "Failed to connect", START) == Outcome(
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
    outcome = failure(Wire(error=error), "", START)
    assert (outcome.kind, outcome.reason) == (kind, reason)
    assert "secret" not in outcome.detail

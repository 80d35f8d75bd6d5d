"""The rules for any HTTP answer of the API, independent of the request."""

from datetime import UTC, datetime, timedelta

import pytest

from notifier.brightdata.http.answers import LONGEST_DETAIL, LONGEST_RETRY_AFTER, detail_of, is_html, retry_after_of

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(("text", "pause"), [("120", timedelta(seconds=120)), ("999999", LONGEST_RETRY_AFTER)])
def test_retry_after_is_capped(text: str, pause: timedelta) -> None:
    assert retry_after_of({"retry-after": text}, NOW) == pause
    assert retry_after_of({}, NOW) is None


@pytest.mark.parametrize(
    ("headers", "body", "html"),
    [
        ({"content-type": "text/HTML; charset=utf-8"}, b"", True),
        ({}, b"\n <!DOCTYPE html>", True),
        ({}, b"<HTML>", True),
        ({"content-type": "application/json"}, b'{"error": "<html>"}', False),
        ({}, b"Snapshot not found", False),
    ],
)
def test_html_is_recognised_by_its_type_or_its_beginning(headers: dict[str, str], body: bytes, html: bool) -> None:
    assert is_html(headers, body) is html


@pytest.mark.parametrize(
    ("headers", "body", "detail"),
    [
        ({}, b'{"error": "Snapshot not found"}', "HTTP 404: Snapshot not found"),
        ({}, b'{"message": "no", "status": "x"}', "HTTP 404: no"),
        ({}, b"plain words\nof two lines", "HTTP 404: plain words of two lines"),
        ({}, b"", "HTTP 404"),
        ({"content-encoding": "br"}, b"\x00\x01", "HTTP 404 (br-encoded)"),
        ({"content-type": "text/html"}, b"<html>", "HTTP 404 (an HTML page)"),
        ({}, b"the secret canary-0123", "HTTP 404: the secret ***"),
    ],
)
def test_detail_quotes_the_answer_without_the_secret(headers: dict[str, str], body: bytes, detail: str) -> None:
    assert detail_of("HTTP 404", headers, body, "canary-0123") == detail


def test_detail_is_one_short_line() -> None:
    assert len(detail_of("HTTP 500", {}, b"word\n" * 1_000, "")) == LONGEST_DETAIL

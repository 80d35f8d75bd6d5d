"""Whatever a server writes into `Retry-After`, the result is a pause within bounds, or None."""

from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.fakes import START

from notifier.core.retry_after import parse_retry_after

LONGEST = timedelta(days=1)


@pytest.mark.parametrize(
    ("header", "pause"),
    [
        ("17", timedelta(seconds=17)),
        (" 0 ", timedelta(0)),
        ("1.5", timedelta(seconds=1.5)),
        ("-5", timedelta(0)),
        ("999999", LONGEST),
        ("Mon, 23 Nov 2026 12:01:00 GMT", timedelta(minutes=1)),
        ("Mon, 23 Nov 2026 12:01:00", timedelta(minutes=1)),
        ("Mon, 23 Nov 2026 13:01:00 +0100", timedelta(minutes=1)),
        ("Mon, 23 Nov 2026 12:01:00 -0000", timedelta(minutes=1)),
        ("Mon, 23 Nov 2026 11:00:00 GMT", timedelta(0)),
        ("Wed, 25 Nov 2026 12:00:00 GMT", LONGEST),
    ],
)
def test_seconds_and_dates_are_read_within_bounds(header: str, pause: timedelta) -> None:
    assert parse_retry_after(header, START, LONGEST) == pause


@pytest.mark.parametrize(
    "header", [None, "", " ", "soon", "1e9", "nan", "²", "٣", "9" * 400, "Mon, 99 Nov 2026 12:00:30 GMT"]
)
def test_what_makes_no_sense_counts_as_absent(header: str | None) -> None:
    assert parse_retry_after(header, START, LONGEST) is None


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ \d+:\d+:\d+ .*", fullmatch=True))
@example("Mon, 01 Jan 0001 00:00:00 +2359")
def test_no_text_raises(header: str) -> None:
    pause = parse_retry_after(header, START, LONGEST)
    assert pause is None or timedelta(0) <= pause <= LONGEST

"""Times, numbers and words as people read them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.web.pages.formats import ago, coarse, exact_tag, key, result, seconds, segment, tally, time_tag, words

NOW = datetime(2026, 11, 23, 14, 32, tzinfo=UTC)


@pytest.mark.parametrize(
    ("passed", "text"),
    [
        (timedelta(0), "now"),
        (timedelta(milliseconds=400), "now"),
        (timedelta(seconds=1.6), "2 s ago"),
        (timedelta(seconds=95), "1 min 35 s ago"),
        (timedelta(minutes=14, seconds=20), "14 min ago"),
        (timedelta(hours=3, minutes=5), "3 h 5 min ago"),
        (timedelta(days=2, hours=4), "2 d 4 h ago"),
        (timedelta(days=40), "2026-10-14"),
        (-timedelta(seconds=8), "in 8 s"),
        (-timedelta(minutes=4), "in 4 min"),
        (-timedelta(days=40), "2027-01-02"),
    ],
)
def test_a_time_is_relative_until_it_is_far(passed: timedelta, text: str) -> None:
    assert ago(NOW - passed, NOW) == text


def test_no_time_is_a_dash() -> None:
    assert ago(None, NOW) == "–"
    assert "–" in time_tag(None, NOW)
    assert "–" in exact_tag(None, NOW)


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=30)))
def test_a_relative_time_has_no_fractions(passed: timedelta) -> None:
    assert "." not in coarse(passed)


def test_the_exact_time_is_at_hand() -> None:
    tag = time_tag(NOW - timedelta(minutes=3), NOW, "last")
    assert 'datetime="2026-11-23T14:29:00Z"' in tag
    assert 'title="2026-11-23 14:29:00 UTC"' in tag
    assert "data-relative" in tag
    assert 'data-poll="last"' in tag
    assert "data-poll" not in time_tag(NOW, NOW)


@given(st.text(), st.text())
def test_an_id_of_an_element_has_no_spaces_and_differs_by_name(one: str, other: str) -> None:
    assert not set(key("watch", one)) & set(" \t\n\r\f")
    if one.encode(errors="replace") != other.encode(errors="replace"):
        assert key("watch", one) != key("watch", other)


@given(st.text())
def test_a_part_of_an_address_has_nothing_that_ends_the_path(text: str) -> None:
    assert not set(segment(text)) & set("?#% \"'<>") - {"%"}


def test_counts_and_constants_are_written_in_words() -> None:
    assert result(12_480, 0) == "12,480 records, no errors"
    assert result(None, None) == ""
    assert tally({"delivered": 2, "dead": 0, "retrying": 1}) == "2 delivered, 1 retrying"
    assert [seconds(each) for each in (None, 0.0, 0.004, 0.21, 125)] == ["–", "0 s", "4 ms", "0.2 s", "2 min 5 s"]
    assert words("http_429") == "HTTP 429"
    assert words("read_timeout") == "read timeout"

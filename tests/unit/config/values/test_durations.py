"""Durations parse, are refused with what to write, and read back as themselves."""

import contextlib
import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.config.values.durations import LONGEST, format_duration, parse


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1), ("30s", 30), ("5m", 300), ("6h", 21_600), ("2d", 172_800), ("1h30m", 5_400), ("1d1h1m1s", 90_061),
     ("90s", 90), ("007m", 420), ("0h5m", 300)],
)  # fmt: skip
def test_a_duration_is_whole_numbers_with_units_the_largest_first(text: str, seconds: int) -> None:
    assert parse(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("30", "needs its unit: write `30s`"),
        ("1.5", "needs its unit"),
        ("", "whole numbers with their units"),
        ("500ms", "whole numbers with their units"),
        ("1.5h", "as in `30s`, `5m`, `1h30m`, `2d`"),
        ("30 s", "whole numbers with their units"),
        ("30m1h", "the largest first"),
        ("1m1m", "the largest first"),
        ("-5m", "whole numbers"),
        ("1w", "whole numbers"),
        ("٣s", "whole numbers"),
        ("22:00", "whole numbers"),
        ("0s", "longer than 0"),
        ("3651d", "the longest duration is `3650d`"),
        ("999999999d", "the longest duration is `3650d`"),
    ],
)
def test_anything_else_is_refused_with_its_fix(text: str, cure: str) -> None:
    with pytest.raises(ValueError, match=re.escape(cure)):
        parse(text)


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(seconds=30), "30s"),
        (timedelta(seconds=90), "1m30s"),
        (timedelta(hours=24), "1d"),
        (timedelta(hours=36), "1d12h"),
        (timedelta(milliseconds=50), "0.05s"),
        (timedelta(0), "0s"),
    ],
)
def test_a_duration_is_written_in_its_largest_units(duration: timedelta, text: str) -> None:
    assert format_duration(duration) == text


@given(st.integers(min_value=1, max_value=int(LONGEST.total_seconds())))
def test_every_duration_in_whole_seconds_reads_back_as_itself(seconds: int) -> None:
    duration = timedelta(seconds=seconds)
    assert parse(format_duration(duration)) == duration


@given(st.text(max_size=20))
def test_any_text_is_a_duration_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert timedelta(0) < parse(text) <= LONGEST

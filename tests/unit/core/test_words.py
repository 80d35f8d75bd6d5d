"""Numbers and times as people read them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.core.words import count, span


@pytest.mark.parametrize(
    ("number", "words"), [(0, "no records"), (1, "1 record"), (2, "2 records"), (12345, "12,345 records")]
)
def test_a_count_has_the_right_plural(number: int, words: str) -> None:
    assert count(number, "record") == words


def test_a_plural_that_is_not_made_with_an_s_is_given() -> None:
    assert [count(number, "delivery", "deliveries") for number in (0, 1, 2)] == [
        "no deliveries",
        "1 delivery",
        "2 deliveries",
    ]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.04, "0 s"),
        (0.4, "0.4 s"),
        (9.97, "10 s"),
        (9.99, "10 s"),
        (36.592, "37 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (60, "1 min"),
        (125, "2 min 5 s"),
        (3_599.6, "1 h"),
        (3_600, "1 h"),
        (11_520, "3 h 12 min"),
        (86_399.9, "1 d"),
        (187_200, "2 d 4 h"),
        (90_000_000, "1041 d 16 h"),
    ],
)
def test_a_span_has_its_two_largest_units(seconds: float, words: str) -> None:
    assert span(timedelta(seconds=seconds)) == words


_UNITS = {"s": 1.0, "min": 60.0, "h": 3_600.0, "d": 86_400.0}


@given(st.timedeltas(timedelta(0), timedelta(days=9_999)))
def test_a_span_is_right_to_its_smallest_unit(duration: timedelta) -> None:
    words = span(duration).split(" ")
    parts = [(float(number), _UNITS[unit]) for number, unit in zip(words[::2], words[1::2], strict=True)]
    said = sum(number * unit for number, unit in parts)
    slack = {86_400.0: 3_600.0, 3_600.0: 60.0}.get(max(unit for _, unit in parts), 0.5)
    assert abs(duration.total_seconds() - said) <= slack
    assert len(parts) <= 2

"""Numbers and times as people read them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.core.words import count, cut, one_line, safe, span


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


FAMILY = "👨\u200d👩\u200d👧\u200d👦"
SCOTLAND = "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"


@pytest.mark.parametrize(
    "text",
    [
        "می\u200cخواهم",  # Persian: a zero width non-joiner inside a word
        "क्\u200dष",  # Hindi: a zero width joiner makes a half letter
        FAMILY,
        SCOTLAND,
        "❤\ufe0f 👍🏽 🇩🇪",
        "שלום \u200f(1)",  # a mark only says which way the next character goes
        "e\u0301\u0323",
        "\U0001fae9",  # an emoji of Unicode 16, which an older Python does not know
    ],
)
def test_what_scripts_and_emoji_are_made_of_is_kept(text: str) -> None:
    assert one_line(text, 100) == text


CONTROLS = "\x00\x07\x1b\x7f\x85\x9b\n\r\t\u2028\u2029\ud800\udfff\ufffe\uffff\U0010ffff"
OVERRIDES = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@pytest.mark.parametrize("dangerous", [*CONTROLS, *OVERRIDES])
def test_what_forges_or_reverses_a_line_goes(dangerous: str) -> None:
    assert one_line(f"a{dangerous}b", 100) == "a b"
    assert safe(f"a{dangerous}b", "?") == "a?b"


@pytest.mark.parametrize(
    ("text", "longest", "left"),
    [
        ("abcdef", 3, "abc"),
        ("abc", 3, "abc"),
        (f"ab{FAMILY}", 5, "ab"),
        (f"ab{SCOTLAND}", 8, "ab"),
        ("a🇩🇪🇫🇷", 4, "a🇩🇪"),
        ("a🇩🇪🇫🇷", 3, "a🇩🇪"),
        ("ae\u0301", 2, "a"),
        ("👍🏽", 1, "👍"),  # one that has no room at all is cut all the same
        ("", 0, ""),
    ],
)
def test_no_letter_and_no_emoji_is_cut_in_two(text: str, longest: int, left: str) -> None:
    assert cut(text, longest) == left


@given(st.text(), st.integers(1, 20))
def test_a_line_is_one_line_whatever_it_is_made_of(text: str, longest: int) -> None:
    line = one_line(text, longest)
    assert len(line) <= longest
    assert safe(line) == line
    assert len(line.splitlines()) <= 1
    line.encode()

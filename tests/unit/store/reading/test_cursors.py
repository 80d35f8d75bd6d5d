"""A cursor gives its place back, and what is no cursor is refused in words."""

import base64

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notifier.core.errors import BadCursor
from notifier.store.reading.cursors import LONGEST, decode, encode

PLACES = st.tuples(st.integers(-(2**63), 2**63 - 1), st.text(st.characters(exclude_categories=["Cs"]), max_size=50))
TYPES = (int, str)


@given(place=PLACES)
def test_a_cursor_gives_its_place_back_and_a_url_takes_it_as_it_is(place: tuple[int, str]) -> None:
    cursor = encode("list", place)
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert decode("list", cursor, TYPES) == place


def test_without_a_cursor_there_is_no_place() -> None:
    assert decode("list", None, TYPES) is None


@given(text=st.text(max_size=80))
@example(text="")
@example(text="é")
@example(text="A" * (LONGEST + 1))
@example(text=base64.urlsafe_b64encode(b"[" * 1000).decode())
@example(text=base64.urlsafe_b64encode(b'["list",1,"\\ud800"]').decode())
@example(text=base64.urlsafe_b64encode(b'["list",true,"a"]').decode())
@example(text=base64.urlsafe_b64encode(b'["list",9223372036854775808,"a"]').decode())
@example(text=base64.urlsafe_b64encode(b'["list",1.0,"a"]').decode())
@example(text=base64.urlsafe_b64encode(b'["list",1]').decode())
@example(text=base64.urlsafe_b64encode(b"{}").decode())
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(BadCursor, match="ask without it, for the first page"):
        decode("list", text, TYPES)


def test_the_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(BadCursor):
        decode("list", encode("other list", (1, "a")), TYPES)

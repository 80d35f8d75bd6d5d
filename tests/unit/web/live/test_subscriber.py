"""A page that reads gets every message; one that does not gets a bounded queue and then a single `refresh`."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from notifier.web.live.subscriber import MOST_BYTES, MOST_WAITING, Subscriber


def subscriber() -> Subscriber:
    return Subscriber("127.0.0.1", refresh=lambda: b"refresh")


def taken(page: Subscriber) -> bytes | None:
    return asyncio.run(page.next())


def test_what_waits_is_taken_together_and_in_order() -> None:
    page = subscriber()
    page.put(b"a")
    page.put(b"b")
    assert taken(page) == b"ab"


@given(st.lists(st.integers(1, MOST_BYTES // 4), max_size=3 * MOST_WAITING))
def test_the_queue_is_bounded_and_loses_nothing_in_silence(sizes: list[int]) -> None:
    page = subscriber()
    for size in sizes:
        page.put(b"x" * size)
        assert page.waiting <= MOST_WAITING
    page.put(b"end")
    chunk = taken(page)
    assert chunk == b"refresh" or chunk == b"x" * sum(sizes) + b"end"


def test_after_a_refresh_was_taken_messages_come_again() -> None:
    page = subscriber()
    page.put(b"x" * (MOST_BYTES + 1))
    page.put(b"stands for this")
    assert taken(page) == b"refresh"
    page.put(b"a")
    assert taken(page) == b"a"


def test_an_end_is_the_last_that_is_taken() -> None:
    page = subscriber()
    page.put(b"a")
    page.end()
    page.put(b"b")
    assert taken(page) is None

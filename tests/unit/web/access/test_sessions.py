"""Sessions: nobody makes one without the token, and each ends."""

from hypothesis import given
from hypothesis import strategies as st

from notifier.web.access.sessions import LASTS_S, Sessions

TOKEN = "p4ge-t0ken-0123456789"


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_a_session_lasts_over_restarts_until_it_expires() -> None:
    clock = Clock()
    value = Sessions(TOKEN, clock=clock).new()
    restarted = Sessions(TOKEN, clock=clock)
    clock.now += LASTS_S - 1
    assert restarted.is_valid(value)
    clock.now += 1
    assert not restarted.is_valid(value)


def test_another_token_ends_all_sessions() -> None:
    assert not Sessions("another-t0ken-01234").is_valid(Sessions(TOKEN).new())


def test_a_session_that_is_signed_out_is_over_and_no_other() -> None:
    sessions = Sessions(TOKEN)
    one, other = sessions.new(), sessions.new()
    sessions.revoke(one)
    assert not sessions.is_valid(one)
    assert sessions.is_valid(other)


@given(st.text(max_size=250))
def test_a_made_up_value_is_no_session(value: str) -> None:
    sessions = Sessions(TOKEN)
    assert not sessions.is_valid(value)
    sessions.revoke(value)


@given(st.integers(min_value=0), st.characters(codec="ascii"))
def test_a_changed_value_is_no_session(place: int, char: str) -> None:
    sessions = Sessions(TOKEN)
    value = sessions.new()
    place %= len(value)
    changed = value[:place] + char + value[place + 1 :]
    assert sessions.is_valid(changed) == (changed == value)

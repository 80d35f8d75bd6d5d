"""When a unit that raised is tried again, and of which kinds operators are told."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from support.fakes import START

from notifier.core.delivery import retry_pauses
from notifier.core.work_units import FIRST_PAUSE, LONGEST_PAUSE, WELL_AFTER, Kinds, Unit, UnitFault, pause_after

JITTER = st.floats(0, 1, exclude_max=True)


@given(st.integers(1, 10**9), JITTER)
def test_the_pause_grows_to_its_cap_with_jitter_over_its_upper_half(failures: int, jitter: float) -> None:
    pause = pause_after(failures, jitter)
    assert FIRST_PAUSE / 2 <= pause <= LONGEST_PAUSE
    assert pause <= pause_after(failures + 1, jitter)
    assert pause_after(failures, 0.0) >= pause_after(failures, 0.999) / 2 - timedelta(milliseconds=1)


def test_a_kind_is_not_called_over_between_two_tries() -> None:
    assert max(LONGEST_PAUSE, retry_pauses.LONGEST_RETRY) < WELL_AFTER


def test_a_kind_is_news_once_and_again_when_it_was_over() -> None:
    kinds, overflow = Kinds(), UnitFault(unit=Unit.POLL, subject="s_1", error=OverflowError("date"))
    other = UnitFault(unit=Unit.LIST, subject="gd_1", error=OverflowError("date"))
    hour = timedelta(hours=1)
    assert kinds.is_news(overflow, START)
    assert not kinds.is_news(overflow, START + hour)
    assert kinds.is_news(other, START + hour)
    assert not kinds.is_over(overflow.kind, START, START + 2 * hour)
    assert kinds.is_over(overflow.kind, START, START + hour + WELL_AFTER)
    assert kinds.is_news(overflow, START + hour + WELL_AFTER)
    assert not kinds.is_over("poll:KeyError", START, START + hour), "of one before the start nothing is known yet"
    assert kinds.is_over("poll:KeyError", START, START + WELL_AFTER)


def test_the_detail_is_one_short_line() -> None:
    fault = UnitFault(unit=Unit.POLL, subject="s_1", error=ValueError("a\nb" * 1_000))
    assert fault.detail.isprintable()
    assert len(fault.detail) <= 300
    assert fault.kind == "poll:ValueError"


def test_every_unit_has_words_for_people() -> None:
    assert len({unit.words for unit in Unit}) == len(Unit)

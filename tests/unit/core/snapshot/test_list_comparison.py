"""What a list's word means for what is known."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fakes import START

from notifier.core.snapshot.list_comparison import (
    DATE_TOLERANCE,
    LAG,
    ListVerdict,
    is_news,
    may_lag,
    saves_requests,
    verdict,
)
from notifier.core.snapshot.model import MISSING, UNKNOWN, SnapshotState

SECOND = timedelta(seconds=1)
AGO = START - timedelta(minutes=10)
"""Since when the state is known, unless a test says otherwise."""


def known(status: str, since: datetime | None = AGO) -> SnapshotState:
    """A snapshot of that status."""
    return SnapshotState(snapshot_id="s_1", status=status, since=since, revision=1)


def of_list(
    state: SnapshotState,
    word: str,
    *,
    notified: bool = False,
    asked_at: datetime = START,
    agreed_at: datetime | None = START - 30 * SECOND,
    rejected: str | None = None,
) -> ListVerdict:
    """The verdict over an answer that took a second."""
    return verdict(
        state, word, notified=notified, asked_at=asked_at, now=asked_at + SECOND, agreed_at=agreed_at, rejected=rejected
    )


@pytest.mark.parametrize("word", ["running", "Running", "RUNNING"])
def test_the_known_word_in_whatever_spelling_calls_for_nothing(word: str) -> None:
    assert of_list(known("running"), word, notified=True) is ListVerdict.SAME


@pytest.mark.parametrize("word", ["ready", "failed", "Cancelled"])
@pytest.mark.parametrize("status", ["running", UNKNOWN, MISSING])
def test_an_end_in_a_list_is_always_checked(word: str, status: str) -> None:
    since = None if status == UNKNOWN else AGO
    assert of_list(known(status, since), word) is ListVerdict.ASK


@pytest.mark.parametrize("status", ["ready", "failed", MISSING])
def test_a_list_that_has_an_ended_snapshot_in_progress_is_checked(status: str) -> None:
    assert of_list(known(status), "running") is ListVerdict.ASK


def test_the_first_word_in_progress_is_taken() -> None:
    assert of_list(known(UNKNOWN, None), "starting", notified=True, agreed_at=None) is ListVerdict.TAKE


def test_another_word_in_progress_is_taken_only_if_nobody_is_told_of_it() -> None:
    assert of_list(known("running"), "building") is ListVerdict.TAKE
    assert of_list(known("running"), "building", notified=True) is ListVerdict.ASK


def test_a_list_that_never_agreed_with_the_known_status_is_checked() -> None:
    assert of_list(known("running"), "collecting", agreed_at=None) is ListVerdict.ASK
    assert of_list(known("running"), "collecting", agreed_at=AGO - SECOND) is ListVerdict.ASK


def test_a_rejected_word_is_ignored_and_the_next_one_is_checked() -> None:
    assert of_list(known("running"), "Collecting", rejected="collecting") is ListVerdict.SAME
    assert of_list(known("running"), "building", rejected="collecting") is ListVerdict.ASK


def test_a_list_requested_before_the_last_transition_changes_nothing() -> None:
    assert of_list(known("running", START + SECOND), "ready", asked_at=START) is ListVerdict.SAME


@given(st.floats(0, 60), st.floats(0, 30))
def test_a_list_that_lags_never_overrides_what_is_newer(age_s: float, lag_s: float) -> None:
    shown = START - lag_s * SECOND
    since = START - age_s * SECOND
    if of_list(known("building", since), "running", agreed_at=since) is ListVerdict.TAKE:
        assert shown >= since


def test_a_list_may_be_behind_an_end_for_a_while_but_not_after_a_clock_was_set_back() -> None:
    ended = known("ready", START)
    assert may_lag(ended, START + LAG - SECOND, START + LAG)
    assert not may_lag(ended, START + LAG, START + LAG)
    assert not may_lag(ended, START - timedelta(hours=1), START - timedelta(hours=1))


class TestNews:
    @given(st.booleans(), st.timedeltas(timedelta(0), timedelta(days=300)))
    def test_a_snapshot_in_progress_or_without_a_date_is_always_news(self, ended: bool, age: timedelta) -> None:
        created = None if ended else START - age
        assert is_news(created, ended, baseline_at=START, kept_since=START)

    def test_an_end_is_news_if_it_began_after_the_baseline_give_or_take_a_day(self) -> None:
        kept_since = START - timedelta(days=90)
        assert is_news(START - DATE_TOLERANCE, True, baseline_at=START, kept_since=kept_since)
        assert not is_news(START - DATE_TOLERANCE - SECOND, True, baseline_at=START, kept_since=kept_since)

    def test_an_end_that_may_have_been_forgotten_is_no_news(self) -> None:
        now = START + timedelta(days=200)
        kept_since = now - timedelta(days=90)
        assert not is_news(kept_since - SECOND, True, baseline_at=START, kept_since=kept_since)


@pytest.mark.parametrize(
    ("members", "pages", "worth"),
    [(2, 1, False), (3, 1, True), (3, 2, False), (4, 2, False), (5, 2, True), (151, 100, False)],
)
def test_a_list_is_worth_it_when_it_saves_half_as_many_polls_again(members: int, pages: int, worth: bool) -> None:
    assert saves_requests(members, pages) is worth

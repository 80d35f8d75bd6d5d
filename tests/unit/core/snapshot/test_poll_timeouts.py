"""When a snapshot whose polls hang is polled more seldom, and when not."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from support.fakes import OUTAGE, START, seen

from notifier.core.snapshot.model import NotFound, Observation, Reason, Unclear
from notifier.core.snapshot.poll_timeouts import LONGEST_PAUSE, NONE, PollTimeouts, after, pause_after

HANGS = Unclear(reason=Reason.TIMEOUT, detail="no whole answer within 10 s")
SECOND = timedelta(seconds=1)

pauses = st.timedeltas(min_value=SECOND, max_value=timedelta(days=1))


def polled(*observations: Observation, others: bool) -> PollTimeouts:
    """Polls of ten seconds, one a minute; others are answered all the time, or never."""
    found, now = NONE, START
    for observation in observations:
        asked_at, now = now + 50 * SECOND, now + 60 * SECOND
        found = after(found, observation, asked_at=asked_at, now=now, others_at=now - SECOND if others else None)
    return found


def test_timeouts_count_while_others_are_answered() -> None:
    assert polled(HANGS, HANGS, HANGS, others=True).count == 3
    assert polled(HANGS, HANGS, seen("running"), others=True) is NONE
    assert polled(HANGS, HANGS, NotFound(), others=True) is NONE
    assert polled(HANGS, OUTAGE, HANGS, others=True).count == 2


@given(st.lists(st.sampled_from([HANGS, OUTAGE]), max_size=20), pauses)
def test_while_no_poll_is_answered_pauses_stay_as_usual(polls: list[Observation], usual: timedelta) -> None:
    assert pause_after(polled(*polls, others=False), usual) == usual


def test_earlier_answers_to_others_do_not_count() -> None:
    found = after(NONE, HANGS, asked_at=START, now=START + 10 * SECOND, others_at=START - SECOND)
    assert found.count == 0


def test_an_answer_to_another_between_two_polls_counts() -> None:
    """While eight polls hang there may be no room for another: what was answered in between has to do."""
    first = after(NONE, HANGS, asked_at=START, now=START + 10 * SECOND, others_at=None)
    second = after(
        first,
        HANGS,
        asked_at=START + 40 * SECOND,
        now=START + 50 * SECOND,
        others_at=START + 20 * SECOND,
    )
    assert (first.count, second.count) == (0, 1)


@given(st.integers(0, 10_000), pauses)
def test_pauses_grow_with_each_poll_that_hangs_and_stay_within_their_bounds(count: int, usual: timedelta) -> None:
    pause, longer = (pause_after(PollTimeouts(count=each, at=START), usual) for each in (count, count + 1))
    assert usual <= pause <= longer <= max(usual, LONGEST_PAUSE)
    if count < 2:
        assert pause == usual

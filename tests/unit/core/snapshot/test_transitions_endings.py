"""Every way a snapshot's life can turn: stalled, back from an end, the same end again, and news that comes too late."""

import heapq
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fakes import START, seen

from notifier.core.snapshot.model import (
    AGAIN,
    MISSING,
    STALLED,
    UNKNOWN,
    Facts,
    NotFound,
    Reason,
    Seen,
    SnapshotState,
    Transition,
    Unclear,
)
from notifier.core.snapshot.statuses import canonical, is_known_word
from notifier.core.snapshot.transitions import contradicts, is_stale, stalled_at, step, with_created_at

PAUSE = timedelta(seconds=30)
DAY = timedelta(hours=24)
NOTHING = timedelta(0)
SECOND = timedelta(seconds=1)
BLANK = SnapshotState(snapshot_id="s_1")

words = st.sampled_from(["starting", "running", "digesting", "ready", "failed", "canceled"])
in_progress = st.sampled_from(["starting", "running", "digesting", "a new word"])


def poll(state: SnapshotState, status: str, after: timedelta, **facts: object) -> tuple[SnapshotState, list[str]]:
    """The state after a poll so long after START, and the names of what was told."""
    state, told = step(state, seen(status, **facts), START + after, PAUSE, stalled_after=DAY)
    return state, [each.names[-1] for each in told]


def lived(*statuses: str, facts: Facts | None = None) -> tuple[SnapshotState, list[Transition]]:
    """The state after these words, a minute apart, and all transitions."""
    state, told = BLANK, list[Transition]()
    for number, status in enumerate(statuses):
        observation = Seen(status=status, facts=facts or Facts(records=5))
        state, transitions = step(state, observation, START + number * timedelta(minutes=1), PAUSE)
        told += transitions
    return state, told


class TestStalled:
    @given(in_progress, st.lists(st.timedeltas(NOTHING, timedelta(days=9)), max_size=20).map(sorted))
    def test_it_is_told_once_by_the_first_poll_after_its_time(self, word: str, moments: list[timedelta]) -> None:
        state, _ = poll(BLANK, word, NOTHING)
        told = []
        for moment in moments:
            state, names = poll(state, word, moment)
            told += [(moment, name) for name in names]
        late = [moment for moment in moments if moment >= DAY]
        assert told == [(moment, STALLED) for moment in late[:1]]
        assert state.status == word

    def test_after_a_move_it_may_stall_again(self) -> None:
        state, _ = poll(BLANK, "running", NOTHING)
        state, told = poll(state, "running", DAY)
        assert told == [STALLED]
        state, told = poll(state, "digesting", DAY + SECOND)
        assert told == ["digesting"]
        assert poll(state, "digesting", 2 * DAY)[1] == []
        assert poll(state, "digesting", 2 * DAY + SECOND)[1] == [STALLED]

    def test_it_counts_a_revision_and_keeps_the_word_of_the_api(self) -> None:
        before, _ = poll(BLANK, "running", NOTHING)
        after, (told,) = step(before, seen("Running", records=7), START + DAY, DAY, stalled_after=DAY)
        assert (told.status, told.previous, told.revision, told.names) == (STALLED, "running", 2, (STALLED,))
        assert (told.since, told.facts, told.late_by) == (START, Facts(records=7), NOTHING)
        assert (after.status, after.since, after.revision) == ("running", START, 2)

    def test_its_end_is_told_as_ever(self) -> None:
        state, _ = poll(BLANK, "running", NOTHING)
        state, _ = poll(state, "running", DAY)
        _, (told,) = step(state, seen("ready"), START + DAY + PAUSE, PAUSE, stalled_after=DAY)
        assert (told.previous, told.status, told.revision) == ("running", "ready", 3)

    def test_only_a_poll_that_found_it_in_progress_tells_it(self) -> None:
        state, _ = poll(BLANK, "running", NOTHING)
        for observation in (Unclear(reason=Reason.TIMEOUT), NotFound()):
            assert step(state, observation, START + 9 * DAY, PAUSE, stalled_after=DAY)[1] == ()

    @pytest.mark.parametrize("end", ["ready", "failed", "canceled"])
    def test_an_end_never_stalls(self, end: str) -> None:
        state, _ = poll(BLANK, end, NOTHING)
        assert stalled_at(state, DAY) is None
        assert poll(state, end, 9 * DAY)[1] == []

    def test_turned_off_nothing_stalls(self) -> None:
        state, _ = poll(BLANK, "running", NOTHING)
        assert step(state, seen("running"), START + 99 * DAY, PAUSE, stalled_after=None)[1] == ()

    def test_after_an_absence_it_is_as_late_as_it_was_due_and_no_later(self) -> None:
        state, _ = poll(BLANK, "running", NOTHING)
        _, (told,) = step(state, seen("running"), START + DAY + timedelta(hours=2), PAUSE, stalled_after=DAY)
        assert told.late_by == timedelta(hours=2)


class TestTheWayBack:
    @pytest.mark.parametrize("end", ["ready", "failed", "cancelled"])
    def test_the_same_end_with_the_same_facts_is_told_as_again(self, end: str) -> None:
        state, told = lived("running", end, "running", "digesting", end)
        assert [each.names[-1] for each in told[2:]] == ["running", "digesting", AGAIN]
        assert told[-1].status == end
        assert (state.status, state.left_end) == (end, None)

    @given(st.builds(Facts, records=st.integers(0, 3), errors=st.integers(0, 1)), st.sampled_from(["ready", "failed"]))
    def test_an_end_that_differs_is_told_under_its_own_names(self, facts: Facts, end: str) -> None:
        state, _ = lived("ready", "running", facts=Facts(records=2, errors=0))
        _, (told,) = step(state, Seen(status=end, facts=facts), START + DAY, PAUSE)
        same = end == "ready" and facts == Facts(records=2, errors=0)
        assert (told.names == (AGAIN,)) is same

    def test_the_time_it_has_run_so_far_makes_no_other_end(self) -> None:
        state, _ = lived("ready", "running", facts=Facts(running_time_ms=5))
        _, (told,) = step(state, seen("ready", running_time_ms=6), START + DAY, PAUSE)
        assert told.names == (AGAIN,)

    def test_one_end_after_the_other_is_news_each_time(self) -> None:
        _, told = lived("ready", "failed", "ready")
        assert [each.names[0] for each in told] == ["ready", "failed", "ready"]

    def test_an_earlier_word_is_a_transition_like_any_other(self) -> None:
        _, told = lived("digesting", "running", "starting")
        assert [each.names for each in told] == [("digesting",), ("running",), ("starting",)]


@dataclass(frozen=True)
class Answer:
    """One request, in seconds: asked for, answered by the API from what was true then, and arrived."""

    asked: int
    said: int
    arrived: int


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    asked, said, arrived = sorted(draw(st.tuples(*[st.integers(0, 300)] * 3)))
    return Answer(asked, said, arrived)


def follows(told: list[str], history: list[str]) -> bool:
    """Whether what was told is the history, in its order, with some of it missed."""
    rest = iter(history)
    return all(word in rest for word in told)


class TestOlderNews:
    @given(
        st.dictionaries(st.integers(1, 300), words, max_size=8),
        st.lists(st.tuples(answers(), st.booleans(), st.integers(1, 60)), max_size=25),
    )
    def test_batches_and_individual_polls_in_any_order_of_arrival_tell_only_what_happened_and_in_its_order(
        self, changes: dict[int, str], requests: list[tuple[Answer, bool, int]]
    ) -> None:
        changes = {0: "starting", **changes}
        history = [changes[moment] for moment in sorted(changes)]

        def said(second: int) -> str:
            return changes[max(moment for moment in changes if moment <= second)]

        arriving = [(each.arrived, n, each, in_a_list, takes) for n, (each, in_a_list, takes) in enumerate(requests)]
        arriving.append((999, 999, Answer(997, 998, 999), False, 1))
        heapq.heapify(arriving)
        state, told = BLANK, list[str]()
        while arriving:
            now, number, answer, in_a_list, takes = heapq.heappop(arriving)
            word = said(answer.said)
            if in_a_list:  # makes no transition by itself: what differs is worth an individual poll
                if contradicts(state, word):
                    asked_now = Answer(now, now + takes // 2, now + takes)
                    heapq.heappush(arriving, (asked_now.arrived, number, asked_now, False, 1))
                continue
            at, asked_at = START + now * SECOND, START + answer.asked * SECOND
            state, transitions = step(state, seen(word), at, PAUSE, asked_at=asked_at)
            told += [each.status for each in transitions]
        assert follows(told, history)
        assert state.status == history[-1]

    @given(words, words, st.integers(1, 300))
    def test_what_was_asked_for_before_the_last_transition_changes_nothing(
        self, known: str, word: str, seconds: int
    ) -> None:
        state, _ = lived(known)
        asked = START - seconds * SECOND
        for observation in (seen(word), NotFound(), Unclear(reason=Reason.TIMEOUT)):
            assert step(state, observation, START + SECOND, PAUSE, asked_at=asked) == (state, ())

    @given(words, st.timedeltas(NOTHING, timedelta(days=9)))
    def test_after_a_clock_was_set_back_answers_are_not_ignored(self, word: str, back: timedelta) -> None:
        state, _ = lived(word)
        now: datetime = START - back - SECOND
        assert not is_stale(state, now, now)

    def test_before_anything_is_known_nothing_is_stale(self) -> None:
        assert not is_stale(BLANK, START, START)


@pytest.mark.parametrize(
    ("known", "word", "changed"),
    [
        ("running", "running", False),
        ("running", "RUNNING", False),
        ("canceled", "cancelled", False),
        ("running", "ready", True),
        ("ready", "running", True),
        (UNKNOWN, "running", True),
        (MISSING, "running", True),
        (MISSING, "missing", True),
        ("api:Missing", "missing", False),
    ],
)
def test_a_word_of_a_list_is_worth_a_poll_when_it_differs(known: str, word: str, changed: bool) -> None:
    assert contradicts(replace(BLANK, status=known), word) is changed


@pytest.mark.parametrize("word", ["ready", "Running", "cancelled", "digesting", "queued", UNKNOWN, MISSING])
def test_these_words_are_known(word: str) -> None:
    assert is_known_word(word)


@pytest.mark.parametrize("word", ["done", "api:missing", "", "stalled", "readyy"])
def test_any_other_word_is_not(word: str) -> None:
    assert not is_known_word(word)
    assert canonical(word) == word


def test_the_time_of_its_beginning_is_no_transition() -> None:
    state, _ = lived("running")
    assert with_created_at(state, None) is state
    assert with_created_at(state, START) == replace(state, created_at=START)

"""What a poll means for a snapshot: every move of the table, and what holds over any history of polls."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fakes import START, seen

from notifier.core.delivery.routing import event_id
from notifier.core.snapshot.model import (
    MISSING,
    UNKNOWN,
    Facts,
    NotFound,
    Observation,
    Reason,
    Seen,
    SnapshotState,
    Transition,
    Unclear,
)
from notifier.core.snapshot.statuses import ENDS, Phase, canonical, has_ended, phase_of
from notifier.core.snapshot.transitions import LATE_AFTER, MISSING_CONFIRMATIONS, MISSING_GRACE, MOVES, step

PAUSE = timedelta(seconds=30)
OUR_WORDS = ("unknown", "missing", "stalled", "expiring", "again", "complete", "partial", "empty", "all")

counts = st.none() | st.integers(0, 5)
facts = st.builds(Facts, records=counts, errors=counts)
words = st.sampled_from(
    ["starting", "running", "Running", "ready", "READY", "failed", "canceled", "cancelled", "collecting", "Missing"]
) | st.text(min_size=1, max_size=8)
observations: st.SearchStrategy[Observation] = st.one_of(
    st.builds(Seen, status=words, facts=facts),
    st.builds(NotFound),
    st.builds(Unclear, reason=st.sampled_from(Reason)),
)
histories = st.lists(st.tuples(observations, st.integers(0, 120)), max_size=25)
History = list[tuple[Observation, int]]


def at(status: str, **memory: object) -> SnapshotState:
    """A state in this status, polled clearly at START."""
    known = {} if status == UNKNOWN else {"revision": 1, "first_seen_at": START, "since": START, "seen_at": START}
    return replace(SnapshotState(snapshot_id="s_1", status=status, **known), **memory)  # type: ignore[arg-type]


def play(history: History, state: SnapshotState | None = None) -> tuple[SnapshotState, list[Transition]]:
    """The state after a history of polls, each so many seconds after the one before, and all its transitions."""
    state, told, now = state or SnapshotState(snapshot_id="s_1"), list[Transition](), START
    for observation, seconds in history:
        now += timedelta(seconds=seconds)
        state, transitions = step(state, observation, now, PAUSE)
        told += transitions
    return state, told


def not_found(times: int, *, apart: int, state: SnapshotState) -> tuple[SnapshotState, list[Transition]]:
    """So many 404s, so many seconds apart."""
    return play([(NotFound(), apart)] * times, state)


def without_memory(state: SnapshotState) -> SnapshotState:
    return replace(state, seen_at=None, not_found=0, not_found_since=None)


ONE_OF_EACH = {Phase.UNKNOWN: UNKNOWN, Phase.ACTIVE: "running", Phase.MISSING: MISSING, Phase.ENDED: "ready"}
ANOTHER = {Phase.ACTIVE: "digesting", Phase.ENDED: "failed"}


@pytest.mark.parametrize(("before", "word"), list(product(ONE_OF_EACH.values(), ANOTHER.values())))
def test_another_word_is_a_transition_from_every_phase(before: str, word: str) -> None:
    assert phase_of(word) in MOVES[phase_of(before)]
    after, (told,) = step(at(before), seen(word), START, PAUSE)
    assert (told.previous, told.status, told.revision) == (before, word, after.revision)


@pytest.mark.parametrize("before", [UNKNOWN, "running"])
def test_404s_lead_to_missing_where_the_table_allows_it(before: str) -> None:
    assert Phase.MISSING in MOVES[phase_of(before)]
    _, told = not_found(MISSING_CONFIRMATIONS, apart=10, state=at(before))
    assert [(each.previous, each.status) for each in told] == [(before, MISSING)]


@pytest.mark.parametrize("before", [MISSING, "ready", "failed", "cancelled"])
def test_an_illegal_move_leaves_the_state_untouched(before: str) -> None:
    assert Phase.MISSING not in MOVES[phase_of(before)]
    after, told = not_found(20, apart=60, state=at(before))
    assert told == []
    assert replace(after, seen_at=START) == at(before)


def test_nothing_leads_back_to_unknown() -> None:
    assert all(Phase.UNKNOWN not in following for following in MOVES.values())
    assert set(MOVES) == set(Phase)


@given(histories)
def test_a_poll_that_could_not_tell_changes_nothing(history: History) -> None:
    state, _ = play(history)
    for reason in Reason:
        assert step(state, Unclear(reason=reason), START + timedelta(days=9), PAUSE) == (state, ())


@given(histories, st.sampled_from(Reason))
def test_an_outage_between_polls_makes_no_other_transitions(history: History, reason: Reason) -> None:
    troubled = [each for poll in history for each in (poll, (Unclear(reason=reason), 0))]
    assert play(troubled) == play(history)


@given(histories, facts)
def test_a_repeated_status_in_any_spelling_is_no_transition(history: History, other_facts: Facts) -> None:
    state, _ = play(history)
    if state.status in (UNKNOWN, MISSING):
        return
    word = state.status.removeprefix("api:")
    for spelling in {word, word.upper(), word.lower()} | ({"canceled", "cancelled"} if "cancel" in word else set()):
        if canonical(spelling) != canonical(word):
            continue  # such as ß, whose upper case folds to other letters
        _, told = step(state, Seen(status=spelling, facts=other_facts), START, PAUSE)
        assert told == ()


@given(histories)
def test_revisions_increase_by_one_with_each_transition(history: History) -> None:
    state, told = play(history)
    assert [each.revision for each in told] == list(range(1, len(told) + 1))
    assert state.revision == len(told)


@given(histories)
def test_each_transition_starts_where_the_one_before_ended(history: History) -> None:
    state, told = play(history)
    chain = [UNKNOWN, *(each.status for each in told)]
    assert [each.previous for each in told] == chain[:-1]
    assert state.status == chain[-1]
    assert all(phase_of(each.status) in MOVES[phase_of(each.previous)] for each in told)


@given(histories, observations, st.integers(0, 600))
def test_the_state_differs_beyond_its_memory_of_polls_iff_there_is_a_transition(
    history: History, observation: Observation, seconds: int
) -> None:
    state, _ = play(history)
    after, told = step(state, observation, START + timedelta(hours=2, seconds=seconds), PAUSE)
    assert (without_memory(after) != without_memory(state)) is bool(told)
    assert len(told) <= 1


@given(histories)
def test_the_same_polls_give_the_same_event_ids(history: History) -> None:
    _, told = play(history)
    _, again = play(history)
    ids = [event_id(each) for each in told]
    assert ids == [event_id(each) for each in again]
    assert len(set(ids)) == len(ids)


@given(histories)
def test_only_two_clear_words_in_a_row_that_differ_or_enough_404s_are_told(history: History) -> None:
    _, told = play(history)
    clear = [observation for observation, _ in history if isinstance(observation, Seen)]
    changes = sum(canonical(a.status) != canonical(b.status) for a, b in pairwise(clear))
    missing = sum(each.status == MISSING for each in told)
    assert len(told) <= (1 if clear else 0) + changes + 2 * missing


class TestMissing:
    def test_it_needs_three_confirmations_however_long_they_take(self) -> None:
        _, told = not_found(MISSING_CONFIRMATIONS - 1, apart=3600, state=at("running"))
        assert told == []

    @given(st.integers(MISSING_CONFIRMATIONS, 30))
    def test_it_needs_the_grace_however_many_confirmations(self, times: int) -> None:
        polls: History = [(NotFound(), 0)] * times
        state, told = play([*polls, (NotFound(), 19)], at("starting"))
        assert told == []
        _, told = play([(NotFound(), 20)], state)
        assert [each.status for each in told] == [MISSING]

    @given(words, st.integers(1, 2), st.integers(1, 2))
    def test_a_clear_answer_starts_the_count_again(self, word: str, first: int, second: int) -> None:
        clear: History = [(Seen(status=word), 30)]
        state, told = play([(NotFound(), 30)] * first + clear + [(NotFound(), 30)] * second)
        assert all(each.status != MISSING for each in told)
        assert state.not_found == (0 if has_ended(state) else second)

    def test_an_unclear_answer_neither_counts_nor_resets(self) -> None:
        polls: History = [(NotFound(), 10), (NotFound(), 10), (Unclear(reason=Reason.TIMEOUT), 10)]
        state, told = play(polls, at("running"))
        assert (state.not_found, told) == (2, [])
        _, told = play([(NotFound(), 40)], state)
        assert [each.status for each in told] == [MISSING]

    def test_it_keeps_the_facts_and_forgets_the_count(self) -> None:
        known = Facts(dataset_id="gd_1")
        state, (told,) = not_found(3, apart=10, state=at("running", facts=known))
        assert told.facts == state.facts == known
        assert (state.not_found, state.not_found_since) == (0, None)

    @given(words)
    def test_what_comes_back_is_told(self, word: str) -> None:
        state, (told,) = play([(Seen(status=word), 60)], at(MISSING))
        assert told.previous == MISSING
        assert phase_of(state.status) in (Phase.ACTIVE, Phase.ENDED)

    def test_the_grace_is_not_called_late(self) -> None:
        _, (told,) = not_found(3, apart=30, state=at("running"))
        assert told.late_by == timedelta(0)

    @pytest.mark.parametrize("back", [timedelta(seconds=1), timedelta(hours=3), timedelta(days=400)])
    def test_a_clock_that_is_set_back_starts_the_grace_again_and_not_later(self, back: timedelta) -> None:
        state, told = step(SnapshotState(snapshot_id="s_1"), NotFound(), START, timedelta(seconds=30))
        for after in (timedelta(0), MISSING_GRACE / 2, MISSING_GRACE):
            assert not told
            state, told = step(state, NotFound(), START - back + after, timedelta(seconds=30))
        assert [each.status for each in told] == [MISSING]

    @pytest.mark.parametrize("end", sorted(ENDS))
    def test_a_snapshot_that_has_ended_never_goes_missing(self, end: str) -> None:
        _, told = not_found(50, apart=600, state=at(end))
        assert told == []


@pytest.mark.parametrize(
    "word", [*OUR_WORDS, *(each.title() for each in OUR_WORDS), *(each.upper() for each in OUR_WORDS)]
)
@pytest.mark.parametrize("before", ["running", "ready", MISSING, UNKNOWN])
def test_an_api_word_that_collides_with_ours_is_kept_apart(word: str, before: str) -> None:
    state, (told,) = step(at(before), seen(word), START, PAUSE)
    assert state.status == f"api:{word}"
    assert phase_of(state.status) is Phase.ACTIVE
    assert set(told.names).isdisjoint(OUR_WORDS)
    assert step(state, seen(word), START, PAUSE)[1] == ()


@pytest.mark.parametrize("end", sorted(ENDS))
def test_a_snapshot_already_at_its_end_is_told_at_first_sight(end: str) -> None:
    state, (told,) = step(SnapshotState(snapshot_id="s_1"), seen(end), START, PAUSE)
    assert (told.previous, told.status, told.late_by) == (UNKNOWN, end, timedelta(0))
    assert state.first_seen_at == state.since == state.seen_at == START


@given(st.lists(st.sampled_from(["running", "digesting"]), min_size=2, max_size=9), st.integers(1, 59))
def test_punctual_polls_are_never_late(statuses: list[str], apart: int) -> None:
    _, told = play([(seen(status), apart) for status in statuses])
    assert all(each.late_by == timedelta(0) for each in told)


@given(st.timedeltas(LATE_AFTER, timedelta(days=400)))
def test_after_an_absence_the_lateness_is_the_gap_beyond_a_usual_pause(gap: timedelta) -> None:
    _, (told,) = step(at("running"), seen("ready"), START + PAUSE + gap, PAUSE)
    assert told.late_by == gap


def test_an_outage_counts_as_absence() -> None:
    polls: History = [(Unclear(reason=Reason.SERVER_ERROR), 30)] * 10 + [(seen("ready"), 30)]
    _, (told,) = play(polls, at("running"))
    assert told.late_by == timedelta(seconds=300)


@given(st.timedeltas(timedelta(0), timedelta(days=400)))
def test_a_clock_set_back_makes_nothing_late(back: timedelta) -> None:
    _, (told,) = step(at("running"), seen("ready"), START - back, PAUSE)
    assert told.late_by == timedelta(0)


def test_the_grace_is_what_the_contract_says() -> None:
    assert (timedelta(seconds=20), 3) == (MISSING_GRACE, MISSING_CONFIRMATIONS)

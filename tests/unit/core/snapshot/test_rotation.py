"""Whose turn it is to be asked singly, and when a list is believed."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from support.fakes import START

from notifier.core.snapshot.list_comparison import LAG
from notifier.core.snapshot.model import SnapshotState
from notifier.core.snapshot.rotation import (
    LEAST_CONFIRM_PERIOD,
    TRUSTED,
    TRUSTED_AGAIN_AFTER,
    Rotation,
    Trust,
    confirm_period,
    found_behind,
    is_behind,
    trust_after_list,
)

ids = st.sampled_from([f"s_{number}" for number in range(8)])
members = st.frozensets(ids)
steps = st.lists(st.one_of(members, st.sampled_from(["turn"])), max_size=40)
SECOND = timedelta(seconds=1)


@given(steps)
def test_the_member_that_was_polled_the_longest_ago_has_the_next_turn(some: list[frozenset[str] | str]) -> None:
    rotation, now = Rotation(), set[str]()
    asked: dict[str, int] = {}
    for number, step in enumerate(some):
        if isinstance(step, frozenset):
            rotation.keep(step, sorted)
            asked = {id_: asked.get(id_, number) for id_ in step}
            now = set(step)
        else:
            turn = rotation.next(lambda _: True)
            assert (turn is None) == (not now)
            if turn is not None:
                assert asked[turn] == min(asked.values())
                rotation.polled(turn)
                asked[turn] = number
    assert len(rotation) == len(now)


@given(members)
def test_each_member_has_a_turn_before_any_has_a_second(some: frozenset[str]) -> None:
    rotation = Rotation()
    rotation.keep(some, sorted)
    turns = []
    for _ in some:
        turn = rotation.next(lambda _: True)
        assert turn is not None
        rotation.polled(turn)
        turns.append(turn)
    assert sorted(turns) == sorted(some)


def test_a_member_that_is_not_free_keeps_its_place() -> None:
    rotation = Rotation()
    rotation.keep(["s_1", "s_2"], sorted)
    assert rotation.next(lambda id_: id_ != "s_1") == "s_2"
    assert rotation.next(lambda _: True) == "s_1"
    assert rotation.next(lambda _: False) is None


def test_the_period_is_ten_times_every_but_five_minutes_at_least() -> None:
    assert confirm_period(SECOND) == LEAST_CONFIRM_PERIOD == timedelta(minutes=5)
    assert confirm_period(timedelta(minutes=2)) == timedelta(minutes=20)


ENDED = SnapshotState(snapshot_id="s_1", status="ready", since=START, seen_at=START)


def test_a_list_is_behind_when_it_should_have_known_an_end_for_a_while() -> None:
    assert is_behind(ENDED, "running", START + LAG)
    assert not is_behind(ENDED, "running", START + LAG - SECOND)
    assert not is_behind(ENDED, "Ready", START + timedelta(days=1))
    assert not is_behind(ENDED, "cancelled", START + timedelta(days=1)), "another end is another matter"
    going_on = SnapshotState(snapshot_id="s_1", status="collecting", since=START)
    assert not is_behind(going_on, "running", START + timedelta(days=1)), "words in progress need not agree"
    assert not is_behind(ENDED, "running", START - timedelta(days=1)), "the clock was set back"


lists = st.lists(st.tuples(st.integers(1, 900), members), max_size=30)


@given(lists)
def test_lists_are_trusted_again_when_none_has_been_behind_for_ten_minutes(
    some: list[tuple[int, frozenset[str]]],
) -> None:
    at = START
    trust = found_behind(TRUSTED, "s_0", at)
    doubted = at
    for seconds, behind in some:
        at += seconds * SECOND
        trust = trust_after_list(trust, behind & trust.behind, at)
        if behind & trust.behind:
            doubted = at
        assert trust.stale == (at - doubted < TRUSTED_AGAIN_AFTER)
        if not trust.stale:
            assert trust == TRUSTED
            return


def test_a_second_snapshot_on_which_lists_are_behind_does_not_restart_the_distrust() -> None:
    trust = found_behind(found_behind(TRUSTED, "s_1", START), "s_2", START + SECOND)
    assert trust == Trust(behind=frozenset({"s_1", "s_2"}), since=START, doubted_at=START + SECOND)
    assert trust_after_list(TRUSTED, (), START) is TRUSTED

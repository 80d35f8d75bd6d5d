"""When results are about to be deleted: who is warned, once, and never too late."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fakes import START, seen, watch

from notifier.core.delivery.message_text import message
from notifier.core.delivery.routing import event_of
from notifier.core.snapshot.expiring import deleted_at, expiring_at, step_by_clock
from notifier.core.snapshot.model import EXPIRING, SnapshotState
from notifier.core.snapshot.transitions import step, with_created_at

DAY = timedelta(days=1)
WARNED = watch(on=("expiring",))


def ended(status: str = "ready", **facts: Any) -> SnapshotState:
    """What is known of a snapshot that was first seen at its end, at START."""
    state, _ = step(SnapshotState(snapshot_id="s_1"), seen(status, **facts), START, DAY)
    return state


@given(st.timedeltas(timedelta(0), 40 * DAY))
def test_it_is_told_between_the_warning_and_the_deletion(age: timedelta) -> None:
    after, told = step_by_clock(ended(), WARNED, START + age)
    assert bool(told) is (14 * DAY <= age < 16 * DAY)
    assert after.status == "ready"


@given(st.lists(st.timedeltas(timedelta(0), 40 * DAY), max_size=20).map(sorted))
def test_it_is_told_once(ages: list[timedelta]) -> None:
    state, told = ended(), 0
    for age in ages:
        state, transitions = step_by_clock(state, WARNED, START + age)
        told += len(transitions)
    assert told == any(14 * DAY <= age < 16 * DAY for age in ages)


@pytest.mark.parametrize("on", [("ready",), ("ready", "stalled", "missing"), ()])
def test_expiring_is_only_told_to_watches_that_ask_for_it(on: tuple[str, ...]) -> None:
    assert expiring_at(ended(), watch(on=on)) is None


@pytest.mark.parametrize("status", ["failed", "canceled", "running"])
def test_only_a_ready_snapshot_expires(status: str) -> None:
    assert expiring_at(ended(status), WARNED) is None


def test_an_empty_snapshot_never_expires() -> None:
    assert expiring_at(ended(records=0), WARNED) is None
    assert expiring_at(ended(records=1, errors=1), WARNED) is not None


def test_a_snapshot_that_was_never_seen_never_expires() -> None:
    blank = SnapshotState(snapshot_id="s_1")
    assert (expiring_at(blank, WARNED), deleted_at(blank, WARNED)) == (None, None)


def test_an_old_one_counts_from_its_beginning_and_past_its_deletion_nothing_is_told() -> None:
    old = with_created_at(ended(), START - 20 * DAY)
    assert step_by_clock(old, WARNED, START) == (old, ())
    nearly = with_created_at(ended(), START - 15 * DAY)
    assert step_by_clock(nearly, WARNED, START)[1] != ()


def test_a_warning_longer_than_results_are_kept_is_due_at_once() -> None:
    short = watch(on=("all",), results_kept=DAY, expiring_before=9 * DAY)
    assert expiring_at(ended(), short) == START


def test_it_counts_a_revision_and_says_when_the_results_are_deleted() -> None:
    state, (told,) = step_by_clock(ended(records=5), WARNED, START + 15 * DAY)
    assert (told.names, told.previous, told.revision, state.revision) == ((EXPIRING,), "ready", 2, 2)
    assert (told.until, told.late_by, told.facts.records) == (START + 16 * DAY, DAY, 5)
    found = message(event_of(told, WARNED))
    assert found.title == "⌛ Prices: expiring, the results are deleted in 1 d"
    assert "Deleted: about 2026-12-09 12:00 UTC, download before" in found.body
    assert "Status: ready, since 2026-11-23 12:00:00 UTC" in found.body

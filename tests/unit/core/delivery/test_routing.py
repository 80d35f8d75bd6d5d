"""Who is told: a watch's `on:` list picks events, its `notify:` list names channels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fakes import transition, watch

from notifier.core.delivery.routing import channels_for, event_id, event_of, family, wants
from notifier.core.snapshot.model import Facts

COMPLETE, PARTIAL, EMPTY = ("ready", "complete"), ("ready", "partial"), ("ready", "empty")
FAILED, CANCELED = ("failed",), ("canceled",)


@pytest.mark.parametrize(
    ("on", "told"),
    [
        (["ready"], [COMPLETE, PARTIAL, EMPTY]),
        (["complete"], [COMPLETE]),
        (["partial"], [PARTIAL]),
        (["empty"], [EMPTY]),
        (["failed", "empty"], [EMPTY, FAILED]),
        (["cancelled"], [CANCELED]),
        (["CANCELED"], [CANCELED]),
        (["Ready"], [COMPLETE, PARTIAL, EMPTY]),
        (["all"], [COMPLETE, PARTIAL, EMPTY, FAILED, CANCELED]),
        (["ALL", "failed"], [COMPLETE, PARTIAL, EMPTY, FAILED, CANCELED]),
        (["running"], []),
        ([], []),
    ],
)
def test_an_on_list_matches_an_event_that_carries_any_of_its_names(on: list[str], told: list[tuple[str, ...]]) -> None:
    assert [names for names in (COMPLETE, PARTIAL, EMPTY, FAILED, CANCELED) if wants(on, names)] == told


@given(st.lists(st.sampled_from(["chat", "mail", "pager"]), max_size=8))
def test_each_channel_is_told_once_in_the_order_of_notify(notify: list[str]) -> None:
    told = channels_for(watch(notify=tuple(notify)), transition())
    assert sorted(told) == sorted(set(notify))
    assert list(told) == sorted(told, key=notify.index)


def test_no_channel_is_told_what_the_watch_does_not_ask_for() -> None:
    assert channels_for(watch(on=("failed",)), transition("ready")) == ()


@pytest.mark.parametrize(
    ("on", "told"),
    [
        (("ready", "failed"), False),
        (("again",), True),
        (("all",), True),
        (("ready", "running"), True),
        (("failed", "running"), False),
        (("complete", "expiring", "stalled"), False),
    ],
)
def test_the_same_end_once_more_is_told_to_those_who_ask_for_it_or_who_follow_what_is_between(
    on: tuple[str, ...], told: bool
) -> None:
    assert bool(channels_for(watch(on=on), transition("ready", names=("again",)))) is told


def test_a_mute_of_a_datasets_watch_covers_the_snapshots_that_it_found() -> None:
    assert family("profiles/sd_1") == ("profiles/sd_1", "profiles")
    assert family("sd_1") == ("sd_1",)


def test_the_api_saying_missing_does_not_reach_those_who_ask_for_missing() -> None:
    assert channels_for(watch(on=("missing",)), transition("api:Missing")) == ()


def test_an_event_has_the_words_of_its_watch_and_the_id_of_its_transition() -> None:
    event = event_of(transition(), watch(name="Prices", labels={"team": "growth"}))
    assert (event.name, event.watch_id, event.labels) == ("Prices", "s_1", {"team": "growth"})
    assert event.id == event_id(transition())


def test_an_event_id_is_stable_for_ever() -> None:
    assert event_id(transition("ready", revision=2)) == "evt_913371c5c02fe5dfcd06"


@given(st.text(), st.integers(1, 9), st.sampled_from(["ready", "failed"]))
def test_an_event_id_depends_on_the_change_alone(snapshot_id: str, revision: int, status: str) -> None:
    change = transition(status, snapshot_id=snapshot_id, revision=revision)
    same = transition(status, Facts(records=3), snapshot_id=snapshot_id, revision=revision, previous="starting")
    other = transition(status, snapshot_id=snapshot_id, revision=revision + 1)
    assert event_id(change) == event_id(same) != event_id(other)

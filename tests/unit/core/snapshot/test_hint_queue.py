"""Hints of one snapshot coalesce, rest between polls, and all together never get more than their share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from notifier.core.snapshot.hint_queue import (
    BURST_S,
    MOST_UNCONFIRMED,
    MOST_WATCHED,
    PAUSES_S,
    REST_S,
    SHARE,
    Budget,
    HintQueue,
    HintResult,
)

RATE = 10.0


def queue() -> HintQueue:
    return HintQueue(RATE)


def hint(waiting: HintQueue, snapshot_id: str = "s_1", now: float = 0.0) -> HintResult:
    return waiting.hint(snapshot_id, now, watched=True)


def test_a_hint_asks_for_a_poll_at_once() -> None:
    waiting = queue()
    assert waiting.wait(0.0) is None
    assert hint(waiting) is HintResult.ACCEPTED
    assert waiting.wait(0.0) == 0.0
    assert waiting.next(0.0) == "s_1"
    assert waiting.next(0.0) is None


def test_further_hints_before_that_poll_ask_for_nothing_more() -> None:
    waiting = queue()
    hint(waiting)
    assert {hint(waiting) for _ in range(1_000)} == {HintResult.COALESCED}
    assert waiting.next(0.0) == "s_1"
    waiting.forget("s_1")
    assert waiting.wait(0.0) is None
    assert len(waiting) == 0


def test_a_snapshot_that_goes_on_is_polled_again_after_growing_pauses_and_then_no_more() -> None:
    waiting, now, at = queue(), 0.0, []
    hint(waiting)
    while (wait := waiting.wait(now)) is not None:
        now += wait
        assert waiting.next(now) == "s_1"
        at.append(now)
        waiting.ended("s_1", now)
    assert at == [0.0, 1.0, 3.0, 7.0]
    assert len(at) == 1 + len(PAUSES_S)


def test_a_hint_while_its_poll_runs_asks_for_another_one_a_rest_later() -> None:
    waiting = queue()
    hint(waiting)
    waiting.next(0.0)
    hint(waiting, now=0.1)
    waiting.ended("s_1", 0.2)
    assert waiting.wait(0.2) == pytest.approx(REST_S - 0.2)


def test_a_hint_between_those_polls_begins_them_again_but_never_sooner_than_a_rest() -> None:
    waiting = queue()
    hint(waiting)
    waiting.next(0.0)
    waiting.ended("s_1", 0.1)
    waiting.next(1.1)
    waiting.ended("s_1", 1.2)  # due at 3.2
    hint(waiting, now=1.5)
    assert waiting.wait(1.5) == pytest.approx(0.6)
    assert waiting.next(2.1) == "s_1"


def test_a_hint_waits_for_a_regular_poll_that_runs_and_follows_its_end_at_once() -> None:
    waiting = queue()
    waiting.regular_began("s_1", 0.0)
    hint(waiting, now=0.1)
    assert waiting.wait(0.1) == pytest.approx(REST_S - 0.1)
    waiting.regular_ended("s_1", 0.3)
    assert waiting.wait(0.3) == 0.0


def test_a_regular_poll_that_hangs_holds_a_hint_up_for_a_rest_only() -> None:
    waiting = queue()
    waiting.regular_began("s_1", 0.0)
    hint(waiting, now=0.1)
    assert waiting.next(0.9) is None
    assert waiting.next(1.0) == "s_1"


def test_a_regular_poll_that_begins_after_a_hint_serves_it() -> None:
    waiting = queue()
    hint(waiting)
    waiting.regular_began("s_1", 0.5)
    waiting.regular_ended("s_1", 0.6)
    assert waiting.wait(0.6) == pytest.approx(0.9)  # the first of the further polls


def test_a_snapshot_that_nobody_watches_comes_after_all_that_are_watched() -> None:
    waiting = queue()
    assert waiting.hint("other", 0.0, watched=False) is HintResult.UNCONFIRMED
    hint(waiting, now=0.5)
    assert [waiting.next(1.0), waiting.next(1.0)] == ["s_1", "other"]


def test_so_many_wait_and_not_more() -> None:
    waiting = queue()
    for number in range(MOST_UNCONFIRMED):
        waiting.hint(f"x_{number}", 0.0, watched=False)
    assert waiting.hint("x", 0.0, watched=False) is HintResult.DROPPED
    for number in range(MOST_WATCHED):
        assert hint(waiting, f"s_{number}") is HintResult.ACCEPTED
    assert hint(waiting, "s") is HintResult.DROPPED
    waiting.forget("x_0")
    assert waiting.hint("x", 0.0, watched=False) is HintResult.UNCONFIRMED
    assert len(waiting) == MOST_WATCHED + MOST_UNCONFIRMED


@given(st.floats(0.01, 1_000), st.lists(st.floats(0, 2), max_size=200))
def test_no_span_of_time_has_more_polls_than_the_share_and_one_burst(rate: float, pauses: list[float]) -> None:
    budget, now, spent = Budget(rate), 0.0, []
    for pause in pauses:
        now += pause
        if budget.wait(now) == 0:
            budget.spend(now)
            spent.append(now)
    for first in range(0, len(spent), 7):
        for last in range(first, len(spent), 5):
            allowed = SHARE * rate * (spent[last] - spent[first]) + max(1.0, BURST_S * SHARE * rate)
            assert last - first + 1 <= allowed + 1e-3


def test_a_lower_rate_holds_at_once() -> None:
    budget = Budget(1_000.0)
    budget.set_rate(1.0, 0.0)
    budget.spend(0.0)
    assert budget.wait(0.0) == pytest.approx(2.0)


class AnyOrder(RuleBasedStateMachine):
    """Hints, polls and their ends in any order, of a few snapshots."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = queue()
        self.now = 0.0
        self.running: set[str] = set()
        self.begun: dict[str, float] = {}

    ids = st.sampled_from(["a", "b", "c"])

    @rule(seconds=st.floats(0, 3))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    @rule(id_=ids, watched=st.booleans())
    def hint(self, id_: str, watched: bool) -> None:
        self.queue.hint(id_, self.now, watched=watched)

    @rule()
    def poll(self) -> None:
        id_ = self.queue.next(self.now)
        if id_ is not None:
            assert id_ not in self.running, "two polls of one snapshot at once"
            assert self.now - self.begun.get(id_, -REST_S) >= REST_S - 1e-6, "no rest between two polls"
            self.running.add(id_)
            self.begun[id_] = self.now

    @rule(id_=ids, goes_on=st.booleans())
    def end(self, id_: str, goes_on: bool) -> None:
        if id_ in self.running:
            self.running.discard(id_)
            (self.queue.ended if goes_on else lambda each, _: self.queue.forget(each))(id_, self.now)

    @rule(id_=ids)
    def regular(self, id_: str) -> None:
        self.queue.regular_began(id_, self.now)
        self.queue.regular_ended(id_, self.now)

    @invariant()
    def what_waits_is_polled_some_day(self) -> None:
        wait = self.queue.wait(self.now)
        assert (wait is None) == (len(self.queue) == len(self.running))
        assert wait is None or 0 <= wait <= sum(PAUSES_S) + 1 / (SHARE * RATE)


TestAnyOrder = AnyOrder.TestCase

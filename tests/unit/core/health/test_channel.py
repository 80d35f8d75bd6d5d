"""How a channel does: its pace, its probes, and what is news about it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from support.fakes import START

from notifier.core.delivery.channel_policy import ChannelPolicy
from notifier.core.health.channel import (
    BROKEN_AFTER,
    LONGEST_PROBE,
    LONGEST_STRETCH,
    SUSPEND_AFTER,
    ChannelHealth,
    ChannelVerdict,
    after_message,
    clock_set,
    next_turn,
)

USUAL = ChannelPolicy()
SECOND = timedelta(seconds=1)
WELL = ChannelHealth()

policies = st.builds(
    ChannelPolicy, pace=st.timedeltas(timedelta(milliseconds=10), timedelta(hours=1)), stretches=st.booleans()
)
histories = st.lists(
    st.tuples(st.booleans(), st.timedeltas(timedelta(0), timedelta(minutes=10)), st.floats(0, 1, exclude_max=True)),
    max_size=40,
)


@dataclass
class Life:
    """A channel that is given a message as soon as it may have one, or later."""

    policy: ChannelPolicy = USUAL
    now: datetime = START
    health: ChannelHealth = WELL
    at: list[datetime] = field(default_factory=list)
    verdicts: list[ChannelVerdict] = field(default_factory=list)

    def message(
        self, delivered: bool = True, idle: timedelta = timedelta(0), jitter: float = 0.5, full: bool = False
    ) -> timedelta:
        """One more message; the pause after it."""
        self.now = max(self.now, next_turn(self.health) or self.now) + idle
        self.at.append(self.now)
        self.health, verdict = after_message(
            self.health, policy=self.policy, delivered=delivered, now=self.now, jitter=jitter, full=full
        )
        if verdict is not None:
            self.verdicts.append(verdict)
        return self.health.gap


@given(policies, histories)
def test_no_history_makes_a_channel_faster_than_its_pace(
    policy: ChannelPolicy, history: list[tuple[bool, timedelta, float]]
) -> None:
    life = Life(policy)
    for delivered, idle, jitter in history:
        assert life.message(delivered, idle, jitter) >= policy.pace
    assert all(second - first >= policy.pace for first, second in zip(life.at, life.at[1:], strict=False))


@given(policies, histories)
def test_no_history_makes_a_channel_wait_longer_than_its_longest_pause(
    policy: ChannelPolicy, history: list[tuple[bool, timedelta, float]]
) -> None:
    life = Life(policy)
    for delivered, idle, jitter in history:
        assert life.message(delivered, idle, jitter) <= max(policy.pace, LONGEST_PROBE, LONGEST_STRETCH)


@given(policies, histories)
def test_broken_and_healed_are_told_in_turns_and_each_once(
    policy: ChannelPolicy, history: list[tuple[bool, timedelta, float]]
) -> None:
    life = Life(policy)
    for delivered, idle, jitter in history:
        life.message(delivered, idle, jitter)
    assert life.verdicts == [ChannelVerdict.BROKEN, ChannelVerdict.HEALED] * (len(life.verdicts) // 2) + [
        ChannelVerdict.BROKEN
    ] * (len(life.verdicts) % 2)


def test_a_message_without_room_for_all_that_waits_is_followed_by_the_next_at_the_usual_pace() -> None:
    """A flood that takes a hundred full messages must not be told one a minute."""
    life = Life()
    for _ in range(5):
        life.message()
    assert life.message() == timedelta(seconds=32)
    assert {life.message(full=True) for _ in range(100)} == {USUAL.pace}
    assert life.message() == 2 * USUAL.pace


def test_messages_in_a_row_double_the_pause_to_a_minute() -> None:
    life = Life()
    assert [life.message().total_seconds() for _ in range(9)] == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_channel_that_was_idle_has_its_usual_pace_again() -> None:
    life = Life()
    for _ in range(9):
        life.message()
    assert life.message(idle=3 * LONGEST_STRETCH) == USUAL.pace


def test_a_pace_that_was_asked_for_does_not_stretch() -> None:
    life = Life(ChannelPolicy(stretches=False))
    assert {life.message() for _ in range(9)} == {SECOND}


def test_a_thousand_events_in_a_second_become_at_most_ten_messages() -> None:
    life, told = Life(), 0
    arrivals = [START + SECOND * n / 1_000 for n in range(1_000)]
    messages = 0
    while told < len(arrivals):
        life.now = max(life.now, next_turn(life.health) or life.now, arrivals[told])
        told = sum(arrival <= life.now for arrival in arrivals)
        life.message()
        messages += 1
    assert messages <= 10


def test_a_thousand_events_over_ten_minutes_become_few_messages_and_none_waits_for_two_minutes() -> None:
    life, told, messages = Life(), 0, 0
    arrivals = [START + SECOND * n * 0.6 for n in range(1_000)]
    while told < len(arrivals):
        life.now = max(life.now, next_turn(life.health) or life.now, arrivals[told])
        assert life.now - arrivals[told] <= 2 * LONGEST_STRETCH
        told = sum(arrival <= life.now for arrival in arrivals)
        life.message()
        messages += 1
    assert messages <= 20


def test_after_some_failures_in_a_row_one_goes_at_a_time_until_one_gets_through() -> None:
    life = Life()
    for _ in range(SUSPEND_AFTER):
        assert not life.health.suspended
        life.message(delivered=False)
    assert life.health.suspended
    life.message()
    assert not life.health.suspended


def test_the_pauses_between_probes_grow_and_are_bounded() -> None:
    life = Life()
    pauses = [life.message(delivered=False) for _ in range(100)][SUSPEND_AFTER - 1 :]
    assert pauses == sorted(pauses)
    assert pauses[0] < timedelta(seconds=5)
    assert LONGEST_PROBE / 2 <= pauses[-1] <= LONGEST_PROBE


def test_it_is_broken_only_when_that_has_lasted() -> None:
    life = Life()
    while not life.verdicts:
        life.message(delivered=False)
    assert life.verdicts == [ChannelVerdict.BROKEN]
    assert BROKEN_AFTER <= life.now - START < 2 * BROKEN_AFTER


def test_failures_far_apart_with_one_success_between_are_no_news() -> None:
    life = Life()
    for _ in range(20):
        life.message(delivered=False, idle=BROKEN_AFTER)
        life.message()
    assert life.verdicts == []


def test_one_that_was_broken_before_the_start_is_tried_at_once_and_told_only_when_it_heals() -> None:
    life = Life(health=ChannelHealth(broken=True))
    assert next_turn(life.health) is None
    assert life.health.suspended
    life.message(delivered=False)
    assert life.verdicts == []
    life.message()
    assert life.verdicts == [ChannelVerdict.HEALED]


@given(st.timedeltas(timedelta(0), timedelta(days=400)), st.booleans())
def test_a_clock_that_was_set_back_holds_a_channel_up_for_one_pause(back: timedelta, delivered: bool) -> None:
    life = Life()
    for _ in range(5):
        life.message(delivered)
    now = life.now - back
    set_back = clock_set(life.health, now)
    turn = next_turn(set_back)
    assert turn is not None
    assert turn - now == life.health.gap
    if life.health.failing_since is not None:
        assert set_back.failing_since is not None
        assert now - set_back.failing_since == life.now - life.health.failing_since

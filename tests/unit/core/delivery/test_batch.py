"""What becomes of what waits for a channel: sent, dropped, held back, or left to wait."""

from dataclasses import replace
from datetime import UTC, time, timedelta

from hypothesis import given
from hypothesis import strategies as st
from support.deliveries import SPANS, event_about, waiting
from support.fakes import START, notice

from notifier.core.delivery.batch import MUTED, SUPERSEDED, Batch, Waiting, next_batch
from notifier.core.delivery.channel_policy import ChannelPolicy, Quiet
from notifier.core.delivery.model import Delivery, Event
from notifier.core.snapshot.model import Transition

MERGED = ChannelPolicy()
APART = ChannelPolicy(merges=False)
AT_NOON = Quiet(start=time(11), end=time(13), zone=UTC, exceptions=("failed",))
"""Quiet at START."""

LATER = START + timedelta(seconds=1)

events = st.builds(
    event_about,
    st.sampled_from(["s_1", "s_2", "s_3"]),
    st.sampled_from(["running", "failed", "ready"]),
    revision=st.integers(1, 5),
)
told = events | st.just(notice())
queues = st.lists(st.tuples(told, SPANS, st.integers(0, 2)), max_size=12, unique_by=lambda each: each[0].id).map(
    lambda drawn: sorted(
        (waiting(n, what, at=START + span, refusals=r) for n, (what, span, r) in enumerate(drawn)),
        key=lambda each: each.not_before,
    )
)
policies = st.builds(
    ChannelPolicy,
    pace=st.sampled_from([timedelta(0), timedelta(milliseconds=10), timedelta(seconds=1)]),
    merges=st.booleans(),
    quiet=st.none() | st.just(AT_NOON),
)
mutes = st.sets(st.sampled_from(["s_1", "s_2", "s_3"]))


def decided(queue: list[Waiting], policy: ChannelPolicy = MERGED, *muted: str, alone: bool = False) -> Batch:
    return next_batch(queue, policy=policy, muted=muted, now=START, alone=alone)


def ids(batch: Batch) -> list[int]:
    return [each.id for each in batch.send]


@given(queues, policies, mutes, st.booleans())
def test_everything_that_waits_is_in_exactly_one_of_send_drop_hold_and_left(
    queue: list[Waiting], policy: ChannelPolicy, muted: set[str], alone: bool
) -> None:
    batch = decided(queue, policy, *muted, alone=alone)
    named = [*ids(batch), *(each for each, _ in batch.drop), *(each for each, _ in batch.hold)]
    assert len(named) == len(set(named))
    assert set(named) <= {each.delivery.id for each in queue}


@given(queues, policies, mutes, st.booleans())
def test_nothing_goes_or_is_held_before_it_is_due(
    queue: list[Waiting], policy: ChannelPolicy, muted: set[str], alone: bool
) -> None:
    batch = decided(queue, policy, *muted, alone=alone)
    due = {each.delivery.id for each in queue if each.not_before <= START}
    assert {*ids(batch), *(each for each, _ in batch.hold)} <= due


@given(queues, policies, mutes, st.booleans())
def test_what_is_due_makes_the_channel_move_so_that_it_never_looks_again_for_nothing(
    queue: list[Waiting], policy: ChannelPolicy, muted: set[str], alone: bool
) -> None:
    batch = decided(queue, policy, *muted, alone=alone)
    assert (batch == Batch()) <= all(each.not_before > START for each in queue)


@given(queues, policies, mutes, st.booleans())
def test_of_a_muted_watch_everything_is_dropped_and_nothing_else_as_muted(
    queue: list[Waiting], policy: ChannelPolicy, muted: set[str], alone: bool
) -> None:
    batch = decided(queue, policy, *muted, alone=alone)
    expected = {
        each.delivery.id
        for each in queue
        if isinstance(each.delivery.event, Event) and each.delivery.event.watch_id in muted
    }
    assert {each for each, reason in batch.drop if reason == MUTED} == expected


@given(queues, policies, mutes)
def test_superseded_is_what_a_newer_event_of_the_same_snapshot_waits_behind_and_only_where_messages_are_merged(
    queue: list[Waiting], policy: ChannelPolicy, muted: set[str]
) -> None:
    batch = decided(queue, policy, *muted)
    waits = [
        (each.delivery.id, each.delivery.event.transition)
        for each in queue
        if isinstance(each.delivery.event, Event) and each.delivery.event.watch_id not in muted
    ]

    def quiet(told: Transition) -> bool:
        return policy.quiet is not None and policy.quiet.holds(told.names, START) is not None

    expected = {
        number
        for number, old in waits
        for _, new in waits
        if policy.merges and new.snapshot_id == old.snapshot_id and new.revision > old.revision
        # What quiet hours hold back until morning does not silence what may go tonight.
        if quiet(old) or not quiet(new)
    }
    assert {each for each, reason in batch.drop if reason == SUPERSEDED} == expected


@given(queues, mutes)
def test_a_message_tells_at_most_one_thing_of_a_snapshot_unless_two_are_equally_new(
    queue: list[Waiting], muted: set[str]
) -> None:
    sent = [each.event.transition for each in decided(queue, MERGED, *muted).send if isinstance(each.event, Event)]
    revisions = {(each.snapshot_id, each.revision) for each in sent}
    assert len({snapshot for snapshot, _ in revisions}) == len(revisions)


@given(queues, policies, mutes)
def test_alone_at_most_one_goes(queue: list[Waiting], policy: ChannelPolicy, muted: set[str]) -> None:
    assert len(decided(queue, policy, *muted, alone=True).send) <= 1


@given(queues, policies, mutes)
def test_where_nothing_is_merged_the_most_overdue_of_each_snapshot_go_as_many_as_may_be_on_their_way(
    queue: list[Waiting], policy: ChannelPolicy, muted: set[str]
) -> None:
    policy = replace(policy, merges=False)
    batch = decided(queue, policy, *muted)
    others = {each for each, _ in (*batch.drop, *batch.hold)}
    due = [each.delivery for each in queue if each.not_before <= START and each.delivery.id not in others]
    oldest = [each for n, each in enumerate(due) if about(each) not in {about(before) for before in due[:n]}]
    assert batch.send == tuple(oldest[: policy.parallel])


def about(delivery: Delivery) -> str:
    """What a delivery tells of: the snapshot, or the notice itself."""
    event = delivery.event
    return event.transition.snapshot_id if isinstance(event, Event) else event.id


@given(queues, policies)
def test_what_was_refused_before_goes_by_itself(queue: list[Waiting], policy: ChannelPolicy) -> None:
    sent = decided(queue, replace(policy, merges=True)).send
    assert len(sent) <= 1 or not any(each.refusals for each in sent)


@given(queues, st.booleans())
def test_in_quiet_hours_only_the_exceptions_go_and_the_rest_is_held_until_their_end(
    queue: list[Waiting], alone: bool
) -> None:
    batch = decided(queue, ChannelPolicy(quiet=AT_NOON), alone=alone)
    assert all(isinstance(each.event, Event) and "failed" in each.event.transition.names for each in batch.send)
    assert {until for _, until in batch.hold} <= {START.replace(hour=13)}
    held = {each for each, _ in batch.hold}
    assert not [each for each in queue if each.delivery.id in held and "failed" in str(each.delivery.event)]


def test_running_is_not_read_after_ready() -> None:
    queue = [waiting(1, event_about("s_1", "running")), waiting(2, event_about("s_1", "ready", revision=2))]
    assert decided(queue) == Batch(send=(queue[1].delivery,), drop=((1, SUPERSEDED),))


def test_a_muted_newer_event_supersedes_nothing_of_another_watch() -> None:
    queue = [waiting(1, event_about("s_1", "running")), waiting(2, event_about("s_2", "ready", revision=2))]
    assert decided(queue, MERGED, "s_2") == Batch(send=(queue[0].delivery,), drop=((2, MUTED),))


def test_the_most_overdue_goes_first_where_one_goes_at_a_time() -> None:
    queue = [waiting(1, event_about("s_1"), at=START - timedelta(seconds=9)), waiting(2, event_about("s_2"))]
    assert ids(decided(queue, APART)) == ids(decided(queue, alone=True)) == [1]


def test_a_refused_one_does_not_hold_up_the_others_for_longer_than_a_turn() -> None:
    queue = [waiting(1, event_about("s_1"), refusals=1), waiting(2, event_about("s_2")), waiting(3, event_about("s_3"))]
    assert ids(decided(queue)) == [1]
    assert ids(decided(queue[1:])) == [2, 3]


def test_what_is_due_later_goes_later() -> None:
    assert decided([waiting(1, event_about("s_1"), at=LATER)]) == Batch()


def test_a_notice_is_held_too_unless_it_is_excepted() -> None:
    queue = [waiting(1, notice())]
    assert decided(queue, ChannelPolicy(quiet=AT_NOON)).hold == ((1, START.replace(hour=13)),)
    excepted = replace(AT_NOON, exceptions=("notice",))
    assert ids(decided(queue, ChannelPolicy(quiet=excepted))) == [1]


def test_a_mute_of_a_datasets_watch_drops_what_belongs_to_its_snapshots() -> None:
    told = event_about("s_1", "ready", revision=1)
    queue = [
        waiting(number, replace(told, id=f"evt_{number}", watch_id=watch_id))
        for number, watch_id in enumerate(["profiles/s_1", "profiles", "s_1", "other/s_1"], 1)
    ]
    assert decided(queue, APART, "profiles").drop == ((1, MUTED), (2, MUTED))


@given(queues, policies, mutes, st.integers(1, 4))
def test_what_is_not_merged_is_no_more_than_there_is_room_for(
    queue: list[Waiting], policy: ChannelPolicy, muted: set[str], room: int
) -> None:
    batch = next_batch(queue, policy=policy, muted=muted, now=START, room=room)
    assert policy.merges or len(batch.send) <= room

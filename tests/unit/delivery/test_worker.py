"""One channel's deliveries: at its pace, again when it is time, and never forgotten. The store is real."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support.fakes import DELIVERED, DOWN, REFUSED, START, Clock, Collected, FakeChannel, fixed_jitter, seen, watch

from notifier.core import units
from notifier.core.delivery.model import Deliverable, Event, Outcome, OutcomeKind
from notifier.core.delivery.policy import MOST_SIDE_BY_SIDE, ChannelPolicy
from notifier.core.delivery.retry_pauses import GIVE_UP_AFTER, PERMANENT_TRIES
from notifier.core.delivery.routing import event_of
from notifier.core.isolation import Faults
from notifier.core.model import SnapshotState
from notifier.core.snapshot.transitions import step
from notifier.delivery.worker import MOST_PARTS, DeliveryWorker
from notifier.store.reader import DeliveryRow, Reader
from notifier.store.store import Store


async def tell(store: Store, snapshot_id: str = "s_1", *channels: str, after_s: float = 0) -> None:
    """Commit that the snapshot is ready, for these channels, `chat` unless given."""
    before = SnapshotState(snapshot_id=snapshot_id)
    after, (told,) = step(before, seen("ready"), START + timedelta(seconds=after_s), timedelta(0))
    event = event_of(told, watch(snapshot_id, name=snapshot_id))
    committed = await store.commit(
        watch=watch(snapshot_id), before=before, after=after, told=[(event, channels or ("chat",))]
    )
    assert committed


APART = ChannelPolicy(pace=timedelta(0), stretches=False, merges=False)
"""Each event by itself, as fast as they go."""

ONE_BY_ONE = replace(APART, pace=timedelta(milliseconds=21))
"""The same, with so much time between two that never two are on their way."""


class Bench:
    """A deliverer with a fake channel and a clock; `attempts` is what it reported."""

    def __init__(
        self, store: Store, channel: FakeChannel, clock: Clock | None = None, policy: ChannelPolicy = APART
    ) -> None:
        self.clock, self.channel, self.attempts = clock or Clock(), channel, Collected()
        self.dropped: list[tuple[str, str, int]] = []
        self.verdicts: list[str] = []
        self.deliverer = DeliveryWorker(
            channel=channel,
            policy=policy,
            outbox=store.outbox,
            clock=self.clock,
            jitter=fixed_jitter(),
            report=self.attempts,
            dropped=lambda *dropped: self.dropped.append(dropped),
            verdict=lambda name, verdict, outcome: self.verdicts.append(verdict),
        )

    @property
    def told(self) -> list[list[str]]:
        """The names in each message."""
        return [[each.name for each in sent if isinstance(each, Event)] for sent in self.channel.sent]

    @property
    def states(self) -> list[str]:
        return [each.settlement.state for each in self.attempts]


def stored(database: Path) -> DeliveryRow:
    """The only delivery there is, with its attempts."""
    (row,) = Reader(database).deliveries()
    found = Reader(database).delivery(row.id)
    assert found is not None
    return found


async def test_deliveries_go_out_the_most_overdue_first(store: Store) -> None:
    for snapshot_id, after_s in (("s_late", 5), ("s_early", 1), ("s_future", 60)):
        await tell(store, snapshot_id, after_s=after_s)
    bench = Bench(store, FakeChannel(), Clock(START + timedelta(seconds=10)))
    await bench.deliverer.deliver_due()
    assert bench.told == [["s_early"], ["s_late"]]
    assert bench.states == ["delivered", "delivered"]


async def test_where_there_is_time_between_two_messages_one_is_sent_at_a_time(store: Store) -> None:
    for number in range(3):
        await tell(store, f"s_{number}")
    bench = Bench(store, FakeChannel(held=True), policy=ONE_BY_ONE)
    delivering = asyncio.create_task(bench.deliverer.deliver_due())
    await bench.channel.begun.acquire()
    assert bench.channel.begun.locked()
    assert [row.state for row in _rows(store)] == ["sending", "pending", "pending"]
    bench.channel.release()
    await delivering
    assert len(bench.channel.sent) == 1  # the others are not due by the pace


async def test_what_is_never_merged_goes_side_by_side_but_never_all_at_once(store: Store) -> None:
    for number in range(MOST_SIDE_BY_SIDE + 1):
        await tell(store, f"s_{number}")
    bench = Bench(store, FakeChannel(held=True))
    delivering = asyncio.create_task(bench.deliverer.deliver_due())
    for _ in range(MOST_SIDE_BY_SIDE):
        await bench.channel.begun.acquire()
    assert [row.state for row in _rows(store)] == ["sending"] * MOST_SIDE_BY_SIDE + ["pending"]
    bench.channel.release()
    await delivering
    assert bench.told == [[f"s_{number}"] for number in range(MOST_SIDE_BY_SIDE + 1)]


async def test_each_of_those_side_by_side_is_settled_as_its_own_answer_comes(store: Store) -> None:
    bench = Bench(store, SlowFor("s_0"))
    for number in range(3):
        await tell(store, f"s_{number}")
    delivering = asyncio.create_task(bench.deliverer.deliver_due())
    await bench.attempts.reaches(2)
    assert [row.state for row in _rows(store)] == ["sending", "delivered", "delivered"]
    bench.channel.release()
    await delivering
    assert {row.state for row in _rows(store)} == {"delivered"}


class SlowFor(FakeChannel):
    """Answers at once, but holds what is told of one snapshot until `release()`."""

    def __init__(self, name: str) -> None:
        super().__init__(held=True)
        self._slow = name

    async def send(self, told: Sequence[Deliverable], reached: Collection[str] = ()) -> Outcome:
        """The next outcome of the script, or a long wait for it."""
        (event,) = told
        if isinstance(event, Event) and event.name == self._slow:
            return await super().send(told, reached)
        return DELIVERED


async def test_what_goes_side_by_side_and_fails_together_is_one_failure_of_the_channel(store: Store) -> None:
    for number in range(MOST_SIDE_BY_SIDE):
        await tell(store, f"s_{number}")
    bench = Bench(store, FakeChannel("chat", DOWN))
    await bench.deliverer.deliver_due()
    assert bench.states == ["retrying"] * MOST_SIDE_BY_SIDE
    assert bench.deliverer._health.failures == 1


async def test_one_that_gets_through_says_for_those_beside_it_that_the_channel_works(store: Store) -> None:
    bench = Bench(store, FakeChannel("chat", DOWN, DOWN, DELIVERED, DOWN))
    for number in range(4):
        await tell(store, f"s_{number}")
    await bench.deliverer.deliver_due()
    assert bench.states == ["retrying", "retrying", "delivered", "retrying"]
    assert bench.deliverer._health.failures == 0


async def test_as_many_as_go_side_by_side_as_much_longer_is_the_pause_after_them(store: Store) -> None:
    bench = Bench(store, FakeChannel(), policy=replace(APART, pace=timedelta(milliseconds=4)))
    for number in range(10):
        await tell(store, f"s_{number}")
    told_by: dict[int, int] = {}
    for ms in range(0, 44, 4):
        await bench.deliverer.deliver_due()
        told_by[ms] = len(bench.told)
        bench.clock.pass_(seconds=0.004)
    assert set(told_by.values()) == {5, 10}
    assert min(ms for ms, told in told_by.items() if told == 10) == 20


async def test_each_of_those_side_by_side_is_uncertain_when_they_are_cancelled(store: Store) -> None:
    for number in range(3):
        await tell(store, f"s_{number}")
    bench = Bench(store, FakeChannel(held=True))
    delivering = asyncio.create_task(bench.deliverer.deliver_due())
    for _ in range(3):
        await bench.channel.begun.acquire()
    delivering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await delivering
    assert [(row.state, row.reason) for row in _rows(store)] == [("uncertain", "stopped")] * 3


def _rows(store: Store) -> list[DeliveryRow]:
    return Reader(store._database.path).deliveries()[::-1]


async def test_what_failed_is_sent_again_when_its_pause_is_over_and_not_before(store: Store, database: Path) -> None:
    await tell(store)
    bench = Bench(
        store, FakeChannel("chat", DOWN, Outcome(kind=OutcomeKind.UNCERTAIN, reason="read_timeout"), DELIVERED)
    )
    for state in ("retrying", "uncertain", "delivered"):
        await bench.deliverer.deliver_due()
        assert stored(database).state == state
        await bench.deliverer.deliver_due()  # nothing is due yet
        if state != "delivered":
            not_before = stored(database).not_before
            assert not_before is not None
            assert not_before > bench.clock()
            bench.clock.now = not_before
    assert [each.reason for each in stored(database).attempts] == ["http_503", "read_timeout", "http_200"]
    assert bench.channel.sent == [(stored(database).event,)] * 3


async def test_a_channel_that_stays_down_is_tried_for_three_days_and_then_the_delivery_is_dead(
    store: Store, database: Path
) -> None:
    await tell(store)
    bench = Bench(store, FakeChannel("chat", DOWN))
    while (row := stored(database)).not_before is not None:
        bench.clock.now = row.not_before
        await bench.deliverer.deliver_due()
    assert bench.states[-1] == row.state == "dead"
    assert set(bench.states[:-1]) == {"retrying"}
    assert GIVE_UP_AFTER <= bench.clock() - START < GIVE_UP_AFTER + timedelta(hours=2)
    assert row.settled_at == bench.clock()


async def test_a_refusal_after_a_long_outage_is_still_tried_a_few_times(store: Store, database: Path) -> None:
    await tell(store)
    bench = Bench(store, FakeChannel("chat", *[DOWN] * 9, REFUSED))
    while (row := stored(database)).not_before is not None:
        bench.clock.now = row.not_before
        await bench.deliverer.deliver_due()
    assert [each.outcome for each in row.attempts] == ["retry"] * 9 + ["permanent"] * PERMANENT_TRIES


async def test_a_hanging_channel_does_not_hold_another(store: Store) -> None:
    await tell(store, "s_1", "hanging", "chat")
    hanging, healthy = Bench(store, FakeChannel("hanging", held=True)), Bench(store, FakeChannel())
    tasks = [asyncio.create_task(each.deliverer.run()) for each in (hanging, healthy)]
    await hanging.channel.begun.acquire()
    await healthy.attempts.reaches(1)
    assert healthy.states == ["delivered"]
    assert hanging.attempts == []
    hanging.channel.release()
    for each in (hanging, healthy):
        each.deliverer.stop()
    await asyncio.gather(*tasks)


async def test_stop_ends_after_the_send_in_flight(store: Store) -> None:
    for number in range(3):
        await tell(store, f"s_{number}")
    bench = Bench(store, FakeChannel(held=True), policy=ONE_BY_ONE)
    running = asyncio.create_task(bench.deliverer.run())
    await bench.channel.begun.acquire()
    bench.deliverer.stop()
    bench.channel.release()
    await running
    assert bench.states == ["delivered"]
    assert [row.state for row in _rows(store)] == ["delivered", "pending", "pending"]


async def test_stop_wakes_a_deliverer_that_has_nothing_to_do_and_one_that_never_began(store: Store) -> None:
    bench = Bench(store, FakeChannel())
    running = asyncio.create_task(bench.deliverer.run())
    await asyncio.sleep(0)
    bench.deliverer.stop()
    await running
    await bench.deliverer.run()


async def test_a_send_that_is_cancelled_is_uncertain_with_its_attempt_recorded(store: Store, database: Path) -> None:
    await tell(store)
    bench = Bench(store, FakeChannel(held=True))
    running = asyncio.create_task(bench.deliverer.run())
    await bench.channel.begun.acquire()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    row = stored(database)
    assert (row.state, row.reason, bench.states) == ("uncertain", "stopped", ["uncertain"])
    assert [(each.number, each.outcome) for each in row.attempts] == [(1, "uncertain")]
    assert await store.outbox.recover(START) == 0


async def test_what_was_sent_is_recorded_even_if_cancelled_meanwhile(store: Store, database: Path) -> None:
    """Cancelled after no turn of the loop, after one, and so on: a second copy needs a death, not a stop."""
    turns, finished = 0, False
    while not finished:
        snapshot_id = f"s_{turns}"
        await tell(store, snapshot_id)
        bench = Bench(store, FakeChannel())
        delivering = asyncio.create_task(bench.deliverer.deliver_due())
        await bench.channel.begun.acquire()
        for _ in range(turns):
            await asyncio.sleep(0)
        finished = not delivering.cancel()
        await asyncio.wait({delivering})
        assert len(bench.channel.sent) == 1
        assert [
            row.state for row in _rows(store) if isinstance(row.event, Event) and row.event.name == snapshot_id
        ] == ["delivered"]
        turns += 1 + turns // 20


async def test_a_wake_is_not_lost_whenever_it_comes(store: Store) -> None:
    bench = Bench(store, FakeChannel())
    running = asyncio.create_task(bench.deliverer.run())
    for number in range(30):
        await tell(store, f"s_{number}")
        bench.deliverer.wake()
        for _ in range(number):
            await asyncio.sleep(0)
    async with asyncio.timeout(20):  # less than the minute after which it looks by itself
        await bench.attempts.reaches(30)
    bench.deliverer.stop()
    await running


async def test_what_becomes_due_later_is_waited_for(store: Store) -> None:
    await tell(store, after_s=0.05)
    bench = Bench(store, FakeChannel())
    loop = asyncio.get_running_loop()
    began = loop.time()
    bench.deliverer._clock = lambda: START + timedelta(seconds=loop.time() - began)
    running = asyncio.create_task(bench.deliverer.run())
    await bench.attempts.reaches(1)
    assert loop.time() - began >= 0.05
    bench.deliverer.stop()
    await running


async def test_an_attempt_that_lost_its_delivery_is_not_reported(store: Store) -> None:
    await tell(store)
    bench = Bench(store, FakeChannel(held=True))
    delivering = asyncio.create_task(bench.deliverer.deliver_due())
    await bench.channel.begun.acquire()
    await store.outbox.recover(START + timedelta(hours=1))
    bench.channel.release()
    await delivering
    assert bench.attempts == []


async def test_one_event_goes_at_once_and_what_piles_up_behind_it_as_one_digest(store: Store) -> None:
    bench = Bench(store, FakeChannel(), policy=ChannelPolicy())
    for number in range(5):
        await tell(store, f"s_{number}")
        await bench.deliverer.deliver_due()
    assert bench.told == [["s_0"]]
    bench.clock.pass_(seconds=1)
    await bench.deliverer.deliver_due()
    assert bench.told == [["s_0"], ["s_1", "s_2", "s_3", "s_4"]]
    assert [each.together for each in bench.attempts] == [1, 4, 4, 4, 4]


class Narrow(FakeChannel):
    """Has room for three lines in a message, the last of what it is offered."""

    def going_together(self, told: Sequence[Deliverable]) -> Sequence[Deliverable]:
        """The last three."""
        return told[-3:]


async def test_what_a_message_has_no_room_for_waits_for_the_next_and_is_not_called_delivered(store: Store) -> None:
    for number in range(7):
        await tell(store, f"s_{number}")
    bench = Bench(store, Narrow(), policy=ChannelPolicy())
    left = 7
    for sent in (3, 3, 1):
        await bench.deliverer.deliver_due()
        left -= sent
        assert [row.state for row in _rows(store)].count("pending") == left
        bench.clock.pass_(seconds=1)  # the pace: nothing is gained by waiting longer for the rest
    assert bench.told == [["s_4", "s_5", "s_6"], ["s_1", "s_2", "s_3"], ["s_0"]]
    assert bench.states == ["delivered"] * 7


async def test_a_thousand_within_a_second_are_at_most_ten_messages(store: Store) -> None:
    bench = Bench(store, FakeChannel(), policy=ChannelPolicy())
    for first in range(0, 1_000, 20):
        await asyncio.gather(
            *(tell(store, f"s_{number}", after_s=number / 1_000) for number in range(first, first + 20))
        )
        bench.clock.pass_(seconds=0.02)
        await bench.deliverer.deliver_due()
    while len(bench.attempts) < 1_000:
        bench.clock.pass_(seconds=1)
        await bench.deliverer.deliver_due()
    assert len(bench.told) <= 10
    assert sum(len(message) for message in bench.told) == 1_000


async def test_a_clock_that_is_set_back_holds_a_channel_up_for_one_pause_only(store: Store) -> None:
    bench = Bench(store, FakeChannel(), policy=ChannelPolicy())
    await tell(store, "s_0", after_s=-7200)
    await bench.deliverer.deliver_due()
    await tell(store, "s_1", after_s=-7200)
    bench.clock.pass_(hours=-1)
    await bench.deliverer.deliver_due()
    assert bench.told == [["s_0"]]
    bench.clock.pass_(seconds=1)
    await bench.deliverer.deliver_due()
    assert bench.told == [["s_0"], ["s_1"]]


async def test_a_broken_channel_gets_one_at_a_time_is_told_once_and_when_it_heals_all_goes_out(
    store: Store, database: Path
) -> None:
    bench = Bench(store, FakeChannel("chat", DOWN), policy=ChannelPolicy())
    for number in range(20):
        await tell(store, f"s_{number}")
    for _ in range(200):
        bench.clock.pass_(seconds=1)
        await bench.deliverer.deliver_due()
    assert bench.verdicts == ["broken"]
    assert {len(message) for message in bench.told[4:]} == {1}
    bench.channel.outcomes = [DELIVERED]
    for _ in range(600):
        bench.clock.pass_(seconds=1)
        await bench.deliverer.deliver_due()
    assert bench.verdicts == ["broken", "healed"]
    assert {row.state for row in _rows(store)} == {"delivered"}


async def test_what_was_broken_when_the_last_daemon_ended_is_told_only_when_it_heals(store: Store) -> None:
    bench = Bench(store, FakeChannel("chat", DOWN, DELIVERED), policy=ChannelPolicy())
    bench.deliverer.assume_broken()
    await tell(store)
    for _ in range(60):
        bench.clock.pass_(seconds=1)
        await bench.deliverer.deliver_due()
    assert bench.verdicts == ["healed"]


async def test_what_is_dropped_is_reported_by_its_reason(store: Store) -> None:
    bench = Bench(store, FakeChannel(), policy=ChannelPolicy())
    for number in range(3):
        await tell(store, f"s_{number}")
        await store.outbox.mute(f"s_{number}", START, None)
    await bench.deliverer.deliver_due()
    assert bench.dropped == [("chat", "muted", 3)]
    assert bench.told == []


async def test_in_one_round_all_that_is_due_goes_out_at_the_channels_pace(store: Store) -> None:
    policy = ChannelPolicy(pace=timedelta(milliseconds=20), stretches=False, merges=False)
    bench = Bench(store, FakeChannel(), policy=policy)
    loop = asyncio.get_running_loop()
    began = loop.time()
    bench.deliverer._clock = lambda: START + timedelta(seconds=loop.time() - began)
    for number in range(4):
        await tell(store, f"s_{number}")
    await bench.deliverer.deliver_all()
    assert len(bench.told) == 4
    assert loop.time() - began >= 0.06


ONE_REFUSES = Outcome(kind=OutcomeKind.PERMANENT, reason="smtp_550", reached=frozenset({"a"}))


async def test_who_has_a_message_is_left_out_of_its_retries_also_after_a_restart(store: Store, database: Path) -> None:
    await tell(store)
    bench = Bench(store, FakeChannel("chat", ONE_REFUSES, ONE_REFUSES, DELIVERED))
    await bench.deliverer.deliver_due()
    for _ in range(2):
        bench = Bench(store, bench.channel, bench.clock)
        bench.clock.pass_(hours=1)
        await bench.deliverer.deliver_due()
    assert bench.channel.left_out == [frozenset(), {"a"}, {"a"}]
    assert stored(database).state == "delivered"


async def test_a_target_that_refuses_for_ever_makes_its_deliveries_dead_and_holds_up_no_other(
    store: Store, database: Path
) -> None:
    bench = Bench(store, FakeChannel("chat", ONE_REFUSES), policy=ChannelPolicy())
    for number in range(10):
        await tell(store, f"s_{number}", after_s=10 * number)
        bench.clock.pass_(seconds=10)
        await bench.deliverer.deliver_due()
    assert len(bench.attempts) >= 10
    assert not bench.deliverer._health.suspended
    for _ in range(200):
        bench.clock.pass_(minutes=1)
        await bench.deliverer.deliver_due()
    assert {row.state for row in Reader(database).deliveries()} == {"dead"}
    assert not bench.verdicts
    assert [left_out for left_out in bench.channel.left_out if not left_out] == [frozenset()] * 10


async def test_what_some_have_goes_with_its_like(store: Store) -> None:
    some = Outcome(kind=OutcomeKind.RETRY, reason="smtp_450", reached=frozenset({"a"}))
    bench = Bench(store, FakeChannel("chat", some, DELIVERED), policy=ChannelPolicy())
    for number in range(3):
        await tell(store, f"s_{number}")
    await bench.deliverer.deliver_due()
    await tell(store, "s_new", after_s=1)
    bench.clock.pass_(minutes=1)
    await bench.deliverer.deliver_due()
    bench.clock.pass_(minutes=1)
    await bench.deliverer.deliver_due()
    assert [
        (len(names), len(left_out)) for names, left_out in zip(bench.told, bench.channel.left_out, strict=True)
    ] in (
        [(3, 0), (3, 1), (1, 0)],
        [(3, 0), (1, 0), (3, 1)],
    )


class PoisonChannel(FakeChannel):
    """Raises whenever one of these snapshots is in the message."""

    def __init__(self, *poison: str) -> None:
        super().__init__()
        self.poison = set(poison)
        self.tried = 0

    async def send(self, told: Sequence[Deliverable], reached: Collection[str] = ()) -> Outcome:
        """Make the message, and send it."""
        self.tried += 1
        if self.poison & {each.transition.snapshot_id for each in told if isinstance(each, Event)}:
            raise OverflowError("a name that nobody can render")
        return await super().send(told, reached)


def bounded(bench: Bench) -> Collected:
    """What of the deliverer was bounded from now on."""
    told = Collected()
    bench.deliverer._faults = Faults(told)
    return told


async def test_one_delivery_that_cannot_be_made_costs_none_of_its_digest_anything(store: Store, database: Path) -> None:
    """The others go out at once, in a few parts; the next time it is tried alone, and in the end it is dead."""
    channel = PoisonChannel("s_17")
    bench = Bench(store, channel, policy=ChannelPolicy(pace=timedelta(0), stretches=False))
    faults = bounded(bench)
    for number in range(40):
        await tell(store, f"s_{number}")
    await bench.deliverer.deliver_due()
    sent = [each.transition.snapshot_id for told in channel.sent for each in told if isinstance(each, Event)]
    assert sorted(sent) == sorted(f"s_{number}" for number in range(40) if number != 17)
    assert len(channel.sent) <= 6
    assert {each.kind for each in faults} == {"delivery:OverflowError"}

    tried = channel.tried
    await tell(store, "s_new")
    bench.clock.pass_(minutes=1)
    await bench.deliverer.deliver_due()
    assert len(channel.sent[-1]) == 1
    assert channel.tried == tried + 2
    assert not bench.verdicts, "that says nothing of the channel"

    for _ in range(60):
        bench.clock.pass_(hours=2)
        await bench.deliverer.deliver_due()
    [row] = [row for row in Reader(database).deliveries() if row.state != "delivered"]
    assert (row.state, row.reason) == ("dead", "internal_error")


async def test_when_nothing_can_be_made_it_is_not_tried_in_ever_smaller_parts(store: Store) -> None:
    channel = PoisonChannel(*(f"s_{number}" for number in range(300)))
    bench = Bench(store, channel, policy=ChannelPolicy(pace=timedelta(0), stretches=False))
    bounded(bench)
    for number in range(300):
        await tell(store, f"s_{number}")
    await bench.deliverer.deliver_due()
    assert channel.tried <= 2 * MOST_PARTS
    assert len(bench.attempts) == 300


async def test_a_round_that_raises_leaves_nothing_as_being_sent(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is uncertain then, is tried again after a pause, and arrives."""
    monkeypatch.setattr(units, "FIRST_PAUSE", timedelta(milliseconds=10))
    bench = Bench(store, FakeChannel())
    faults = bounded(bench)
    monkeypatch.setattr(bench.deliverer, "_deliver", _raising(bench.deliverer._deliver, faults))
    await tell(store)
    running = asyncio.create_task(bench.deliverer.run())
    async with asyncio.timeout(10):
        await bench.attempts.reaches(1)
    bench.deliverer.stop()
    await running
    assert [each.kind for each in faults] == ["delivery:ZeroDivisionError"]
    assert bench.attempts[0].delivery.attempt == 2


def _raising(deliver: Callable[..., Awaitable[None]], faults: Collected) -> Callable[..., Awaitable[None]]:
    async def broken(*arguments: object, **options: object) -> None:
        if not faults:
            raise ZeroDivisionError("x")
        await deliver(*arguments, **options)

    return broken


async def test_what_a_far_side_said_that_cannot_be_kept_costs_no_second_copy(store: Store) -> None:
    """A lone surrogate has no place in the database."""
    odd = replace(DELIVERED, detail="\ud800")
    channel = FakeChannel("chat", odd)
    bench = Bench(store, channel)
    faults = bounded(bench)
    await tell(store)
    await bench.deliverer.deliver_due()
    assert len(channel.sent) == 1
    assert [each.outcome.kind for each in bench.attempts] == [OutcomeKind.DELIVERED]
    assert [each.kind for each in faults] == ["delivery:UnicodeEncodeError"]


async def test_after_a_message_that_was_not_its_own_got_through_a_channel_has_its_turn_at_once(store: Store) -> None:
    """It failed so often that it gets one message every few minutes; a `channel test` shows that it works."""
    bench = Bench(store, FakeChannel("chat", *[DOWN] * 12, DELIVERED), policy=ONE_BY_ONE)
    for number in range(12):
        await tell(store, f"s_{number}")
        bench.clock.pass_(minutes=10)
        await bench.deliverer.deliver_due()
    bench.clock.pass_(seconds=1)
    sent = len(bench.channel.sent)
    await store.outbox.hasten("chat", bench.clock())
    await bench.deliverer.deliver_due()
    assert len(bench.channel.sent) == sent
    bench.deliverer.got_through()
    await bench.deliverer.deliver_due()
    assert len(bench.channel.sent) > sent

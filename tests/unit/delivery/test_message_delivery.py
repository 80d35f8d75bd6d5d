"""The attempts of a channel: each is settled, repeated when it is time, and costs no other delivery anything."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support.fakes import DELIVERED, DOWN, REFUSED, START, FakeChannel
from support.worker_bench import Bench, stored, tell

from notifier.core.delivery.channel_policy import ChannelPolicy
from notifier.core.delivery.model import Deliverable, Event, Outcome, OutcomeKind
from notifier.core.delivery.retry_pauses import GIVE_UP_AFTER, PERMANENT_TRIES
from notifier.delivery.message_delivery import MOST_PARTS
from notifier.store.reader import DeliveryRow, Reader
from notifier.store.store import Store

ONE_REFUSES = Outcome(kind=OutcomeKind.PERMANENT, reason="smtp_550", reached=frozenset({"a"}))


async def test_each_of_those_side_by_side_is_settled_as_its_own_answer_comes(store: Store) -> None:
    bench = Bench(store, SlowFor("s_0"))
    for number in range(3):
        await tell(store, f"s_{number}")
    delivering = asyncio.create_task(bench.worker.deliver_due())
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


async def test_each_of_those_side_by_side_is_uncertain_when_they_are_cancelled(store: Store) -> None:
    for number in range(3):
        await tell(store, f"s_{number}")
    bench = Bench(store, FakeChannel(held=True))
    delivering = asyncio.create_task(bench.worker.deliver_due())
    for _ in range(3):
        await bench.channel.begun.acquire()
    delivering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await delivering
    assert [(row.state, row.reason) for row in _rows(store)] == [("uncertain", "stopped")] * 3


async def test_what_failed_is_sent_again_when_its_pause_is_over_and_not_before(store: Store, database: Path) -> None:
    await tell(store)
    bench = Bench(
        store, FakeChannel("chat", DOWN, Outcome(kind=OutcomeKind.UNCERTAIN, reason="read_timeout"), DELIVERED)
    )
    for state in ("retrying", "uncertain", "delivered"):
        await bench.worker.deliver_due()
        assert stored(database).state == state
        await bench.worker.deliver_due()  # nothing is due yet
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
        await bench.worker.deliver_due()
    assert bench.states[-1] == row.state == "dead"
    assert set(bench.states[:-1]) == {"retrying"}
    assert GIVE_UP_AFTER <= bench.clock() - START < GIVE_UP_AFTER + timedelta(hours=2)
    assert row.settled_at == bench.clock()


async def test_a_refusal_after_a_long_outage_is_still_tried_a_few_times(store: Store, database: Path) -> None:
    await tell(store)
    bench = Bench(store, FakeChannel("chat", *[DOWN] * 9, REFUSED))
    while (row := stored(database)).not_before is not None:
        bench.clock.now = row.not_before
        await bench.worker.deliver_due()
    assert [each.outcome for each in row.attempts] == ["retry"] * 9 + ["permanent"] * PERMANENT_TRIES


async def test_a_send_that_is_cancelled_is_uncertain_with_its_attempt_recorded(store: Store, database: Path) -> None:
    await tell(store)
    bench = Bench(store, FakeChannel(held=True))
    running = asyncio.create_task(bench.worker.run())
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
        delivering = asyncio.create_task(bench.worker.deliver_due())
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


async def test_an_attempt_that_lost_its_delivery_is_not_reported(store: Store) -> None:
    await tell(store)
    bench = Bench(store, FakeChannel(held=True))
    delivering = asyncio.create_task(bench.worker.deliver_due())
    await bench.channel.begun.acquire()
    await store.outbox.recover(START + timedelta(hours=1))
    bench.channel.release()
    await delivering
    assert bench.attempts == []


async def test_who_has_a_message_is_left_out_of_its_retries_also_after_a_restart(store: Store, database: Path) -> None:
    await tell(store)
    bench = Bench(store, FakeChannel("chat", ONE_REFUSES, ONE_REFUSES, DELIVERED))
    await bench.worker.deliver_due()
    for _ in range(2):
        bench = Bench(store, bench.channel, bench.clock)
        bench.clock.pass_(hours=1)
        await bench.worker.deliver_due()
    assert bench.channel.left_out == [frozenset(), {"a"}, {"a"}]
    assert stored(database).state == "delivered"


async def test_a_target_that_refuses_for_ever_makes_its_deliveries_dead_and_holds_up_no_other(
    store: Store, database: Path
) -> None:
    bench = Bench(store, FakeChannel("chat", ONE_REFUSES), policy=ChannelPolicy())
    for number in range(10):
        await tell(store, f"s_{number}", after_s=10 * number)
        bench.clock.pass_(seconds=10)
        await bench.worker.deliver_due()
    assert len(bench.attempts) >= 10
    assert not bench.worker._health.suspended
    for _ in range(200):
        bench.clock.pass_(minutes=1)
        await bench.worker.deliver_due()
    assert {row.state for row in Reader(database).deliveries()} == {"dead"}
    assert not bench.verdicts
    assert [left_out for left_out in bench.channel.left_out if not left_out] == [frozenset()] * 10


async def test_what_some_have_goes_with_its_like(store: Store) -> None:
    some = Outcome(kind=OutcomeKind.RETRY, reason="smtp_450", reached=frozenset({"a"}))
    bench = Bench(store, FakeChannel("chat", some, DELIVERED), policy=ChannelPolicy())
    for number in range(3):
        await tell(store, f"s_{number}")
    await bench.worker.deliver_due()
    await tell(store, "s_new", after_s=1)
    bench.clock.pass_(minutes=1)
    await bench.worker.deliver_due()
    bench.clock.pass_(minutes=1)
    await bench.worker.deliver_due()
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


async def test_one_delivery_that_cannot_be_made_costs_none_of_its_digest_anything(store: Store, database: Path) -> None:
    """The others go out at once, in a few parts; the next time it is tried alone, and in the end it is dead."""
    channel = PoisonChannel("s_17")
    bench = Bench(store, channel, policy=ChannelPolicy(pace=timedelta(0), stretches=False), bounded=True)
    faults = bench.faults
    for number in range(40):
        await tell(store, f"s_{number}")
    await bench.worker.deliver_due()
    sent = [each.transition.snapshot_id for told in channel.sent for each in told if isinstance(each, Event)]
    assert sorted(sent) == sorted(f"s_{number}" for number in range(40) if number != 17)
    assert len(channel.sent) <= 6
    assert {each.kind for each in faults} == {"delivery:OverflowError"}

    tried = channel.tried
    await tell(store, "s_new")
    bench.clock.pass_(minutes=1)
    await bench.worker.deliver_due()
    assert len(channel.sent[-1]) == 1
    assert channel.tried == tried + 2
    assert not bench.verdicts, "that says nothing of the channel"

    for _ in range(60):
        bench.clock.pass_(hours=2)
        await bench.worker.deliver_due()
    [row] = [row for row in Reader(database).deliveries() if row.state != "delivered"]
    assert (row.state, row.reason) == ("dead", "internal_error")


async def test_when_nothing_can_be_made_it_is_not_tried_in_ever_smaller_parts(store: Store) -> None:
    channel = PoisonChannel(*(f"s_{number}" for number in range(300)))
    bench = Bench(store, channel, policy=ChannelPolicy(pace=timedelta(0), stretches=False), bounded=True)
    for number in range(300):
        await tell(store, f"s_{number}")
    await bench.worker.deliver_due()
    assert channel.tried <= 2 * MOST_PARTS
    assert len(bench.attempts) == 300


async def test_what_a_far_side_said_that_cannot_be_kept_costs_no_second_copy(store: Store) -> None:
    """A lone surrogate has no place in the database."""
    odd = replace(DELIVERED, detail="\ud800")
    channel = FakeChannel("chat", odd)
    bench = Bench(store, channel, bounded=True)
    faults = bench.faults
    await tell(store)
    await bench.worker.deliver_due()
    assert len(channel.sent) == 1
    assert [each.outcome.kind for each in bench.attempts] == [OutcomeKind.DELIVERED]
    assert [each.kind for each in faults] == ["delivery:UnicodeEncodeError"]


def _rows(store: Store) -> list[DeliveryRow]:
    return Reader(store._database.path).deliveries()[::-1]

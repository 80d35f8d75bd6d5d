"""A channel's worker: its pace, its digests, how it wakes and stops, and how its health changes. The store is real."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.fakes import DELIVERED, DOWN, START, Clock, Collected, FakeChannel
from support.waiting import until
from support.worker_bench import APART, ONE_BY_ONE, Bench, tell

from notifier.core import work_units
from notifier.core.delivery.channel_policy import MOST_PARALLEL, ChannelPolicy
from notifier.core.delivery.model import Deliverable
from notifier.store.reader import DeliveryRow, Reader
from notifier.store.store import Store


async def test_deliveries_go_out_the_most_overdue_first(store: Store) -> None:
    for snapshot_id, after_s in (("s_late", 5), ("s_early", 1), ("s_future", 60)):
        await tell(store, snapshot_id, after_s=after_s)
    bench = Bench(store, FakeChannel(), Clock(START + timedelta(seconds=10)))
    await bench.worker.deliver_due()
    assert bench.told == [["s_early"], ["s_late"]]
    assert bench.states == ["delivered", "delivered"]


@pytest.mark.parametrize("policy", [APART, ONE_BY_ONE])
async def test_an_event_alone_takes_one_claim_and_one_question(
    store: Store, policy: ChannelPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each transaction more that the worker begins delays the next event by one."""
    began: list[str] = []
    run = store.outbox.claim, store.outbox.next_due
    for name, method in zip(("claim", "next_due"), run, strict=True):

        async def counted(*arguments: Any, name: str = name, method: Any = method) -> Any:
            began.append(name)
            return await method(*arguments)

        monkeypatch.setattr(store.outbox, name, counted)
    await tell(store)
    bench = Bench(store, FakeChannel(), policy=policy)
    working = asyncio.create_task(bench.worker.run())
    await until(lambda: "next_due" in began)
    bench.worker.stop()
    await working
    assert bench.told == [["s_1"]]
    assert began == ["claim", "next_due"]


async def test_where_there_is_time_between_two_messages_one_is_sent_at_a_time(store: Store) -> None:
    for number in range(3):
        await tell(store, f"s_{number}")
    bench = Bench(store, FakeChannel(held=True), policy=ONE_BY_ONE)
    delivering = asyncio.create_task(bench.worker.deliver_due())
    await bench.channel.begun.acquire()
    assert bench.channel.begun.locked()
    assert [row.state for row in _rows(store)] == ["sending", "pending", "pending"]
    bench.channel.release()
    await delivering
    assert len(bench.channel.sent) == 1  # the others are not due by the pace


async def test_what_is_never_merged_goes_side_by_side_but_never_all_at_once(store: Store) -> None:
    for number in range(MOST_PARALLEL + 1):
        await tell(store, f"s_{number}")
    bench = Bench(store, FakeChannel(held=True))
    delivering = asyncio.create_task(bench.worker.deliver_due())
    for _ in range(MOST_PARALLEL):
        await bench.channel.begun.acquire()
    assert [row.state for row in _rows(store)] == ["sending"] * MOST_PARALLEL + ["pending"]
    bench.channel.release()
    await delivering
    assert bench.told == [[f"s_{number}"] for number in range(MOST_PARALLEL + 1)]


async def test_what_goes_side_by_side_and_fails_together_is_one_failure_of_the_channel(store: Store) -> None:
    for number in range(MOST_PARALLEL):
        await tell(store, f"s_{number}")
    bench = Bench(store, FakeChannel("chat", DOWN))
    await bench.worker.deliver_due()
    assert bench.states == ["retrying"] * MOST_PARALLEL
    assert bench.worker._health.failures == 1


async def test_one_that_gets_through_says_for_those_beside_it_that_the_channel_works(store: Store) -> None:
    bench = Bench(store, FakeChannel("chat", DOWN, DOWN, DELIVERED, DOWN))
    for number in range(4):
        await tell(store, f"s_{number}")
    await bench.worker.deliver_due()
    assert bench.states == ["retrying", "retrying", "delivered", "retrying"]
    assert bench.worker._health.failures == 0


async def test_as_many_as_go_side_by_side_as_much_longer_is_the_pause_after_them(store: Store) -> None:
    bench = Bench(store, FakeChannel(), policy=replace(APART, pace=timedelta(milliseconds=4)))
    for number in range(10):
        await tell(store, f"s_{number}")
    told_by: dict[int, int] = {}
    for ms in range(0, 44, 4):
        await bench.worker.deliver_due()
        told_by[ms] = len(bench.told)
        bench.clock.pass_(seconds=0.004)
    assert set(told_by.values()) == {5, 10}
    assert min(ms for ms, told in told_by.items() if told == 10) == 20


async def test_a_hanging_channel_does_not_hold_another(store: Store) -> None:
    await tell(store, "s_1", "hanging", "chat")
    hanging, healthy = Bench(store, FakeChannel("hanging", held=True)), Bench(store, FakeChannel())
    tasks = [asyncio.create_task(each.worker.run()) for each in (hanging, healthy)]
    await hanging.channel.begun.acquire()
    await healthy.attempts.reaches(1)
    assert healthy.states == ["delivered"]
    assert hanging.attempts == []
    hanging.channel.release()
    for each in (hanging, healthy):
        each.worker.stop()
    await asyncio.gather(*tasks)


async def test_stop_ends_after_the_send_in_flight(store: Store) -> None:
    for number in range(3):
        await tell(store, f"s_{number}")
    bench = Bench(store, FakeChannel(held=True), policy=ONE_BY_ONE)
    running = asyncio.create_task(bench.worker.run())
    await bench.channel.begun.acquire()
    bench.worker.stop()
    bench.channel.release()
    await running
    assert bench.states == ["delivered"]
    assert [row.state for row in _rows(store)] == ["delivered", "pending", "pending"]


async def test_stop_wakes_a_deliverer_that_has_nothing_to_do_and_one_that_never_began(store: Store) -> None:
    bench = Bench(store, FakeChannel())
    running = asyncio.create_task(bench.worker.run())
    await asyncio.sleep(0)
    bench.worker.stop()
    await running
    await bench.worker.run()


async def test_a_wake_is_not_lost_whenever_it_comes(store: Store) -> None:
    bench = Bench(store, FakeChannel())
    running = asyncio.create_task(bench.worker.run())
    for number in range(30):
        await tell(store, f"s_{number}")
        bench.worker.wake()
        for _ in range(number):
            await asyncio.sleep(0)
    async with asyncio.timeout(20):  # less than the minute after which it looks by itself
        await bench.attempts.reaches(30)
    bench.worker.stop()
    await running


async def test_what_becomes_due_later_is_waited_for(store: Store) -> None:
    await tell(store, after_s=0.05)
    bench = Bench(store, FakeChannel())
    loop = asyncio.get_running_loop()
    began = loop.time()
    bench.worker._clock = lambda: START + timedelta(seconds=loop.time() - began)
    running = asyncio.create_task(bench.worker.run())
    await bench.attempts.reaches(1)
    assert loop.time() - began >= 0.05
    bench.worker.stop()
    await running


async def test_one_event_goes_at_once_and_what_piles_up_behind_it_as_one_digest(store: Store) -> None:
    bench = Bench(store, FakeChannel(), policy=ChannelPolicy())
    for number in range(5):
        await tell(store, f"s_{number}")
        await bench.worker.deliver_due()
    assert bench.told == [["s_0"]]
    bench.clock.pass_(seconds=1)
    await bench.worker.deliver_due()
    assert bench.told == [["s_0"], ["s_1", "s_2", "s_3", "s_4"]]
    assert [each.together for each in bench.attempts] == [1, 4, 4, 4, 4]


class Narrow(FakeChannel):
    """Has room for three lines in a message, the last of what it is offered."""

    def batchable(self, told: Sequence[Deliverable]) -> Sequence[Deliverable]:
        """The last three."""
        return told[-3:]


async def test_what_a_message_has_no_room_for_waits_for_the_next_and_is_not_called_delivered(store: Store) -> None:
    for number in range(7):
        await tell(store, f"s_{number}")
    bench = Bench(store, Narrow(), policy=ChannelPolicy())
    left = 7
    for sent in (3, 3, 1):
        await bench.worker.deliver_due()
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
        await bench.worker.deliver_due()
    while len(bench.attempts) < 1_000:
        bench.clock.pass_(seconds=1)
        await bench.worker.deliver_due()
    assert len(bench.told) <= 10
    assert sum(len(message) for message in bench.told) == 1_000


async def test_a_clock_that_is_set_back_holds_a_channel_up_for_one_pause_only(store: Store) -> None:
    bench = Bench(store, FakeChannel(), policy=ChannelPolicy())
    await tell(store, "s_0", after_s=-7200)
    await bench.worker.deliver_due()
    await tell(store, "s_1", after_s=-7200)
    bench.clock.pass_(hours=-1)
    await bench.worker.deliver_due()
    assert bench.told == [["s_0"]]
    bench.clock.pass_(seconds=1)
    await bench.worker.deliver_due()
    assert bench.told == [["s_0"], ["s_1"]]


async def test_a_broken_channel_gets_one_at_a_time_is_told_once_and_when_it_heals_all_goes_out(
    store: Store, database: Path
) -> None:
    bench = Bench(store, FakeChannel("chat", DOWN), policy=ChannelPolicy())
    for number in range(20):
        await tell(store, f"s_{number}")
    for _ in range(200):
        bench.clock.pass_(seconds=1)
        await bench.worker.deliver_due()
    assert bench.verdicts == ["broken"]
    assert {len(message) for message in bench.told[4:]} == {1}
    bench.channel.outcomes = [DELIVERED]
    for _ in range(600):
        bench.clock.pass_(seconds=1)
        await bench.worker.deliver_due()
    assert bench.verdicts == ["broken", "healed"]
    assert {row.state for row in _rows(store)} == {"delivered"}


async def test_what_was_broken_when_the_last_daemon_ended_is_told_only_when_it_heals(store: Store) -> None:
    bench = Bench(store, FakeChannel("chat", DOWN, DELIVERED), policy=ChannelPolicy())
    bench.worker.assume_broken()
    await tell(store)
    for _ in range(60):
        bench.clock.pass_(seconds=1)
        await bench.worker.deliver_due()
    assert bench.verdicts == ["healed"]


async def test_what_is_dropped_is_reported_by_its_reason(store: Store) -> None:
    bench = Bench(store, FakeChannel(), policy=ChannelPolicy())
    for number in range(3):
        await tell(store, f"s_{number}")
        await store.outbox.mute(f"s_{number}", START, None)
    await bench.worker.deliver_due()
    assert bench.dropped == [("chat", "muted", 3)]
    assert bench.told == []


async def test_in_one_round_all_that_is_due_goes_out_at_the_channels_pace(store: Store) -> None:
    policy = ChannelPolicy(pace=timedelta(milliseconds=20), stretches=False, merges=False)
    bench = Bench(store, FakeChannel(), policy=policy)
    loop = asyncio.get_running_loop()
    began = loop.time()
    bench.worker._clock = lambda: START + timedelta(seconds=loop.time() - began)
    for number in range(4):
        await tell(store, f"s_{number}")
    await bench.worker.deliver_all()
    assert len(bench.told) == 4
    assert loop.time() - began >= 0.06


async def test_a_round_that_raises_leaves_nothing_as_being_sent(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is uncertain then, is tried again after a pause, and arrives."""
    monkeypatch.setattr(work_units, "FIRST_PAUSE", timedelta(milliseconds=10))
    bench = Bench(store, FakeChannel(), bounded=True)
    faults = bench.faults
    monkeypatch.setattr(bench.worker, "_deliver", _raising(bench.worker._deliver, faults))
    await tell(store)
    running = asyncio.create_task(bench.worker.run())
    async with asyncio.timeout(10):
        await bench.attempts.reaches(1)
    bench.worker.stop()
    await running
    assert [each.kind for each in faults] == ["delivery:ZeroDivisionError"]
    assert bench.attempts[0].delivery.attempt == 2


def _raising(deliver: Callable[..., Awaitable[None]], faults: Collected) -> Callable[..., Awaitable[None]]:
    async def broken(*arguments: object, **options: object) -> None:
        if not faults:
            raise ZeroDivisionError("x")
        await deliver(*arguments, **options)

    return broken


async def test_after_a_message_that_was_not_its_own_got_through_a_channel_has_its_turn_at_once(store: Store) -> None:
    """It failed so often that it gets one message every few minutes; a `channel test` shows that it works."""
    bench = Bench(store, FakeChannel("chat", *[DOWN] * 12, DELIVERED), policy=ONE_BY_ONE)
    for number in range(12):
        await tell(store, f"s_{number}")
        bench.clock.pass_(minutes=10)
        await bench.worker.deliver_due()
    bench.clock.pass_(seconds=1)
    sent = len(bench.channel.sent)
    await store.outbox.retry_now("chat", bench.clock())
    await bench.worker.deliver_due()
    assert len(bench.channel.sent) == sent
    bench.worker.got_through()
    await bench.worker.deliver_due()
    assert len(bench.channel.sent) > sent


def _rows(store: Store) -> list[DeliveryRow]:
    return Reader(store._database.path).deliveries()[::-1]


async def test_a_channel_that_fails_says_when_it_is_tried_next_and_is_tried_at_once_when_asked(store: Store) -> None:
    for number in range(2):
        await tell(store, f"s_{number}")
    bench = Bench(store, FakeChannel("chat", DOWN))
    assert bench.worker.next_try is None
    bench.worker.assume_broken()
    await bench.worker.deliver_due()
    assert len(bench.channel.sent) == 1
    at = bench.worker.next_try
    assert at is not None
    assert at > START
    await bench.worker.deliver_due()
    assert len(bench.channel.sent) == 1
    bench.worker.got_through()
    await bench.worker.deliver_due()
    assert len(bench.channel.sent) == 2

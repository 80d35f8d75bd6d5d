"""What is committed while messages are in flight: what goes beside them, and what waits. The store is real."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from support.fakes import DELIVERED, DOWN, START, FakeChannel, seen, watch
from support.waiting import until
from support.worker_bench import APART, ONE_BY_ONE, Bench, tell

from notifier.core.delivery.channel_policy import MOST_PARALLEL, ChannelPolicy
from notifier.core.delivery.routing import event_of
from notifier.core.snapshot.transitions import step
from notifier.store.store import Store


@asynccontextmanager
async def in_flight(store: Store, *, policy: ChannelPolicy = APART, number: int = 1) -> AsyncIterator[Bench]:
    """A worker that runs, with so many messages on their way that nobody answers yet; it is stopped at the end."""
    for index in range(number):
        await tell(store, f"s_{index}")
    bench = Bench(store, FakeChannel(held=True), policy=policy)
    running = asyncio.create_task(bench.worker.run())
    for _ in range(number):
        await bench.channel.begun.acquire()
    try:
        yield bench
    finally:
        bench.channel.release()
        bench.worker.stop()
        await running


async def test_what_is_committed_while_a_message_is_in_flight_goes_beside_it(store: Store) -> None:
    async with in_flight(store) as bench:
        await tell(store, "s_new")
        bench.worker.wake()
        await bench.channel.begun.acquire()
        assert bench.attempts == []
    assert sorted(bench.told) == [["s_0"], ["s_new"]]
    assert bench.states == ["delivered"] * 2


async def test_the_next_event_of_a_snapshot_waits_for_the_one_in_flight(store: Store) -> None:
    async with in_flight(store) as bench:
        await _tell_next(store, "s_0")
        await tell(store, "s_new")
        bench.worker.wake()
        await bench.channel.begun.acquire()
        assert bench.channel.begun.locked()
        bench.channel.release()
        await bench.attempts.reaches(3)
    assert sorted(bench.told[:2]) == [["s_0"], ["s_new"]]
    assert bench.told[2] == ["s_0"]


async def test_what_goes_beside_others_is_no_more_than_there_is_room_for(store: Store) -> None:
    async with in_flight(store) as bench:
        for number in range(MOST_PARALLEL):
            await tell(store, f"s_new_{number}")
        bench.worker.wake()
        for _ in range(MOST_PARALLEL - 1):
            await bench.channel.begun.acquire()
        assert bench.channel.begun.locked()
        bench.channel.release()
        await bench.attempts.reaches(MOST_PARALLEL + 1)


@pytest.mark.parametrize(("policy", "number"), [(ONE_BY_ONE, 1), (ChannelPolicy(), 1), (APART, MOST_PARALLEL - 3)])
async def test_nothing_is_claimed_beside_what_leaves_too_little_room(
    store: Store, policy: ChannelPolicy, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with in_flight(store, policy=policy, number=number) as bench:
        claims = _counted(store, monkeypatch)
        await tell(store, "s_new")
        bench.worker.wake()
        await store.outbox.next_due("chat")  # a claim would have come before it
        assert claims == []


async def test_nothing_goes_beside_a_message_to_a_channel_that_fails(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(store, FakeChannel("chat", DOWN))
    await tell(store, "s_down")
    await bench.worker.deliver_due()
    bench.channel = bench.worker._channel = bench.worker._message._channel = FakeChannel(held=True)
    await tell(store, "s_0")
    delivering = asyncio.create_task(bench.worker.deliver_due())
    await bench.channel.begun.acquire()
    claims = _counted(store, monkeypatch)
    await tell(store, "s_new")
    bench.worker.wake()
    await store.outbox.next_due("chat")
    assert claims == []
    bench.channel.release()
    await delivering


async def test_what_goes_beside_others_keeps_the_pace(store: Store) -> None:
    pace = timedelta(milliseconds=10)
    began = asyncio.get_running_loop().time()
    async with in_flight(store, policy=ChannelPolicy(pace=pace, stretches=False, merges=False)) as bench:
        await tell(store, "s_new")
        bench.worker.wake()
        await bench.channel.begun.acquire()
        assert asyncio.get_running_loop().time() - began >= pace.total_seconds()


async def test_a_claim_that_raises_is_raised_when_what_is_in_flight_has_arrived(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await tell(store, "s_0")
    bench = Bench(store, FakeChannel(held=True))
    delivering = asyncio.create_task(bench.worker.deliver_due())
    await bench.channel.begun.acquire()
    claims = _counted(store, monkeypatch, ZeroDivisionError("x"))
    bench.worker.wake()
    await until(lambda: bool(claims))
    assert not delivering.done()
    bench.channel.release()
    with pytest.raises(ZeroDivisionError):
        await delivering
    assert bench.states == ["delivered"]


async def test_cancelled_all_that_is_in_flight_is_settled_as_uncertain(store: Store) -> None:
    await tell(store, "s_0")
    bench = Bench(store, FakeChannel("chat", DELIVERED, held=True))
    delivering = asyncio.create_task(bench.worker.deliver_due())
    await bench.channel.begun.acquire()
    await tell(store, "s_new")
    bench.worker.wake()
    await bench.channel.begun.acquire()
    delivering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await delivering
    assert [each.outcome.reason for each in bench.attempts] == ["stopped"] * 2


def _counted(store: Store, monkeypatch: pytest.MonkeyPatch, error: Exception | None = None) -> list[None]:
    """Grows with each claim from now on, which raises if an error is given."""
    claims: list[None] = []
    claim: Callable[..., Awaitable[Any]] = store.outbox.claim

    async def counted(*arguments: Any) -> Any:
        claims.append(None)
        if error is not None:
            raise error
        return await claim(*arguments)

    monkeypatch.setattr(store.outbox, "claim", counted)
    return claims


async def _tell_next(store: Store, snapshot_id: str) -> None:
    """Commit that a snapshot that was ready has failed after all."""
    before = await store.state(snapshot_id)
    after, (transition,) = step(before, seen("failed"), START, timedelta(0))
    event = event_of(transition, watch(snapshot_id, name=snapshot_id))
    assert await store.commit(watch=watch(snapshot_id), before=before, after=after, events=[(event, ["chat"])])

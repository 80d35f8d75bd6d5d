"""The channels at work are kept, replaced and let go as the configuration says, and no delivery is lost by it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support import outboxes
from support.fakes import DELIVERED, DOWN, START, Clock, FakeChannel, fixed_jitter

from notifier.config.model import Channel
from notifier.core.delivery.channel_policy import ChannelPolicy
from notifier.core.delivery.model import Outcome
from notifier.core.health.channel import ChannelVerdict
from notifier.core.outcomes import DeliveryOutcome
from notifier.delivery import dispatcher as module
from notifier.delivery.dispatcher import Dispatcher
from notifier.store.store import Store

PLAIN = ChannelPolicy(pace=timedelta(0), stretches=False, merges=False)


class Bench:
    """Senders whose channels are fakes, by their URL; `verdicts` and `settled` is what was told."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store, self.clock = store, Clock()
        self.fakes: dict[str, FakeChannel] = {}
        self.verdicts: list[tuple[str, ChannelVerdict]] = []
        self.states: list[str] = []
        self.raises: Exception | None = None
        self._grown = asyncio.Event()
        monkeypatch.setattr(module, "sender_for", lambda channel, **_: self.fakes[channel.url])
        self.senders = Dispatcher(
            outbox=store.outbox,
            clock=self.clock,
            jitter=fixed_jitter(),
            redact=str,
            delivered=self._delivered,
            dropped=lambda *_: None,
            template_failed=lambda *_: None,
            verdict=self._judged,
        )

    def _judged(self, channel: str, verdict: ChannelVerdict, outcome: Outcome) -> None:
        self.verdicts.append((channel, verdict))

    def _delivered(self, outcome: DeliveryOutcome) -> None:
        if self.raises is not None:
            raise self.raises
        self.states.append(outcome.decision.state)
        self._grown.set()

    def fake(self, url: str, *outcomes: Outcome, held: bool = False) -> FakeChannel:
        """What answers at this URL."""
        self.fakes[url] = FakeChannel("chat", *outcomes, held=held)
        return self.fakes[url]

    def configure(self, *urls: str) -> None:
        """`chat` at this URL, or no channel."""
        channels = [Channel(name="chat", url=url, policy=PLAIN) for url in urls]
        self.senders.configure({channel.name: channel for channel in channels})

    async def settled(self, number: int) -> list[str]:
        """The states of so many settled attempts."""
        async with asyncio.timeout(2):
            while len(self.states) < number:
                self._grown.clear()
                await self._grown.wait()
        return self.states

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """They run."""
        task = asyncio.create_task(self.senders.run())
        await asyncio.sleep(0)
        try:
            yield
        finally:
            await self.senders.stop(timedelta(seconds=0.1))
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    async with Store(tmp_path / "notifier.db") as store:
        yield Bench(store, monkeypatch)


def worker(bench: Bench) -> Any:
    return bench.senders._running["chat"].worker


async def test_an_unchanged_channel_goes_on_undisturbed_in_the_middle_of_a_send(bench: Bench) -> None:
    channel = bench.fake("json://a", held=True)
    bench.configure("json://a")
    await outboxes.tell(bench.store, "chat")
    async with bench.running():
        await channel.begun.acquire()
        before = worker(bench)
        bench.configure("json://a")
        assert worker(bench) is before
        channel.release()
        assert await bench.settled(1) == ["delivered"]
    assert len(channel.sent) == 1


async def test_what_a_changed_channel_leaves_is_delivered_at_its_new_address_when_it_is_due(bench: Bench) -> None:
    old, new = bench.fake("json://a", DOWN, held=True), bench.fake("json://b")
    bench.configure("json://a")
    await outboxes.tell(bench.store, "chat")
    async with bench.running():
        await old.begun.acquire()
        bench.configure("json://b")
        await asyncio.sleep(0.05)  # the new one has found nothing, and sleeps
        bench.clock.pass_(seconds=-3600)
        old.release()
        await bench.settled(1)
        bench.clock.pass_(hours=2)
        bench.senders.wake_all()
        assert await bench.settled(2) == ["retrying", "delivered"]
    assert (len(old.sent), len(new.sent)) == (1, 1)


async def test_the_end_of_a_replaced_channel_wakes_its_successor(bench: Bench) -> None:
    old = bench.fake("json://a", DOWN, held=True)
    bench.fake("json://b")
    bench.configure("json://a")
    await outboxes.tell(bench.store, "chat")
    async with bench.running():
        await old.begun.acquire()
        bench.configure("json://b")
        woken = asyncio.Event()
        worker(bench).wake = woken.set
        old.release()
        async with asyncio.timeout(2):
            await woken.wait()


async def test_what_waits_for_a_removed_channel_goes_out_when_it_is_back(bench: Bench) -> None:
    channel = bench.fake("json://a")
    bench.configure()
    await outboxes.tell(bench.store, "chat")
    async with bench.running():
        bench.senders.wake(["chat"])
        assert not channel.sent
        bench.configure("json://a")
        assert await bench.settled(1) == ["delivered"]


@pytest.mark.parametrize("path", [["json://b"], [None, "json://b"]], ids=["changed", "gone and back"])
async def test_a_broken_channel_that_works_at_another_address_is_told_healed_once(
    bench: Bench, path: list[str | None]
) -> None:
    old = bench.fake("json://a", DELIVERED, held=True)
    bench.fake("json://b", DELIVERED)
    bench.configure("json://a")
    bench.senders.assume_broken("chat")
    for snapshot in ("s_1", "s_2"):
        await outboxes.tell(bench.store, "chat", snapshot_id=snapshot)
    async with bench.running():
        await old.begun.acquire()
        for url in path:
            bench.configure(*([url] if url else []))
        await bench.settled(1)
        old.release()
        assert await bench.settled(2) == ["delivered", "delivered"]
    assert bench.verdicts == [("chat", ChannelVerdict.HEALED)]


async def test_a_broken_channel_that_is_not_configured_at_the_start_is_told_healed_when_it_is_back(
    bench: Bench,
) -> None:
    bench.fake("json://a")
    bench.senders.assume_broken("chat")
    bench.configure("json://a")
    await outboxes.tell(bench.store, "chat")
    await bench.senders.deliver_all()
    assert bench.verdicts == [("chat", ChannelVerdict.HEALED)]


async def test_stopping_ends_in_time_also_with_a_replaced_channel_in_the_middle_of_a_send(bench: Bench) -> None:
    old = bench.fake("json://a", held=True)
    bench.fake("json://b")
    bench.configure("json://a")
    await outboxes.tell(bench.store, "chat")
    async with asyncio.timeout(2), bench.running():
        await old.begun.acquire()
        bench.configure("json://b")
        await bench.senders.stop(timedelta(seconds=0.05))
    assert bench.states == ["uncertain"]


async def test_a_deliverer_that_raises_ends_all_with_its_exception(bench: Bench) -> None:
    bench.fake("json://a")
    bench.configure("json://a")
    bench.raises = OSError("disk")
    await outboxes.tell(bench.store, "chat", at=START)
    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.timeout(2):
            await bench.senders.run()
    assert caught.value.exceptions == (bench.raises,)

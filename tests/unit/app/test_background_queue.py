"""What nobody waits for is done all the same."""

import asyncio
from datetime import timedelta

import pytest
from support.fakes import Collected

from notifier.app.background_queue import MOST_TRIES, BackgroundQueue
from notifier.core import work_units
from notifier.core.isolation import Faults


async def test_work_is_done_in_its_order_and_one_that_was_interrupted_is_done_at_the_end() -> None:
    """Stopping in the middle of one loses neither it nor what came behind it."""
    queue, done, begun = BackgroundQueue(), list[str](), asyncio.Event()

    async def slow(name: str) -> None:
        if not begun.is_set():
            begun.set()
            await asyncio.Event().wait()
        done.append(name)

    async def quick(name: str) -> None:
        done.append(name)

    queue.later(quick, "first")
    queue.later(slow, "second")
    queue.later(quick, "third")
    running = asyncio.create_task(queue.run())
    await begun.wait()
    assert done == ["first"]

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await queue.end()

    assert done == ["first", "second", "third"]


async def test_work_that_raises_is_tried_again_and_holds_back_only_its_lane(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is to be told of one channel stays in its order; what is to be told of another does not wait."""
    monkeypatch.setattr(work_units, "FIRST_PAUSE", timedelta(milliseconds=20))
    faults, done, ended = Collected(), list[str](), asyncio.Event()
    queue = BackgroundQueue(Faults(faults))

    async def tell(channel: str, what: str) -> None:
        if channel == "poison" and len(faults) < 2:
            raise RuntimeError("not yet")
        done.append(f"{channel} {what}")
        if len(done) == 3:
            ended.set()

    queue.later(tell, "poison", "broken")
    queue.later(tell, "poison", "healed")
    queue.later(tell, "chat", "broken")
    running = asyncio.create_task(queue.run())
    async with asyncio.timeout(10):
        await ended.wait()
    running.cancel()
    assert done == ["chat broken", "poison broken", "poison healed"]
    assert [each.unit for each in faults] == ["background_work", "background_work"]


async def test_work_that_raises_for_good_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_units, "FIRST_PAUSE", timedelta(milliseconds=1))
    monkeypatch.setattr(work_units, "LONGEST_PAUSE", timedelta(milliseconds=1))
    faults = Collected()
    queue = BackgroundQueue(Faults(faults))

    async def poison() -> None:
        raise RuntimeError("never")

    queue.later(poison)
    running = asyncio.create_task(queue.run())
    async with asyncio.timeout(10):
        await faults.reaches(MOST_TRIES)
    await asyncio.sleep(0)
    running.cancel()
    assert queue._waiting == []


async def test_what_is_left_at_the_end_is_tried_once_more() -> None:
    faults, done = Collected(), list[str]()
    queue = BackgroundQueue(Faults(faults))

    async def poison() -> None:
        raise RuntimeError("never")

    async def good() -> None:
        done.append("good")

    queue.later(poison)
    queue.later(good)
    await queue.end()
    assert (len(faults), done) == (1, ["good"])


async def test_without_faults_what_work_raises_ends_the_task() -> None:
    """An error that nobody expected does not die in silence."""
    queue = BackgroundQueue()

    async def broken() -> None:
        raise RuntimeError("the work failed")

    queue.later(broken)
    with pytest.raises(RuntimeError, match="the work failed"):
        await queue.run()
    await queue.end()

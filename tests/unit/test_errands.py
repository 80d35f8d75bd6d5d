"""What nobody waits for is done all the same."""

import asyncio

import pytest

from notifier.errands import Errands


async def test_errands_are_done_in_their_order_and_one_that_was_interrupted_is_done_at_the_end() -> None:
    """Stopping in the middle of one loses neither it nor what came behind it."""
    errands, done, begun = Errands(), list[str](), asyncio.Event()

    async def slow(name: str) -> None:
        if not begun.is_set():
            begun.set()
            await asyncio.Event().wait()
        done.append(name)

    async def quick(name: str) -> None:
        done.append(name)

    errands.later(quick, "first")
    errands.later(slow, "second")
    errands.later(quick, "third")
    running = asyncio.create_task(errands.run())
    await begun.wait()
    assert done == ["first"]

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await errands.end()

    assert done == ["first", "second", "third"]


async def test_what_an_errand_raises_ends_the_task() -> None:
    """An error that nobody expected does not die in silence."""
    errands = Errands()

    async def broken() -> None:
        raise RuntimeError("the errand failed")

    errands.later(broken)
    with pytest.raises(RuntimeError, match="the errand failed"):
        await errands.run()
    await errands.end()

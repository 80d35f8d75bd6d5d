"""What may hang is asked once at a time, and waited for so long."""

import asyncio
import contextlib
from datetime import timedelta

import pytest

from notifier.web.single_flight import SingleFlight


async def test_an_answer_is_given_to_all_who_ask_meanwhile() -> None:
    asked = 0

    async def ask() -> int:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)
        return asked

    enquiry = SingleFlight(ask, timedelta(seconds=60))
    assert [*await asyncio.gather(enquiry(), enquiry(), enquiry())] == [1, 1, 1]
    assert await enquiry() == 2


async def test_what_hangs_is_not_waited_for_and_not_asked_again_until_it_answers() -> None:
    asked, go = 0, asyncio.Event()

    async def ask() -> str:
        nonlocal asked
        asked += 1
        await go.wait()
        return "late"

    enquiry = SingleFlight(ask, timedelta(milliseconds=1))
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await enquiry()
    assert asked == 1
    go.set()
    async with asyncio.timeout(60):
        while asked == 1:
            with contextlib.suppress(TimeoutError):
                assert await enquiry() == "late"


async def test_a_failure_is_raised_and_nobody_complains_of_one_that_came_too_late() -> None:
    go = asyncio.Event()

    async def ask() -> str:
        await go.wait()
        raise OSError("gone")

    enquiry = SingleFlight(ask, timedelta(milliseconds=1))
    with pytest.raises(TimeoutError):
        await enquiry()
    go.set()
    await asyncio.sleep(0)
    with pytest.raises(OSError, match="gone"):
        await SingleFlight(ask, timedelta(seconds=60))()

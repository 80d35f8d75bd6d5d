"""The fakes do what they say: a test that passes with a broken fake proves nothing."""

import asyncio
from datetime import timedelta

import pytest
from support.fakes import (
    DELIVERED,
    DOWN,
    OUTAGE,
    START,
    Clock,
    Collected,
    FakeChannel,
    FakeObserver,
    event,
    on_grid,
    seen,
)

HELLO = (event(),)


def test_the_clock_stands_still_until_it_is_moved() -> None:
    clock = Clock()
    assert clock() == clock() == START
    clock.pass_(minutes=2)
    assert clock() == START + timedelta(minutes=2)


async def test_the_observer_answers_its_script_and_repeats_the_end() -> None:
    observer = FakeObserver(OUTAGE, seen("ready"))
    assert [await observer.observe(each) for each in "abc"] == [OUTAGE, seen("ready"), seen("ready")]
    assert observer.polls == ["a", "b", "c"]


async def test_the_channel_answers_its_script_and_keeps_what_was_sent() -> None:
    channel = FakeChannel("chat", DOWN, DELIVERED)
    assert [await channel.send(HELLO) for _ in range(3)] == [DOWN, DELIVERED, DELIVERED]
    assert channel.sent == [HELLO] * 3


async def test_a_held_channel_sends_nothing_before_it_is_released() -> None:
    channel = FakeChannel(held=True)
    sending = asyncio.create_task(channel.send(HELLO))
    await channel.begun.acquire()
    assert not sending.done()
    assert not channel.sent
    channel.release()
    assert await sending == DELIVERED


async def test_what_is_collected_can_be_waited_for() -> None:
    collected = Collected()
    waiting = asyncio.create_task(collected.reaches(2))
    collected("a")
    await asyncio.sleep(0)
    assert not waiting.done()
    collected("b")
    await waiting
    assert collected == ["a", "b"]


@pytest.mark.parametrize(("offsets", "expected"), [((0, 10, 40), True), ((3, 13), True), ((0, 10, 41), False)])
def test_moments_are_on_a_grid_when_they_lie_whole_intervals_apart(offsets: tuple[int, ...], expected: bool) -> None:
    assert on_grid([START + timedelta(seconds=each) for each in offsets], timedelta(seconds=10)) is expected

"""The lag of the event loop is measured by a timer."""

import asyncio

from support.moving_clock import MovingClock, run

from notifier.app.loop_lag import TIMER, LoopLag


def test_the_time_that_the_loop_was_held_is_reported() -> None:
    async def held(clock: MovingClock) -> list[float]:
        lags: list[float] = []
        asyncio.get_running_loop().call_later(TIMER.total_seconds() / 2, clock.move, 3)
        await LoopLag(wanted=lambda: True, report=lags.append).measure()
        return lags

    [lag] = run(held)
    assert round(lag, 6) == 3 - TIMER.total_seconds() / 2


def test_nothing_is_measured_while_nobody_may_ask() -> None:
    async def idle(clock: MovingClock) -> list[float]:
        lags: list[float] = []
        await LoopLag(wanted=lambda: False, report=lags.append).measure()
        return lags

    assert run(idle) == []

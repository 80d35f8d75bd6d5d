"""Makes up for a wall clock that was set: what it has put out of reach is due again."""

import asyncio

import structlog

from notifier.app.components import Components
from notifier.core.work_units import Unit
from notifier.failpoints import fault

log = structlog.get_logger("notifier")


async def follow_clock(components: Components) -> None:
    """Reset due times whenever the clock was set, until cancelled."""
    clock_set = components.clock_set
    while True:
        await clock_set.wait()
        clock_set.clear()
        with components.faults.alone(Unit.CLOCK) as attempt:
            fault(Unit.CLOCK)
            await reschedule_after_clock_change(components)
            components.dispatcher.recheck()
            components.downloads.wake()
        if attempt.pause is not None:
            await asyncio.sleep(attempt.pause.total_seconds())
            clock_set.set()


async def reschedule_after_clock_change(components: Components) -> None:
    """Make due now the deliveries and downloads that wait for a time further ahead than any pause is long."""
    store, now = components.store, components.clock()
    if moved := await store.outbox.reschedule_after_clock_change(now):
        log.warning("delivery.called_back", count=moved)
        components.dispatcher.wake_all()
    if moved := await store.downloads.reschedule_after_clock_change(now):
        log.warning("download.called_back", count=moved)

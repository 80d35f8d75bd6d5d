"""Continues where the last daemon ended, however it ended: its deliveries, what it knew, and its configuration."""

from collections.abc import Sequence
from datetime import timedelta

import structlog

from notifier.app.clock_change import reschedule_after_clock_change
from notifier.app.components import Components
from notifier.app.loading.first_config import keep
from notifier.app.loading.loading_process import Loaded
from notifier.brightdata.limits.rate_limit_breaker import WINDOW
from notifier.core.health.api import ApiKind
from notifier.core.health.conditions import API, CHANNEL, LIST, REFUSED, kind_of, names_of
from notifier.core.outcomes import ReloadOutcome

log = structlog.get_logger("notifier")


async def resume(components: Components) -> None:
    """Recover the deliveries of the last daemon, and restore what it knew of channels, lists and the API."""
    store, now = components.store, components.clock()
    if recovered := await store.outbox.recover(now, components.dispatcher.holding):
        log.warning("delivery.recovered", count=recovered)
    await reschedule_after_clock_change(components)
    if hastened := await store.outbox.retry_now_after_start(now, components.config.channels):
        log.info("delivery.hastened", count=hastened)
    await components.log_orphans()
    standing = await store.conditions.standing()
    for channel in names_of(standing, CHANNEL):
        components.dispatcher.assume_broken(channel)
    components.polling.restore_distrust(names_of(standing, LIST))
    components.polling.restore_refusals(names_of(standing, REFUSED))
    await _restore_api_health(components)


async def _restore_api_health(components: Components) -> None:
    """Tell the limiter what the last daemon knew of the API: its health, and the answers of 429 that still count."""
    store, now = components.store, components.clock()
    since = now - timedelta(seconds=WINDOW)
    last_poll = await store.last_poll()
    announced = kind_of(await store.conditions.standing(API), API) or ApiKind.OK
    components.limiter.remember(
        [now - at for at in await store.rate_limits_since(since)],
        restarted=last_poll is not None and last_poll > since,
        announced=ApiKind(announced),
    )


async def keep_configuration(components: Components, loaded: Loaded | None, refused: Sequence[str]) -> None:
    """Keep a copy of the configuration that runs, or report why the files are refused and what runs instead.

    Args:
        components: of the daemon.
        loaded: the configuration that runs; None if it was not read from files that may change.
        refused: why the files are refused. Then `loaded` is the configuration that was loaded last.
    """
    if not refused or loaded is None or loaded.read_at is None:
        components.background.notice(components.operators.reloaded, ())  # the end of an earlier refusal
        if loaded is not None:
            await keep(components.config.database, loaded)
        return
    log.error("daemon.last_configuration", of=loaded.read_at.isoformat(), path=str(loaded.config.path))
    components.report(ReloadOutcome(refused=tuple(refused), duration=timedelta(0)))
    components.background.notice(components.operators.started_with_last, tuple(refused), loaded.read_at)

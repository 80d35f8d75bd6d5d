"""Reads the vitals of the running daemon off its components: for the healthcheck, the pages and the service manager."""

from collections.abc import Callable
from dataclasses import replace

from notifier.app.components import Components
from notifier.core.errors import StoreUnready
from notifier.core.health.conditions import CHANNEL, Condition
from notifier.core.health.store import StoreNews
from notifier.core.health.vitals import LastReload, Vitals
from notifier.store.write_retries import at_once


class VitalsReader:
    """Reads the vitals, from memory alone or with a query of the store."""

    def __init__(self, components: Components, last_reload: Callable[[], LastReload | None]) -> None:
        """
        Args:
            components: of the daemon.
            last_reload: returns the last reload since the start.
        """
        self._components = components
        self._last_reload = last_reload

    def in_memory(self) -> Vitals:
        """The vitals, as far as memory has them."""
        parts = self._components
        return Vitals(
            api=parts.limiter.api,
            overdue=parts.schedule.overdue,
            watches=parts.watches,
            channels=len(parts.dispatcher),
            oldest_open=None,
            reload=self._last_reload(),
            store=parts.store.retries.trouble,
            jobs=parts.jobs.states(),
        )

    async def with_store(self) -> Vitals:
        """The vitals. The store is queried, unless it is known that it cannot answer.

        Raises:
            StoreError: the store fails.
        """
        store = self._components.store
        try:
            with at_once():
                oldest_open = await store.outbox.oldest_open()
                standing = await store.conditions.standing()
        except StoreUnready as error:
            known = self.in_memory()
            unready = StoreNews(trouble=error.trouble, at=self._components.clock(), detail=str(error))
            return replace(known, store=known.store or unready)
        current = tuple(filter(self._is_current, standing))
        return replace(self.in_memory(), oldest_open=oldest_open, conditions=current)

    async def count_waiting(self) -> int:
        """How many deliveries to the configured channels wait; the store is queried.

        Raises:
            StoreError: the store cannot be read now.
        """
        with at_once():
            return await self._components.store.outbox.count_open(list(self._components.config.channels))

    def _is_current(self, condition: Condition) -> bool:
        """Whether a condition is not that of a channel that is no longer configured."""
        prefix, _, channel = condition.subject.partition(CHANNEL)
        return bool(prefix) or channel in self._components.dispatcher

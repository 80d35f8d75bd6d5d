"""Periodic work on the outbox: fallbacks in time, the audit, the removal of what is old."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime, timedelta

from notifier.core.delivery.channel_policy import ChannelPolicy, OnUncertain
from notifier.core.isolation import Faults
from notifier.core.work_units import Unit
from notifier.failpoints import failpoint
from notifier.store.maintenance import Audit, DeadDeliveries
from notifier.store.store import Store

LONGEST_SEND = timedelta(minutes=5)
"""Longer than any send may take: a delivery that is `sending` for longer is in no worker's hands."""


class Maintenance:
    """Each kind of work is a job of the daemon (`app.jobs`); `run_once` does all of it once."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Callable[[], datetime],
        policies: Mapping[str, ChannelPolicy],
        keep: timedelta,
        watched: Callable[[], Collection[str]],
        datasets: Callable[[], Mapping[str, str]] = dict,
        committed: Callable[[Collection[str]], None],
        audited: Callable[[Audit], Awaitable[None]],
        died: Callable[[DeadDeliveries], Awaitable[None]] | None = None,
        faults: Faults | None = None,
    ) -> None:
        """
        Args:
            store: the store to maintain.
            clock: the time, UTC.
            policies: of the channels, by name.
            keep: how long history is kept.
            watched: the ids of the snapshots that are watched now.
            datasets: the ids of the datasets that are watched now, by the ids of their watches.
            committed: called with the channels that got something to deliver.
            audited: called with every audit.
            died: called with deliveries that were given up.
            faults: bounds what a round raises.
        """
        self._store = store
        self._clock = clock
        self._policies = policies
        self._keep = keep
        self._watched = watched
        self._datasets = datasets
        self._committed = committed
        self._audited = audited
        self._died = died
        self._faults = faults or Faults()

    def configure(self, policies: Mapping[str, ChannelPolicy], keep: timedelta) -> None:
        """Use these from the next round on."""
        self._policies = policies
        self._keep = keep

    async def run_once(self) -> None:
        """Do each kind of work once."""
        for unit, round_ in (
            (Unit.FALLBACK, self.fall_back),
            (Unit.AUDIT, self.audit),
            (Unit.RETENTION, self.prune),
        ):
            await self._faults.attempt(unit, "", round_)

    async def fall_back(self) -> None:
        """Give fallback channels what has not got through in time."""
        for channel, policy in self._policies.items():
            if policy.fallback is None:
                continue
            to = policy.fallback
            late = await self._store.outbox.fall_back(
                channel, to, policy.fallback_after, self._clock(), with_notices=self._policies[to].merges
            )
            if late:
                failpoint("maintenance.after_fallback")
                self._committed([to])

    async def audit(self) -> None:
        """Check that nothing is lost in the outbox, and report what was found and what has died."""
        resending = [name for name, policy in self._policies.items() if policy.on_uncertain is OnUncertain.RESEND]
        audit = await self._store.maintenance.audit(now=self._clock(), longest_send=LONGEST_SEND, resending=resending)
        await self._audited(audit)
        if self._died is not None:
            for deaths in await self._store.maintenance.dead_deliveries(self._clock()):
                await self._died(deaths)

    async def prune(self) -> None:
        """Remove history that is older than `keep`."""
        now = self._clock()
        removed = await self._store.maintenance.prune(
            before=now - self._keep, watched=self._watched(), now=now, datasets=self._datasets()
        )
        if removed:
            failpoint("maintenance.after_forgetting")

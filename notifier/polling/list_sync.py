"""One poll of a dataset: request its list, compare it with what is known, and commit what it shows."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Protocol

from notifier.brightdata.limits.permit import Permit
from notifier.core.isolation import Faults
from notifier.core.outcomes import ListOutcome, PollOutcome
from notifier.core.snapshot.model import Listed, Seen, Unclear, Watch
from notifier.core.work_units import Unit
from notifier.failpoints import fault
from notifier.polling.dataset_group import DatasetGroup
from notifier.polling.list_diff import ListDiff
from notifier.polling.poller import Poller
from notifier.store.datasets import Datasets

SLICE = 500
"""Entries that are compared before other tasks run: a hundred take well under a millisecond."""

COMMITS_AT_ONCE = 200


class ListObserver(Protocol):
    """Lists datasets. Answers with a value, never with an exception."""

    async def listing(self, dataset_id: str, *, from_date: date | None, permit: Permit) -> tuple[Listed, ...] | Unclear:
        """Return all snapshots of a dataset that were created on that day (UTC) or later."""
        ...


class ListSync:
    """Polls datasets through their lists."""

    def __init__(
        self,
        *,
        observer: ListObserver,
        poller: Poller,
        datasets: Datasets,
        clock: Callable[[], datetime],
        keep: timedelta,
        watch_of: Callable[[str], Watch | None],
        faults: Faults | None = None,
    ) -> None:
        """
        Args:
            observer: requests lists.
            poller: knows the state of every snapshot, and commits changes.
            datasets: what is remembered of datasets.
            clock: the time, UTC.
            keep: how long what has ended is remembered.
            watch_of: the configuration's own watch of a snapshot, if it has one.
            faults: bounds what one entry raises.
        """
        self._faults = faults or Faults()
        self._observer = observer
        self._poller = poller
        self._datasets = datasets
        self._clock = clock
        self.keep = keep
        self._watch_of = watch_of

    async def poll(self, group: DatasetGroup, due: datetime, permit: Permit) -> ListOutcome:
        """Poll the dataset of a group once; the group holds afterwards what the list had.

        Raises:
            StoreError: a change could not be committed. It was not reported, and the next poll finds it again.
        """
        requested_at = self._clock()
        from_date = group.since(self._poller.state_of, requested_at)
        entries = await self._observer.listing(group.dataset_id, from_date=from_date, permit=permit)
        now = self._clock()
        lag, duration = max(requested_at - due, timedelta(0)), now - requested_at
        if isinstance(entries, Unclear):
            group.health.failed(requested_at)
            return ListOutcome(
                dataset_id=group.dataset_id,
                unclear=entries,
                lag=lag,
                duration=duration,
                refusal=group.health.count_refusals(entries, group.watch),
            )
        members, ended = set(group.members), set(group.ended)
        diff = ListDiff(
            group,
            poller=self._poller,
            watch_of=self._watch_of,
            keep=self.keep,
            requested_at=requested_at,
            now=now,
        )
        await self._compare(diff, entries)
        baseline_at = await self._compare_unknown(group, diff)
        taken = await self._take(group, diff)
        # Last: if this is not reached, the next list is the first again, and what is in progress is known by then.
        await self._set_baseline(group, baseline_at, diff)
        # Meanwhile polls of single snapshots may have found that members have ended.
        diff.ended |= {id_: word for id_, word in group.ended.items() if id_ not in ended}
        self._settle(group, diff, whole=from_date is None)
        if from_date is None:
            await self._prune(group, entries, requested_at)
        group.expect(entries, self._poller.state_of, now)
        return ListOutcome(
            dataset_id=group.dataset_id,
            entries=len(entries),
            taken=taken,
            ask=tuple(diff.ask),
            missing=tuple(group.members - group.listed),
            behind=tuple(diff.behind),
            found=len(group.members - members),
            baseline=diff.baseline,
            lag=lag,
            duration=duration,
            refusal=group.health.count_refusals(None, group.watch),
        )

    async def _compare(self, diff: ListDiff, entries: Sequence[Listed]) -> None:
        for start in range(0, len(entries), SLICE):
            for entry in entries[start : start + SLICE]:
                try:  # not `Faults.alone`, which would take as long as the comparison
                    fault(Unit.ENTRY, entry.snapshot_id)
                    diff.add(entry)
                except Exception as error:  # noqa: BLE001 - one entry must not cost the others
                    self._faults.note(Unit.ENTRY, entry.snapshot_id, error)
                    diff.leave_out(entry.snapshot_id)
            await asyncio.sleep(0)

    async def _compare_unknown(self, group: DatasetGroup, diff: ListDiff) -> datetime:
        """Compare the entries that are no members with the store; return since when the dataset is watched."""
        ids = [entry.snapshot_id for entry in diff.unknown]
        known = await self._datasets.known(ids)
        past: set[str] = set()
        if group.watch is not None:
            past = await self._datasets.past(group.dataset_id, [id_ for id_ in ids if id_ not in known])
        baseline_at = min(group.baseline_at or diff.requested_at, diff.requested_at)
        for number, entry in enumerate(diff.unknown):
            if number % SLICE == SLICE - 1:
                await asyncio.sleep(0)
            with self._faults.alone(Unit.ENTRY, entry.snapshot_id):
                if entry.snapshot_id not in past or not diff.add_past(entry):
                    diff.add_unknown(entry, known.get(entry.snapshot_id), baseline_at)
        return baseline_at

    async def _take(self, group: DatasetGroup, diff: ListDiff) -> tuple[PollOutcome, ...]:
        taken: list[PollOutcome] = []
        words = list(diff.take.items())
        for start in range(0, len(words), COMMITS_AT_ONCE):
            some = words[start : start + COMMITS_AT_ONCE]
            found = await asyncio.gather(*(self._take_one(group, id_, word, diff) for id_, word in some))
            taken += filter(None, found)
        return tuple(taken)

    async def _take_one(self, group: DatasetGroup, snapshot_id: str, word: str, diff: ListDiff) -> PollOutcome | None:
        watch = self._watch_of(snapshot_id)
        if watch is None and group.watch is not None:
            watch = group.watch.watch_for(snapshot_id)
        if watch is None or snapshot_id not in group.members:  # a poll of its own has found its end meanwhile
            return None
        with self._faults.alone(Unit.ENTRY, snapshot_id):
            return await self._poller.take(
                watch,
                Seen(status=word, facts=diff.facts),
                asked_at=diff.requested_at,
                seen_at=group.seen_at(snapshot_id),
            )
        diff.leave_out(snapshot_id)
        return None

    async def _set_baseline(self, group: DatasetGroup, baseline_at: datetime, diff: ListDiff) -> None:
        """Store since when the dataset is watched; also when the clock was set back, or news would pass for old."""
        if group.watch is not None and (group.baseline_at != baseline_at or diff.past):
            await self._datasets.begin(group.dataset_id, baseline_at, diff.silent, diff.past, group.watch.watch_for)
            group.set_baseline(baseline_at)

    def _settle(self, group: DatasetGroup, diff: ListDiff, *, whole: bool) -> None:
        diff.ask = {id_: word for id_, word in diff.ask.items() if id_ in group.members or id_ in diff.again}
        for id_ in group.listed - diff.has:
            self._poller.confirm(id_, group.seen_at(id_))
        group.list_came(diff.requested_at, whole=whole, has=diff.has, ended=diff.ended, claims=diff.ask)

    async def _prune(self, group: DatasetGroup, entries: Collection[Listed], requested_at: datetime) -> None:
        """Forget from time to time what whole lists have not had for long."""
        if group.is_pruning_due(requested_at):
            listed = {entry.snapshot_id for entry in entries}
            await self._datasets.prune_past(group.dataset_id, listed, requested_at, self.keep)

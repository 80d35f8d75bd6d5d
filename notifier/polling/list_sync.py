"""One look at a dataset: its list -> compared with what is known -> taken, or to be asked for singly."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Protocol

from notifier.brightdata.limits.permit import Permit
from notifier.core.delivery.routing import wants
from notifier.core.isolation import Faults
from notifier.core.model import Facts, Listed, Seen, SnapshotState, Unclear, Watch
from notifier.core.outcomes import ListOutcome, PollOutcome
from notifier.core.snapshot.list_comparison import ListVerdict, is_news, lags, of_baseline, verdict
from notifier.core.snapshot.refusals import NONE, RefusalNews
from notifier.core.snapshot.refusals import after as count_refusal
from notifier.core.snapshot.refusals import news as refusal_news
from notifier.core.snapshot.statuses import ENDS, Phase, canonical, has_ended, phase_of
from notifier.core.snapshot.transitions import changed_by_list, dated, stalled_at
from notifier.core.units import Unit
from notifier.failpoints import fault
from notifier.polling.datasets import Asked, DatasetGroup
from notifier.polling.poller import Poller
from notifier.store.datasets import Datasets

SLICE = 500
"""Entries that are compared without letting others run: well under a millisecond's work for each hundred."""

COMMITS_AT_ONCE = 200

LOOKED_THROUGH_EVERY = timedelta(days=1)
"""How often a whole list shows, at most, what may be forgotten."""


class ListObserver(Protocol):
    """Whatever can list a dataset. It answers with a value, never with an exception."""

    async def listing(self, dataset_id: str, *, from_date: date | None, permit: Permit) -> tuple[Listed, ...] | Unclear:
        """All of its snapshots that were created on that day (UTC) or later."""
        ...


@dataclass(slots=True)
class _Reading:
    """A list on its way through the comparison. `again` are those that have ended and of which it says otherwise."""

    asked_at: datetime
    now: datetime
    facts: Facts
    seen: set[str] = field(default_factory=set)
    ended: dict[str, str] = field(default_factory=dict)
    take: dict[str, str] = field(default_factory=dict)
    ask: dict[str, str] = field(default_factory=dict)
    again: set[str] = field(default_factory=set)
    fresh: list[Listed] = field(default_factory=list)
    silent: list[SnapshotState] = field(default_factory=list)
    past: list[str] = field(default_factory=list)
    behind: set[str] = field(default_factory=set)
    baseline: int = 0


class ListSync:
    """Looks at datasets."""

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
            observer: the door to the API.
            poller: holds what is known of every snapshot, and commits what changed.
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

    async def look(self, group: DatasetGroup, due: datetime, permit: Permit) -> ListOutcome:
        """Look once at the group's dataset; the group knows afterwards what the list had.

        Raises:
            StoreError: a change could not be committed; it has not been told, and the next look finds it again.
        """
        asked_at = self._clock()
        from_date = group.since(self._poller.state_of, asked_at)
        entries = await self._observer.listing(group.dataset_id, from_date=from_date, permit=permit)
        now = self._clock()
        lag, duration = max(asked_at - due, timedelta(0)), now - asked_at
        if isinstance(entries, Unclear):
            group.failures += 1
            group.failing_since = group.failing_since or asked_at
            return ListOutcome(
                dataset_id=group.dataset_id,
                unclear=entries,
                lag=lag,
                duration=duration,
                refusal=self._count_refusals(group, entries),
            )
        members, ended = set(group.members), set(group.ended)
        reading = _Reading(asked_at=asked_at, now=now, facts=Facts(dataset_id=group.dataset_id))
        for start in range(0, len(entries), SLICE):
            for entry in entries[start : start + SLICE]:
                try:  # not `alone`, which would cost as much as the comparison
                    fault(Unit.ENTRY, entry.snapshot_id)
                    self._compare(group, entry, reading)
                except Exception as error:  # noqa: BLE001 - one entry must not cost the others
                    self._faults.note(Unit.ENTRY, entry.snapshot_id, error)
                    reading.seen.discard(entry.snapshot_id)  # as if the list did not have it
            await asyncio.sleep(0)
        baseline_at = await self._meet(group, reading)
        taken = await self._take(group, reading)
        # Only now: if this is not reached, the next list is the first again, and what is in progress is known already.
        await self._begin(group, baseline_at, reading)
        # While this was awaited, single looks may have found that members have come to their end.
        reading.ended |= {id_: word for id_, word in group.ended.items() if id_ not in ended}
        self._settle(group, reading, whole=from_date is None)
        if from_date is None:
            await self._look_through(group, entries, asked_at)
        group.entries = group.expected(entries, self._poller.state_of, now)
        return ListOutcome(
            dataset_id=group.dataset_id,
            entries=len(entries),
            taken=taken,
            ask=tuple(reading.ask),
            missing=tuple(group.members - group.listed),
            behind=tuple(reading.behind),
            found=len(group.members - members),
            baseline=reading.baseline,
            lag=lag,
            duration=duration,
            refusal=self._count_refusals(group, None),
        )

    def _count_refusals(self, group: DatasetGroup, unclear: Unclear | None) -> RefusalNews | None:
        """Count a list, or why there was none; the news if the dataset itself is watched."""
        before, group.refusals = group.refusals, NONE if unclear is None else count_refusal(group.refusals, unclear)
        return None if group.watch is None else refusal_news(before, group.refusals, group.watch)

    def _settle(self, group: DatasetGroup, reading: _Reading, *, whole: bool) -> None:
        """What the group knows from now on."""
        reading.ask = {id_: word for id_, word in reading.ask.items() if id_ in group.members or id_ in reading.again}
        for id_, word in reading.ask.items():
            asked = group.asked.get(id_)
            if asked is None or canonical(asked.word) != canonical(word):
                group.asked[id_] = Asked(word=word, at=reading.asked_at, seen_at=group.seen_at(id_))
        for id_ in group.listed - reading.seen:
            self._poller.seen(id_, group.seen_at(id_))
        group.ended = reading.ended
        group.listed = reading.seen & group.members
        group.odd = {id_: word for id_, word in group.odd.items() if id_ in group.listed}
        if whole:
            group.absent, group.whole_at = group.members - group.listed, reading.asked_at
        group.agreed_at = reading.asked_at
        group.failures, group.failing_since, group.handed_over = 0, None, False

    def _compare(self, group: DatasetGroup, entry: Listed, reading: _Reading) -> None:
        """An entry: a member's, one of a known end, one that is watched by itself, a new one, or nobody's."""
        id_ = entry.snapshot_id
        if id_ in group.trust.behind and canonical(entry.status) not in ENDS:
            reading.behind.add(id_)
        if id_ in group.members:
            self._compare_member(group, entry, reading)
            return
        word, known = canonical(entry.status), group.ended.get(id_)
        if known == word:
            reading.ended[id_] = known
            return
        own = self._watch_of(id_) is not None
        if own and not has_ended(self._poller.state_of(id_)):
            self._join(group, entry, reading)
        elif own or known is not None or group.watch is not None:
            reading.fresh.append(entry)

    def _compare_member(self, group: DatasetGroup, entry: Listed, reading: _Reading) -> None:
        id_ = entry.snapshot_id
        reading.seen.add(id_)
        state = self._poller.state_of(id_)
        if entry.created is not None and state.created_at is None:
            state = dated(state, entry.created)
            self._poller.put(state)
        owner = self._watch_of(id_) or group.watch
        if owner is None:
            return
        if not changed_by_list(state, entry.status):
            group.odd.pop(id_, None)
            if not has_ended(state):
                group.asked.pop(id_, None)
        match verdict(
            state,
            entry.status,
            told=wants(owner.on, (canonical(entry.status),)) if entry.status != state.status else False,
            asked_at=reading.asked_at,
            now=reading.now,
            agreed_at=group.agreed_at if id_ in group.listed and id_ not in group.asked else None,
            odd=group.odd.get(id_),
        ):
            case ListVerdict.ASK:
                reading.ask[id_] = entry.status
            case ListVerdict.TAKE:
                reading.take[id_] = entry.status
            case ListVerdict.SAME:
                # That it has stalled is told by a look of its own, with its facts: a list may use other words.
                due = stalled_at(state, owner.stalled_after)
                if due is not None and due <= reading.now:
                    reading.ask[id_] = entry.status

    def _join(self, group: DatasetGroup, entry: Listed, reading: _Reading) -> None:
        id_ = entry.snapshot_id
        group.members.add(id_)
        state = self._poller.state_of(id_)
        if state.facts.dataset_id is None:  # the answers to come need not say it
            self._poller.put(replace(state, facts=replace(state.facts, dataset_id=group.dataset_id)))
        self._compare_member(group, entry, reading)

    async def _meet(self, group: DatasetGroup, reading: _Reading) -> datetime:
        """Take up what nobody knows yet or has ended; since when the dataset is watched as a whole."""
        ids = [entry.snapshot_id for entry in reading.fresh]
        known = await self._datasets.known(ids)
        past: set[str] = set()
        if group.watch is not None:
            past = await self._datasets.past(group.dataset_id, [id_ for id_ in ids if id_ not in known])
        baseline_at = min(group.baseline_at or reading.asked_at, reading.asked_at)
        for number, entry in enumerate(reading.fresh):
            if number % SLICE == SLICE - 1:
                await asyncio.sleep(0)
            with self._faults.alone(Unit.ENTRY, entry.snapshot_id):
                if entry.snapshot_id in past and phase_of(entry.status) is Phase.ENDED:
                    reading.ended[entry.snapshot_id] = canonical(entry.status)
                else:
                    self._meet_one(group, entry, known.get(entry.snapshot_id), reading, baseline_at)
        return baseline_at

    def _meet_one(
        self, group: DatasetGroup, entry: Listed, before: SnapshotState | None, reading: _Reading, baseline_at: datetime
    ) -> None:
        if before is None:
            self._meet_new(group, entry, reading, baseline_at)
        elif has_ended(before):
            self._meet_again(entry, before, reading)
        else:
            self._poller.put(before)
            self._join(group, entry, reading)

    def _meet_new(self, group: DatasetGroup, entry: Listed, reading: _Reading, baseline_at: datetime) -> None:
        """An entry that no look knew: news if the dataset itself is watched, or its silent baseline."""
        id_, ended = entry.snapshot_id, phase_of(entry.status) is Phase.ENDED
        news = is_news(entry.created, ended, baseline_at=baseline_at, kept_since=reading.now - self.keep)
        first = group.baseline_at is None
        if group.watch is not None and news and not (first and ended):
            self._join(group, entry, reading)
            return
        reading.baseline += 1
        reading.ended[id_] = canonical(entry.status)
        if news and first:  # recent: of this one the next list could not tell that it belongs to the baseline
            reading.silent.append(of_baseline(entry, reading.facts, reading.now))
        elif group.watch is not None:  # its date tells it today; another list may leave the date out
            reading.past.append(id_)

    def _meet_again(self, entry: Listed, before: SnapshotState, reading: _Reading) -> None:
        """An entry that had ended when it was last looked at."""
        id_ = entry.snapshot_id
        reading.ended[id_] = canonical(before.status)
        if changed_by_list(before, entry.status) and not lags(before, reading.asked_at, reading.now):
            self._poller.put(before)
            reading.again.add(id_)
            reading.ask[id_] = entry.status

    async def _take(self, group: DatasetGroup, reading: _Reading) -> tuple[PollOutcome, ...]:
        taken: list[PollOutcome] = []
        words = list(reading.take.items())
        for start in range(0, len(words), COMMITS_AT_ONCE):
            some = words[start : start + COMMITS_AT_ONCE]
            taken += filter(
                None, await asyncio.gather(*(self._take_one(group, id_, word, reading) for id_, word in some))
            )
        return tuple(taken)

    async def _take_one(
        self, group: DatasetGroup, snapshot_id: str, word: str, reading: _Reading
    ) -> PollOutcome | None:
        watch = self._watch_of(snapshot_id)
        if watch is None and group.watch is not None:
            watch = group.watch.watch_for(snapshot_id)
        if watch is None or snapshot_id not in group.members:  # a look of its own has seen its end meanwhile
            return None
        with self._faults.alone(Unit.ENTRY, snapshot_id):
            return await self._poller.take(
                watch,
                Seen(status=word, facts=reading.facts),
                asked_at=reading.asked_at,
                seen_at=group.seen_at(snapshot_id),
            )
        reading.seen.discard(snapshot_id)  # as if the list did not have it: it is looked at singly
        return None

    async def _begin(self, group: DatasetGroup, baseline_at: datetime, reading: _Reading) -> None:
        """Remember since when the dataset is watched; anew if the clock was set back, or news would pass for old."""
        if group.watch is not None and (group.baseline_at != baseline_at or reading.past):
            await self._datasets.begin(
                group.dataset_id, baseline_at, reading.silent, reading.past, group.watch.watch_for
            )
            group.baseline_at = baseline_at

    async def _look_through(self, group: DatasetGroup, entries: Collection[Listed], asked_at: datetime) -> None:
        """Once a day, forget what whole lists have not had for long."""
        last = group.looked_through_at
        if group.watch is None or (last is not None and timedelta(0) <= asked_at - last < LOOKED_THROUGH_EVERY):
            return
        group.looked_through_at = asked_at
        listed = {entry.snapshot_id for entry in entries}
        await self._datasets.listed_whole(group.dataset_id, listed, asked_at, self.keep)

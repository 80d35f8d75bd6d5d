"""Compares a dataset's list with what is known of its snapshots, entry by entry."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from notifier.core.delivery.routing import wants
from notifier.core.snapshot.list_comparison import ListVerdict, baseline_state, is_news, may_lag, verdict
from notifier.core.snapshot.model import DatasetWatch, Facts, Listed, SnapshotState, Watch
from notifier.core.snapshot.statuses import ENDS, Phase, canonical, has_ended, phase_of
from notifier.core.snapshot.transitions import contradicts, stalled_at, with_created_at
from notifier.polling.dataset_group import DatasetGroup
from notifier.polling.poller import Poller


class ListDiff:
    """One list of a group: what it has, and what follows from that.

    Attributes:
        requested_at, now: when the list was requested and when it came.
        facts: the facts that hold for each of its snapshots.
        has: the members that it has.
        ended: its word for each snapshot that has ended.
        take: its words that become the statuses of members at once.
        ask: its words that polls of the snapshots are to confirm.
        again: snapshots that have ended and that it has in another status.
        unknown: its entries that are no members and have no known end: see `add_unknown`.
        behind: the snapshots on which it is behind, as an earlier list was.
        baseline: how many had ended before the dataset was first listed.
        silent: the states of those of them that ended recently.
        past: those of them that ended long before.
    """

    def __init__(
        self,
        group: DatasetGroup,
        *,
        poller: Poller,
        watch_of: Callable[[str], Watch | None],
        keep: timedelta,
        requested_at: datetime,
        now: datetime,
    ) -> None:
        """
        Args:
            group: what is known of the dataset; new members are added to it.
            poller: what is known of every snapshot.
            watch_of: the configuration's own watch of a snapshot.
            keep: how long what has ended is remembered.
            requested_at, now: when the list was requested and when it came.
        """
        self._group = group
        self._poller = poller
        self._watch_of = watch_of
        self._keep = keep
        self.requested_at = requested_at
        self.now = now
        self.facts = Facts(dataset_id=group.dataset_id)
        self.has: set[str] = set()
        self.ended: dict[str, str] = {}
        self.take: dict[str, str] = {}
        self.ask: dict[str, str] = {}
        self.again: set[str] = set()
        self.unknown: list[Listed] = []
        self.behind: set[str] = set()
        self.baseline = 0
        self.silent: list[SnapshotState] = []
        self.past: list[str] = []

    def add(self, entry: Listed) -> None:
        """Compare an entry: of a member, a known end, a snapshot with its own watch, a new one, or another."""
        id_ = entry.snapshot_id
        if id_ in self._group.health.trust.behind and canonical(entry.status) not in ENDS:
            self.behind.add(id_)
        if id_ in self._group.members:
            self._add_member(entry)
            return
        word, known = canonical(entry.status), self._group.ended.get(id_)
        if known == word:
            self.ended[id_] = known
            return
        own = self._watch_of(id_) is not None
        if own and not has_ended(self._poller.state_of(id_)):
            self._join(entry)
        elif own or known is not None or self._group.watch is not None:
            self.unknown.append(entry)

    def leave_out(self, snapshot_id: str) -> None:
        """Treat an entry as if the list did not have it, so that its snapshot is polled individually."""
        self.has.discard(snapshot_id)

    def add_unknown(self, entry: Listed, before: SnapshotState | None, baseline_at: datetime) -> None:
        """Compare an entry of `unknown` with what the store knows.

        Args:
            entry: the entry.
            before: the state in the store, if there is one.
            baseline_at: since when the dataset is watched.
        """
        if before is None:
            self._add_new(entry, baseline_at)
        elif has_ended(before):
            self._add_ended(entry, before)
        else:
            self._poller.put(before)
            self._join(entry)

    def add_past(self, entry: Listed) -> bool:
        """Compare an entry of `unknown` that is remembered to have ended long ago; False if it goes on again."""
        if phase_of(entry.status) is not Phase.ENDED:
            return False
        self.ended[entry.snapshot_id] = canonical(entry.status)
        return True

    def _add_member(self, entry: Listed) -> None:
        id_ = entry.snapshot_id
        group = self._group
        self.has.add(id_)
        state = self._poller.state_of(id_)
        if entry.created is not None and state.created_at is None:
            state = with_created_at(state, entry.created)
            self._poller.put(state)
        owner = self._watch_of(id_) or group.watch
        if owner is None:
            return
        if contradicts(state, entry.status):
            found = self._verdict(entry, state, owner)
        else:
            group.claims.agree(id_, ended=has_ended(state))
            found = ListVerdict.SAME
        match found:
            case ListVerdict.ASK:
                self.ask[id_] = entry.status
            case ListVerdict.TAKE:
                self.take[id_] = entry.status
            case ListVerdict.SAME:
                # That it has stalled is left to a poll of the snapshot, which has facts: a list may use other words.
                due = stalled_at(state, owner.stalled_after)
                if due is not None and due <= self.now:
                    self.ask[id_] = entry.status

    def _verdict(self, entry: Listed, state: SnapshotState, owner: Watch | DatasetWatch) -> ListVerdict:
        return verdict(
            state,
            entry.status,
            notified=wants(owner.on, (canonical(entry.status),)),
            asked_at=self.requested_at,
            now=self.now,
            agreed_at=self._group.agreed_at(entry.snapshot_id),
            rejected=self._group.claims.rejected_word(entry.snapshot_id),
        )

    def _join(self, entry: Listed) -> None:
        id_ = entry.snapshot_id
        self._group.add(id_)
        state = self._poller.state_of(id_)
        if state.facts.dataset_id is None:  # later answers need not name the dataset
            self._poller.put(replace(state, facts=replace(state.facts, dataset_id=self._group.dataset_id)))
        self._add_member(entry)

    def _add_new(self, entry: Listed, baseline_at: datetime) -> None:
        """Compare an entry that was never polled: news if the dataset itself is watched, or part of its baseline."""
        id_, ended = entry.snapshot_id, phase_of(entry.status) is Phase.ENDED
        news = is_news(entry.created, ended, baseline_at=baseline_at, kept_since=self.now - self._keep)
        first = self._group.baseline_at is None
        if self._group.watch is not None and news and not (first and ended):
            self._join(entry)
            return
        self.baseline += 1
        self.ended[id_] = canonical(entry.status)
        if news and first:  # recent: the next list could not show that this one belongs to the baseline
            self.silent.append(baseline_state(entry, self.facts, self.now))
        elif self._group.watch is not None:  # its date shows it today, but another list may leave the date out
            self.past.append(id_)

    def _add_ended(self, entry: Listed, before: SnapshotState) -> None:
        """Compare an entry whose snapshot had ended when it was last polled."""
        id_ = entry.snapshot_id
        self.ended[id_] = canonical(before.status)
        if contradicts(before, entry.status) and not may_lag(before, self.requested_at, self.now):
            self._poller.put(before)
            self.again.add(id_)
            self.ask[id_] = entry.status

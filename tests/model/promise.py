"""The model: what product.md promises, kept in plain dictionaries, and held against the database after every step.

It shares no decision with the program: what a poll means, who is told and what may be dropped is written here again,
in the shortest words.
"""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from notifier.core.delivery.channel_policy import ChannelPolicy
from notifier.core.delivery.model import Deliverable, Event
from notifier.core.snapshot.model import NotFound, Observation, Seen, Watch

ENDS = {"ready", "failed", "canceled"}
OURS = {"unknown", "missing", "stalled", "expiring", "complete", "partial", "empty", "again", "all"}
OPEN = {"pending", "sending", "retrying", "uncertain"}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Key = tuple[str, str]
"""An event's or a notice's id, and a channel."""


def plain(word: str) -> str:
    """The spelling in which two statuses are compared."""
    return word.lower().replace("cancelled", "canceled")


@dataclass
class Promise:
    """What happened, who is to be told of it, and what the receivers got."""

    known: dict[str, tuple[str, int]] = field(default_factory=dict)
    misses: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    misses_here: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    history: dict[tuple[str, int], tuple[str, str, frozenset[str]]] = field(default_factory=dict)
    mutes: dict[str, datetime | None] = field(default_factory=dict)
    copies: Counter[Key] = field(default_factory=Counter)
    excused: set[Key] = field(default_factory=set)
    in_doubt: set[Key] = field(default_factory=set)
    ended: dict[Key, str] = field(default_factory=dict)

    def next_status(self, snapshot: str, answer: Observation, now: datetime) -> tuple[str | None, bool]:
        """The status that this answer may move a snapshot to, and whether it must."""
        status, _ = self.known.get(snapshot, ("unknown", 0))
        if isinstance(answer, Seen):
            self.misses[snapshot].clear()
            self.misses_here[snapshot].clear()
            word = plain(f"api:{answer.status}" if answer.status.lower() in OURS else answer.status)
            return (None, False) if word == status else (word, True)
        if not isinstance(answer, NotFound) or status in ENDS | {"missing"}:
            return None, False
        for counted in (self.misses[snapshot], self.misses_here[snapshot]):
            counted.append(now)
        may, must = (
            len(counted) >= 3 and now - min(counted) >= timedelta(seconds=20)
            for counted in (self.misses[snapshot], self.misses_here[snapshot])
        )
        return "missing" if may else None, must

    def happened(self, watch: Watch, status: str, answer: Observation) -> None:
        """The snapshot moved to this status, under its watch as it is now."""
        previous, revision = self.known.get(watch.snapshot_id, ("unknown", 0))
        names = {status}
        if status == "ready" and isinstance(answer, Seen):
            facts = answer.facts
            if facts.records == 0:
                names.add("empty")
            elif facts.errors or facts.error_codes:
                names.add("partial")
            elif facts.records and facts.errors == 0:
                names.add("complete")
        channels = frozenset(watch.notify) if names & set(watch.on) or "all" in watch.on else frozenset()
        self.known[watch.snapshot_id] = (status, revision + 1)
        self.history[watch.snapshot_id, revision + 1] = (previous, status, channels)
        self.misses[watch.snapshot_id].clear()
        self.misses_here[watch.snapshot_id].clear()

    def is_muted(self, watch_id: str, now: datetime) -> bool:
        """Whether nobody is told of the watch."""
        return watch_id in self.mutes and ((until := self.mutes[watch_id]) is None or until > now)

    def sent(self, channel: str, policy: ChannelPolicy, told: Sequence[Deliverable], now: datetime) -> None:
        """The receiver is about to get a message: may it?"""
        assert told
        assert policy.merges or len(told) == 1
        assert len({each.transition.snapshot_id if isinstance(each, Event) else each.id for each in told}) == len(told)
        for each in told:
            key = each.id, channel
            assert key not in self.ended, f"{key} came to its end: {self.ended[key]}"
            assert not self.copies[key] or key in self.excused, f"a second copy of {key} without an excuse"
            if isinstance(each, Event):
                assert (each.transition.snapshot_id, each.transition.revision) in self.history
                assert not self.is_muted(each.watch_id, now)
            names = each.transition.names if isinstance(each, Event) else ()
            if policy.quiet is not None and not set(names) & set(policy.quiet.exceptions):
                assert not policy.quiet.start <= now.time() < policy.quiet.end

    def arrived(self, channel: str, told: Sequence[Deliverable], *, certain: bool) -> None:
        """The receiver got a message, and could say so or not."""
        keys = {(each.id, channel) for each in told}
        self.copies.update(keys)
        (self.in_doubt if certain else self.excused).update(keys)

    def killed(self, failpoint: str) -> None:
        """The process died there; only between a send and its settling is a second copy excused.

        Where several were sent side by side, that one was settled does not say that the others were.
        """
        others = failpoint == "deliver.after_settle" and len(self.in_doubt) > 1
        if others or failpoint in ("deliver.after_send", "outbox.half_settled"):
            self.excused |= self.in_doubt
            self.in_doubt.clear()

    def check(
        self, database: sqlite3.Connection, fallbacks: Collection[tuple[str, str]], policies: Any, now: datetime
    ) -> None:
        """Hold all that was recorded against all that happened."""
        events = {row["id"]: row for row in database.execute("SELECT * FROM events")}
        recorded = {
            (row["snapshot_id"], row["revision"]): (plain(row["previous"]), plain(row["status"]))
            for row in events.values()
        }
        assert len(recorded) == len(events)
        assert recorded == {key: (previous, status) for key, (previous, status, _) in self.history.items()}
        rows = database.execute("SELECT * FROM deliveries ORDER BY id").fetchall()
        told: dict[str, set[str]] = defaultdict(set)
        for row in rows:
            if row["event_id"]:
                assert row["event_id"] in events, "a delivery without an event"
                told[row["event_id"]].add(row["channel"])
        for event_id, event in events.items():
            routed = self.history[event["snapshot_id"], event["revision"]][2]
            assert routed <= told[event_id], f"{event_id} is not told to {routed - told[event_id]}"
            for extra in told[event_id] - routed:
                assert any(to == extra and of in told[event_id] for of, to in fallbacks), f"{event_id} to {extra}?"
        for row in rows:
            self._check_delivery(row, rows, events, policies, now)
        assert not self.in_doubt - set(self.ended), "sent, but not recorded as delivered"
        self.in_doubt.clear()

    def _check_delivery(self, row: Any, rows: Sequence[Any], events: Any, policies: Any, now: datetime) -> None:
        key: Key = (row["event_id"] or row["notice_id"], row["channel"])
        if key in self.ended:
            assert row["state"] == self.ended[key], f"{key} was {self.ended[key]} and is {row['state']}"
        if key in self.ended or row["state"] in OPEN:
            return
        self.ended[key] = row["state"]
        wanted_at = EPOCH + timedelta(microseconds=row["wanted_at"])
        match row["state"], row["reason"]:
            case "delivered", _:
                assert self.copies[key], f"{key} is delivered, they say, but nothing arrived"
            case "dropped", "muted":
                assert self.is_muted(events[key[0]]["watch_id"], now)
            case "dropped", "superseded":
                old = events[key[0]]
                assert any(
                    other["channel"] == key[1]
                    and other["event_id"]
                    and events[other["event_id"]]["snapshot_id"] == old["snapshot_id"]
                    and events[other["event_id"]]["revision"] > old["revision"]
                    and other["state"] != "dropped"
                    for other in rows
                ), f"{key} is superseded by nothing"
            case "dead", reason:
                old_enough = now - wanted_at >= policies[key[1]].give_up_after
                assert reason in ("http_404", "http_410") or old_enough, f"{key} died of {reason} too early"
            case _:
                raise AssertionError(f"{key} ended as {row['state']}: {row['reason']}")

    def forgot(self, database: sqlite3.Connection, before: datetime, watched: Collection[str], now: datetime) -> None:
        """What is gone from the database since the last check was old enough, at its end and of no more use."""
        left = {(row["snapshot_id"], row["revision"]) for row in database.execute("SELECT * FROM events")}
        for gone in set(self.history) - left:
            del self.history[gone]
        snapshots = {row["snapshot_id"] for row in database.execute("SELECT * FROM snapshots")}
        for snapshot in set(self.known) - snapshots:
            assert snapshot not in watched, f"{snapshot} is still watched"
            assert self.known[snapshot][0] in ENDS, f"{snapshot} has not ended"
            del self.known[snapshot]
        self.mutes = {watch: until for watch, until in self.mutes.items() if until is None or until >= now}
        alive = {row["event_id"] or row["notice_id"] for row in database.execute("SELECT * FROM deliveries")}
        for key in [key for key in self.ended if key[0] not in alive]:
            del self.ended[key]
            self.excused.add(key)  # should a forgotten snapshot be watched again, its end is told again

"""A database of 100,000 snapshots in 20 watched datasets, made in a few seconds, and sources that read it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert

from notifier.core.resource_parts import MessageResource
from notifier.store.reading.reading import Reading
from notifier.store.tables import datasets, deliveries, events, polls, snapshots
from notifier.web.queries import Queries
from notifier.web.sources import WebSources
from support.histories import dataset_watch, written
from support.web import WELL, being, empty_config, sources

DATASETS = 20
NOW = datetime(2026, 11, 23, 14, 32, tzinfo=UTC)
STATUSES = ("running",) * 12 + ("ready",) * 80 + ("failed",) * 3 + ("starting",) * 3 + ("canceled",) * 2


def many_watches(database: Path, number: int = 100_000) -> None:
    """Write the database: one snapshot in a hundred has an event with a delivery."""
    ids = [f"sd_{index:08x}" for index in range(number)]
    times = [NOW - timedelta(seconds=5 * (index % 100_000) + 7) for index in range(number)]
    with written(database) as connection:
        connection.execute(
            insert(datasets),
            [
                {"dataset_id": f"gd_{index}", "baseline_at": NOW, "polled_at": NOW, "answer": "listed",
                 "next_poll_at": NOW + timedelta(seconds=30)}
                for index in range(DATASETS)
            ],
        )  # fmt: skip
        connection.execute(
            insert(snapshots),
            [
                {
                    "snapshot_id": snapshot,
                    "watch_id": f"gd_{index % DATASETS}/{snapshot}",
                    "status": STATUSES[index % len(STATUSES)],
                    "revision": 2,
                    "facts": {"dataset_id": f"gd_{index % DATASETS}", "records": index, "errors": 0},
                    "first_seen_at": at - timedelta(minutes=3),
                    "since": at,
                }
                for index, (snapshot, at) in enumerate(zip(ids, times, strict=True))
            ],
        )
        connection.execute(
            insert(polls),
            [
                {"snapshot_id": snapshot, "polled_at": at, "answer": "ready", "next_poll_at": NOW, "not_found": 0}
                for snapshot, at in zip(ids, times, strict=True)
            ],
        )
        told = range(0, number, 100)
        connection.execute(
            insert(events),
            [
                {
                    "id": f"evt_{index:020x}", "snapshot_id": ids[index], "revision": 2, "name": "Dataset",
                    "watch_id": f"gd_{index % DATASETS}/{ids[index]}", "labels": {}, "previous": "running",
                    "status": STATUSES[index % len(STATUSES)], "names": [STATUSES[index % len(STATUSES)]], "facts": {},
                    "observed_at": times[index], "late_by": timedelta(0),
                }
                for index in told
            ],
        )  # fmt: skip
        connection.execute(
            insert(deliveries),
            [
                {
                    "event_id": f"evt_{index:020x}", "channel": "chat", "state": "delivered", "attempt": 1,
                    "reason": "", "not_before": times[index], "created_at": times[index], "wanted_at": times[index],
                    "settled_at": times[index],
                }
                for index in told
            ],
        )  # fmt: skip


def sources_of(database: Path) -> WebSources:
    """Sources that read the database."""
    watches = tuple(dataset_watch(f"gd_{index}", name=f"Dataset {index}") for index in range(DATASETS))
    config = replace(empty_config(), database=database, datasets=watches)
    queries = Queries(
        config=lambda: config,
        reading=Reading(database, lambda: NOW),
        vitals=being(WELL),
        render=lambda _: lambda channel, deliverables: MessageResource(title=channel, body=str(len(deliverables))),
        redact=str,
    )
    return sources(config=lambda: config, queries=queries, clock=lambda: NOW)

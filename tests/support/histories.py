"""Databases with rows that nobody has to live through: snapshots, polls, events and deliveries as they are given."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert

from notifier.core.snapshot.model import DatasetWatch
from notifier.store.migrate import migrate
from notifier.store.sqlite.engine import writer
from notifier.store.tables import attempts, deliveries, events, polls, snapshots
from support.fakes import START


@contextmanager
def written(database: Path) -> Iterator[Connection]:
    """The database, made if there is none, in a transaction."""
    engine = writer(database)
    with engine.begin() as connection:
        migrate(connection, str(database))
        yield connection
    engine.dispose()


def dataset_watch(watch_id: str = "gd_1", **changes: Any) -> DatasetWatch:
    """A watch of a dataset that tells `chat` everything."""
    given: dict[str, Any] = {
        "id": watch_id,
        "dataset_id": watch_id,
        "name": "Profiles",
        "every": timedelta(seconds=30),
        "notify": ("chat",),
        "on": ("all",),
    }
    return DatasetWatch(**{**given, **changes})


def add_snapshot(
    connection: Connection,
    snapshot_id: str,
    *,
    watch: str | None = None,
    status: str = "running",
    since: datetime = START,
    **facts: Any,
) -> None:
    """A snapshot whose state is known."""
    row = {
        "snapshot_id": snapshot_id,
        "watch_id": watch or snapshot_id,
        "status": status,
        "revision": 1,
        "facts": facts,
        "first_seen_at": since,
        "since": since,
    }
    connection.execute(insert(snapshots).values(row))


def add_poll(connection: Connection, snapshot_id: str, *, at: datetime, following: datetime | None) -> None:
    """A poll of a snapshot."""
    row = {"snapshot_id": snapshot_id, "polled_at": at, "answer": "running", "next_poll_at": following, "not_found": 0}
    connection.execute(insert(polls).values(row))


def add_event(
    connection: Connection,
    event_id: str,
    *,
    snapshot: str = "s_1",
    watch: str | None = None,
    revision: int = 1,
    at: datetime = START,
    previous: str = "running",
    status: str = "ready",
    since: datetime | None = None,
) -> None:
    """An event of a snapshot."""
    row = {
        "id": event_id,
        "snapshot_id": snapshot,
        "revision": revision,
        "watch_id": watch or snapshot,
        "name": "Prices",
        "labels": {},
        "previous": previous,
        "status": status,
        "names": [status],
        "facts": {},
        "observed_at": at,
        "late_by": timedelta(0),
        "since": since,
    }
    connection.execute(insert(events).values(row))


def add_delivery(
    connection: Connection,
    event_id: str | None,
    *,
    notice: str | None = None,
    channel: str = "chat",
    state: str = "delivered",
    at: datetime = START,
    tries: Sequence[str] = (),
    together: int = 1,
) -> int:
    """A delivery of an event or of a notice, with an attempt for each outcome; returns its id."""
    row = {
        "event_id": event_id,
        "notice_id": notice,
        "channel": channel,
        "state": state,
        "attempt": len(tries),
        "not_before": at,
        "created_at": at,
        "wanted_at": at,
        "settled_at": at if state in ("delivered", "dead", "dropped") else None,
        "reason": "",
    }
    (delivery_id,) = connection.execute(insert(deliveries).values(row)).inserted_primary_key or (0,)
    for number, outcome in enumerate(tries, 1):
        tried = {
            "delivery_id": delivery_id,
            "number": number,
            "started_at": at,
            "duration": timedelta(seconds=1),
            "outcome": outcome,
            "reason": "http_200",
            "detail": "",
            "together": together,
        }
        connection.execute(insert(attempts).values(tried))
    return int(delivery_id)

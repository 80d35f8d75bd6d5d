"""A database with many watched snapshots in a few datasets, beside a long history of deliveries."""

import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.processes import history

DATASETS = 20
RECENT = timedelta(days=6)
"""The watched ones began since then: all of them are on the overview."""

EVENTS_OF_ONE = 2

_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :many) "
_AT = ":begin + :step * i"
_ID = "'sd_' || printf('%07d', i)"
_WATCH = f"'gd_' || (i % {DATASETS}) || '/' || {_ID}"

_SNAPSHOTS = f"""INSERT INTO snapshots SELECT {_ID}, {_WATCH},
    CASE WHEN i % 10 < 3 THEN 'running' WHEN i % 50 = 7 THEN 'failed' ELSE 'ready' END, 2,
    json_object('dataset_id', 'gd_' || (i % {DATASETS}), 'records', i, 'errors', 0, 'collection_duration_ms', 61000),
    {_AT}, {_AT}, {_AT}, NULL, NULL FROM n"""
_POLLS = f"""INSERT INTO polls
    SELECT {_ID}, {_AT}, {_AT}, 'ready', CASE WHEN i % 10 < 3 THEN {_AT} + 30000000 END, 0, NULL FROM n"""
_EVENTS = f"""INSERT INTO events SELECT 'evt_new_' || :number || '_' || i, {_ID}, :number, {_WATCH},
    'Prices (' || {_ID} || ')', '{{}}', :previous, :status, json_array(:status), '{{"records": 10}}',
    {_AT} + :number, 0, '["team"]', NULL, NULL FROM n"""
_DELIVERIES = f"""INSERT INTO deliveries SELECT :first + i, 'evt_new_' || :number || '_' || i, NULL,
    CASE i % 3 WHEN 0 THEN 'team' WHEN 1 THEN 'ops' ELSE 'mail' END,
    CASE i % 1000 WHEN 0 THEN 'dead' ELSE 'delivered' END, 1, NULL,
    {_AT} + :number, {_AT} + :number, {_AT}, {_AT} + 5, '', NULL FROM n"""
_ATTEMPTS = f"""INSERT INTO attempts
    SELECT :first + i, 1, {_AT}, 5, CASE i % 1000 WHEN 0 THEN 'permanent' ELSE 'delivered' END, 'ok', '200', 1 FROM n"""


def make(database: Path, watches: int, deliveries: int, *, now: datetime) -> None:
    """Make a database with so many watched snapshots, and so many deliveries in all."""
    older = max(deliveries - EVENTS_OF_ONE * watches, 0)
    history.make(database, older, until=now - timedelta(days=8), watched_datasets=DATASETS)
    begin = round((now - RECENT).timestamp() * 1_000_000)
    step = round(RECENT.total_seconds() * 1_000_000) // watches
    values = {"many": watches, "begin": begin, "step": step}
    moves = (("unknown", "running"), ("running", "ready"))
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-100000")
        connection.execute(_NUMBERS + _SNAPSHOTS, values)
        connection.execute(_NUMBERS + _POLLS, values)
        for number, (previous, status) in enumerate(moves, 1):
            event = values | {"number": number, "previous": previous, "status": status}
            event["first"] = older + (number - 1) * watches + 1
            for statement in (_EVENTS, _DELIVERIES, _ATTEMPTS):
                connection.execute(_NUMBERS + statement, event)


def main(arguments: Sequence[str]) -> None:
    """`python -m bench.processes.watched_history FILE WATCHES DELIVERIES`."""
    file, watches, deliveries = arguments
    make(Path(file), int(watches), int(deliveries), now=datetime.now(UTC))


if __name__ == "__main__":
    main(sys.argv[1:])

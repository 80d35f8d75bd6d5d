"""A database with a long history, made by a few statements: the same shape at any length, and quick to make."""

import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import create_engine

from notifier.store.migrate import migrate

EVENTS_OF_ONE = 1
"""Events of each snapshot that has ended: as few as there can be, so that every table is as long as any."""

CHANNELS_OF_ONE = 1
"""Channels that are told of each event."""

_MICROSECONDS = 1_000_000
_DAY = 86_400 * _MICROSECONDS

_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :many) "

_SNAPSHOTS = (
    _NUMBERS
    + """INSERT INTO snapshots SELECT 's_old_' || i, coalesce(:of, 'gd_' || (i % :datasets)) || '/s_old_' || i,
    CASE i % 10 WHEN 0 THEN 'failed' ELSE 'ready' END, 4,
    '{"dataset_id": "gd_' || (i % :datasets) || '", "records": 10}',
    :begin + :step * i, :begin + :step * i, :begin + :step * i, NULL, NULL FROM n"""
)
_LOOKS = (
    _NUMBERS
    + """INSERT INTO polls
    SELECT 's_old_' || i, :begin + :step * i, :begin + :step * i, 'ready', NULL, 0, NULL FROM n"""
)
_DATASETS = (
    _NUMBERS
    + """INSERT INTO datasets (dataset_id, baseline_at, polled_at, answer, next_poll_at)
    SELECT 'gd_' || i, NULL, :begin + :step * i, 'listed', NULL FROM n"""
)
_EVENTS = (
    _NUMBERS
    + """INSERT INTO events SELECT 'evt_' || i, 's_old_' || (i / :each), 1 + i % :each,
    coalesce(:of, 'gd_' || (i / :each % :datasets)) || '/s_old_' || (i / :each),
    'Prices', '{}', 'running', 'ready', '["ready", "complete"]', '{"records": 10}', :begin + :step * i, 0,
    CASE i % 2 WHEN 0 THEN '["team"]' ELSE '["ops"]' END, NULL, NULL FROM n"""
)
_DELIVERIES = (
    _NUMBERS
    + """INSERT INTO deliveries SELECT i + 1, 'evt_' || (i / :each), NULL, CASE i % 2 WHEN 0 THEN 'team' ELSE 'ops' END,
    CASE i % 100 WHEN 0 THEN 'dead' WHEN 1 THEN 'dropped' ELSE 'delivered' END, 1, NULL, :begin + :step * i,
    :begin + :step * i, :begin + :step * i, :begin + :step * i + 5, '', NULL FROM n"""
)
_ATTEMPTS = (
    _NUMBERS + """INSERT INTO attempts SELECT i + 1, 1, :begin + :step * i, 5, 'delivered', 'ok', '200', 1 FROM n"""
)


def make(
    database: Path,
    deliveries: int,
    *,
    until: datetime,
    over: timedelta = timedelta(days=80),
    watched_datasets: int | None = None,
) -> None:
    """Make a database in which so many deliveries, of snapshots that have ended, came to their end.

    Args:
        database: its file, which is not there yet.
        deliveries: how many.
        until: the time of the last of them.
        over: the time that they are spread over, the same from each to the next.
        watched_datasets: the snapshots are of so many datasets, `gd_0` and so on, whose watches have found them. By
            default there is a dataset for each hundred, and they were found by the watch `gd_old`.
    """
    engine = create_engine(f"sqlite:///{database}")
    with engine.begin() as new:
        new.exec_driver_sql("PRAGMA auto_vacuum=INCREMENTAL")
        migrate(new, str(database))
    engine.dispose()
    events = deliveries // CHANNELS_OF_ONE
    snapshots = events // EVENTS_OF_ONE
    datasets = watched_datasets or max(snapshots // 100, 1)
    of = None if watched_datasets else "gd_old"
    length = round(over.total_seconds() * _MICROSECONDS)
    begin = round(until.timestamp() * _MICROSECONDS) - length
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-100000")
        for statement, many, each in (
            (_SNAPSHOTS, snapshots, 1),
            (_LOOKS, snapshots, 1),
            (_DATASETS, datasets, 1),
            (_EVENTS, events, EVENTS_OF_ONE),
            (_DELIVERIES, deliveries, CHANNELS_OF_ONE),
            (_ATTEMPTS, deliveries, 1),
        ):
            step = length // max(many, 1)
            values = {"many": many, "begin": begin, "step": step, "each": each, "datasets": datasets, "of": of}
            connection.execute(statement, values)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")


def main(arguments: Sequence[str]) -> None:
    """`python -m bench.processes.history FILE DELIVERIES`."""
    file, deliveries = arguments
    make(Path(file), int(deliveries), until=datetime.now(UTC))


if __name__ == "__main__":
    main(sys.argv[1:])

"""Opens SQLite: for the daemon one writing connection that loses no commit, for commands read-only."""

import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, QueuePool, StaticPool, create_engine, event

_WRITER_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # a commit survives a power cut
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=2000",  # milliseconds; longer waits are `StoreRetry`'s, and do not hold up the exit
)


def writer(database: Path) -> Engine:
    """Make the daemon's engine, for one thread.

    One connection, no more: SQLite before 3.51.3 can lose committed data when two connections write and checkpoint
    at once (sqlite.org, "WAL-reset bug"). Every transaction begins with BEGIN IMMEDIATE, so that none has to be
    upgraded half-way.
    """
    url = URL.create("sqlite", database=str(database))
    # No rollback when a connection is returned: every transaction has ended by then.
    engine = create_engine(url, poolclass=QueuePool, pool_size=1, max_overflow=0, pool_reset_on_return=None)

    @event.listens_for(engine, "connect")
    def _on_connect(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        if connection.execute("PRAGMA page_count").fetchone() == (0,):
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")  # so that the file can shrink; only a new one can
        for pragma in _WRITER_PRAGMAS:
            connection.execute(pragma)

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def reader(database: Path) -> Engine:
    """Make an engine that cannot write, for commands beside the daemon."""

    def connect() -> sqlite3.Connection:
        connection = _open_to_read(database)
        connection.execute("PRAGMA query_only=ON")
        return connection

    return create_engine("sqlite://", creator=connect)


def shared_reader(database: Path | None) -> Engine:
    """Make an engine with one connection for all threads, one at a time, that writes temporary tables only.

    They are kept in memory. Every transaction reads one state of the database; without a database it is an empty one.
    """

    def connect() -> sqlite3.Connection:
        connection = (
            sqlite3.connect(":memory:", check_same_thread=False) if database is None else _open_to_read(database)
        )
        connection.isolation_level = None  # transactions are begun below, not by the driver
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.execute("PRAGMA busy_timeout=1000")  # milliseconds; others wait for this connection
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=StaticPool, pool_reset_on_return=None)

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def _open_to_read(database: Path) -> sqlite3.Connection:
    def opened(mode: str) -> sqlite3.Connection:
        place = f"file:{quote(str(database))}?mode={mode}"
        connection = sqlite3.connect(place, uri=True, timeout=5, check_same_thread=False)
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        return connection

    try:
        return opened("ro")
    except sqlite3.OperationalError as error:
        if not error.sqlite_errorname.startswith("SQLITE_READONLY"):
            raise
        # A WAL that a killed daemon left has to be recovered before it can be read (sqlite.org/wal.html). Nothing
        # else is written, and no daemon runs: it would have recovered it.
        return opened("rw")

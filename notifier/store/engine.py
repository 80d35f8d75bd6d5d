"""How SQLite is opened: for the daemon one writing connection that loses no commit, for everybody else read-only."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from notifier.store.failures import failure

_WRITER_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # a commit survives a power cut
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=2000",  # what takes longer is waited for in `patience`, and does not hold up the exit
)


def probe(database: Path) -> None:
    """Open the database as the daemon does, and close it again.

    When a connection cannot be made, aiosqlite's thread outlives the attempt, and complains with a traceback if the
    loop is closed by then. So the first attempt is made without it.

    Raises:
        StoreError: it cannot be opened; `StoreUnready` where that may pass.
    """
    try:
        with closing(sqlite3.connect(database)) as connection:
            if connection.execute("PRAGMA page_count").fetchone() == (0,):
                connection.execute("PRAGMA auto_vacuum=INCREMENTAL")  # so that the file can shrink; only a new one can
            for pragma in _WRITER_PRAGMAS:
                connection.execute(pragma)
    except sqlite3.Error as error:
        raise failure(database, error, opening=True) from error


def writer(database: Path) -> AsyncEngine:
    """The daemon's engine.

    One connection, no more: SQLite before 3.51.3 can lose committed data when two connections write and checkpoint
    at once (sqlite.org, "WAL-reset bug"). Every transaction begins with BEGIN IMMEDIATE, so that none has to be
    upgraded half-way.
    """
    url = URL.create("sqlite+aiosqlite", database=str(database))
    # No rollback when a connection comes back: `Database` ends every transaction, and that is a turn of its thread.
    engine = create_async_engine(url, pool_size=1, max_overflow=0, pool_reset_on_return=None)

    @event.listens_for(engine.sync_engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        cursor = connection.cursor()
        for pragma in _WRITER_PRAGMAS:
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _on_begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def reader(database: Path) -> Engine:
    """An engine that cannot write, for commands that look while the daemon works."""

    def opened(mode: str) -> sqlite3.Connection:
        connection = sqlite3.connect(f"file:{quote(str(database))}?mode={mode}", uri=True, timeout=5)
        connection.execute("PRAGMA query_only=ON")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        return connection

    def connect() -> sqlite3.Connection:
        try:
            return opened("ro")
        except sqlite3.OperationalError as error:
            if not error.sqlite_errorname.startswith("SQLITE_READONLY"):
                raise
            # What a killed daemon left wants to be recovered before it can be read (sqlite.org/wal.html); nothing
            # else is written, and no daemon is there, or it would have done so.
            return opened("rw")

    return create_engine("sqlite://", creator=connect)

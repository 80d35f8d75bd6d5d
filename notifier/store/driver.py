"""aiosqlite with one turn of its thread for each statement, where its own cursors take three or four.

Each turn waits twice, for the thread and then for a turn of the loop, and a busy loop's turns are long: of a commit of
three statements these turns were most of the time, and the disk the lesser part.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, Self

import aiosqlite

ROWS_AT_ONCE = 1_000
"""What an answer may have to come with its statement; the rest of a longer one is fetched as it is asked for."""


async def connect(database: str) -> "Connection":
    """A connection for SQLAlchemy's aiosqlite dialect (`async_creator`)."""
    connection = Connection(lambda: sqlite3.connect(database), ROWS_AT_ONCE)
    await connection
    return connection


class Connection(aiosqlite.Connection):
    """A connection whose cursors answer with their rows."""

    def __init__(self, connector: Any, iter_chunk_size: int) -> None:
        super().__init__(connector, iter_chunk_size)
        self._thread.daemon = True  # as SQLAlchemy has it: one that was not closed must not hold up the exit

    def cursor(self) -> "Cursor":  # type: ignore[override]
        """A cursor. Nothing is done in the thread before it is used."""
        return Cursor(self)

    async def in_thread(self, function: Any, *arguments: Any) -> Any:
        """Call a function of the standard library's connection in the thread."""
        return await self._execute(function, *arguments)  # type: ignore[no-untyped-call]

    @property
    def plain(self) -> sqlite3.Connection:
        """The standard library's connection, for use in the thread."""
        return self._conn


class Cursor:
    """What SQLAlchemy asks of a cursor. A statement's first rows come with it, and a short answer is closed with it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._open: sqlite3.Cursor | None = None
        self._rows: list[Any] = []
        self.description: Sequence[Any] | None = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def execute(self, sql: str, parameters: Iterable[Any] = ()) -> Self:
        """Execute one statement."""
        await self._connection.in_thread(self._execute, sqlite3.Connection.execute, sql, parameters)
        return self

    async def executemany(self, sql: str, parameters: Iterable[Iterable[Any]]) -> Self:
        """Execute a statement with each of these."""
        await self._connection.in_thread(self._execute, sqlite3.Connection.executemany, sql, parameters)
        return self

    async def fetchone(self) -> Any:
        """The next row; None after the last."""
        rows = await self.fetchmany(1)
        return rows[0] if rows else None

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        """The next rows, `size` of them if there are."""
        wanted = self.arraysize if size is None else size
        if self._open is not None and len(self._rows) < wanted:
            self._rows += await self._connection.in_thread(self._open.fetchmany, wanted - len(self._rows))
        rows, self._rows = self._rows[:wanted], self._rows[wanted:]
        return rows

    async def fetchall(self) -> list[Any]:
        """All rows that are left."""
        if self._open is not None:
            self._rows += await self._connection.in_thread(self._open.fetchall)
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """Let go of it; what was fetched already is forgotten."""
        self._rows = []
        cursor, self._open = self._open, None
        if cursor is not None:
            await self._connection.in_thread(cursor.close)

    def _execute(self, run: Any, sql: str, parameters: Any) -> None:
        """In the thread: execute, and fetch what comes."""
        cursor: sqlite3.Cursor = run(self._connection.plain, sql, parameters)
        self.description, self.rowcount, self.lastrowid = cursor.description, cursor.rowcount, cursor.lastrowid
        self._rows = cursor.fetchmany(ROWS_AT_ONCE) if cursor.description else []
        if len(self._rows) < ROWS_AT_ONCE:
            cursor.close()
        else:
            self._open = cursor

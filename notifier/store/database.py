"""The open database of the one daemon that owns it: locked, at this program's version, one transaction at a time."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from notifier.core.errors import StoreError
from notifier.store.engine import writer
from notifier.store.failures import DAMAGE, damaged, failure, unwritable
from notifier.store.lock import DatabaseLock
from notifier.store.migrate import migrate
from notifier.store.patience import Patience
from notifier.store.whole import transaction

T = TypeVar("T")


class Database:
    """Enter it before use. `path` is its file, and `patience` what waits while it cannot be used.

    Its one connection has a thread of its own, where whole transactions run: a turn of the thread for each statement,
    as an asyncio driver takes, makes a commit three times as slow (measured).
    """

    def __init__(self, path: Path, patience: Patience) -> None:
        self.path = path
        self.patience = patience
        self._stack = AsyncExitStack()
        self._engine: Engine | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._under_way = 0
        self._file: tuple[int, int] | None = None

    async def __aenter__(self) -> Self:
        """Lock the database, bring it to this version and open it.

        Raises:
            StoreBusy: another daemon has it.
            StoreTooNew: a newer version wrote it.
            StoreUnready: it cannot be written now; a cause that may pass.
            StoreError: it cannot be read, made or written.
        """
        async with AsyncExitStack() as stack:
            stack.enter_context(DatabaseLock(self.path))
            self._engine = writer(self.path)
            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")
            stack.push_async_callback(self._close)
            await self._open()
            self._file = self._file_now()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def busy(self) -> bool:
        """Whether the thread has something to do."""
        return self._under_way > 0

    async def run(self, body: Callable[[Connection], T]) -> T:
        """Run this in the database's thread, as one transaction, in turn. What fails is rolled back.

        Raises:
            StoreUnready: for now it cannot be made.
            StoreError: it cannot be made at all.
            Unwritable: a value cannot be written; the database is well.
        """
        if self._thread is None:
            raise StoreError(f"{self.path}: the store is closed")
        return await self._in(self._thread, lambda: self._run(body))

    async def _in(self, thread: Executor, call: Callable[[], T]) -> T:
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(thread, call)
        finally:
            self._under_way -= 1

    def _run(self, body: Callable[[Connection], T]) -> T:
        assert self._engine is not None
        if self._file not in (None, self._file_now()):
            raise StoreError(f"{self.path}: the file was taken away or replaced; what is written now would be lost")
        try:
            with self._engine.begin() as connection:
                return body(connection)
        except (SQLAlchemyError, sqlite3.Error) as error:
            opening = self._file is None
            raise (not opening and unwritable(error)) or failure(self.path, error, opening=opening) from error
        except DAMAGE as error:
            raise unwritable(error) or damaged(self.path, error) from error

    @property
    def _database(self) -> "Database":
        return self

    @transaction
    def _open(self, connection: Connection) -> None:
        migrate(connection, str(self.path))

    def _file_now(self) -> tuple[int, int] | None:
        """Which file stands under the database's name."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    async def _close(self) -> None:
        """Await the transactions under way, allow no others, and close the connection in the thread that made it."""
        engine, thread, self._thread = self._engine, self._thread, None
        if engine is not None and thread is not None:
            await self._in(thread, engine.dispose)
            thread.shutdown(wait=False)


class Part:
    """A part of the store: methods over the one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

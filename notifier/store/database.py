"""The open database of the one daemon that owns it: locked, at this program's version, one transaction at a time."""

import asyncio
import contextlib
import ctypes
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
from notifier.store.migrate import migrate
from notifier.store.sqlite.engine import writer
from notifier.store.sqlite.errors import DAMAGE, damaged, failure, unwritable
from notifier.store.sqlite.file_guard import FileGuard, FilesChanged, refuse_cut
from notifier.store.sqlite.lock import DatabaseLock
from notifier.store.transaction import transaction
from notifier.store.write_retries import StoreRetry

T = TypeVar("T")


class Database:
    """Enter it before use. `path` is its file; `retries` repeats what fails while it is unusable.

    Its one connection has a thread of its own, which runs a transaction at a time. Switching to the thread for each
    statement, as asyncio drivers do, makes a commit three times as slow (measured).
    """

    def __init__(self, path: Path, retries: StoreRetry) -> None:
        self.path = path
        self.retries = retries
        self._stack = AsyncExitStack()
        self._engine: Engine | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._under_way = 0
        self._guard: FileGuard | None = None
        self._opened = False
        self._changed: FilesChanged | None = None

    async def __aenter__(self) -> Self:
        """Lock the database, bring it to this version and open it.

        Raises:
            StoreBusy: another daemon has it.
            StoreTooNew: a newer version wrote it.
            StoreUnready: it cannot be written now; a cause that may pass.
            StoreError: it cannot be read, made or written.
        """
        async with AsyncExitStack() as stack:
            refuse_cut(self.path)
            lock = stack.enter_context(DatabaseLock(self.path))
            self._guard = FileGuard(self.path, lock.database_descriptor)
            stack.callback(self._guard.end)
            self._engine = writer(self.path)
            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")
            stack.push_async_callback(self._close)
            await self._open()
            self._guard.begin()
            self._opened = True
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def busy(self) -> bool:
        """Whether a transaction runs or waits for the thread."""
        return self._under_way > 0

    async def run(self, body: Callable[[Connection], T]) -> T:
        """Run this as one transaction in the database's thread, in order of the calls. A failure rolls it back.

        Raises:
            StoreUnready: the database is unusable for now.
            StoreError: it is unusable for good.
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
        self._check_files()
        try:
            with self._engine.begin() as connection:
                return body(connection)
        except (SQLAlchemyError, sqlite3.Error) as error:
            opening = not self._opened
            raise (not opening and unwritable(error)) or failure(self.path, error, opening=opening) from error
        except DAMAGE as error:
            raise unwritable(error) or damaged(self.path, error) from error
        finally:
            if self._guard is not None and self._opened:
                self._guard.note()

    async def check_files(self) -> None:
        """Check that no other program has changed the files, and checkpoint the WAL.

        To be called every few seconds: what was moved to the database is not lost if somebody removes or cuts the WAL.

        Raises:
            FilesChanged: another program has.
        """
        if self._thread is not None:
            await self._in(self._thread, self._check_and_checkpoint)

    def _check_and_checkpoint(self) -> None:
        self._check_files()
        if self._guard is not None and not self._guard.all_checkpointed:
            with contextlib.suppress(sqlite3.Error):  # on a full disk, for example: the next write reports it
                self._checkpoint()
            self._guard.note(checkpointing=True)

    def _check_files(self) -> None:
        """Check that the files are as this process left them; once they are not, refuse every write.

        Raises:
            FilesChanged: another program has changed them, now or before.
        """
        if self._changed is not None:
            raise self._changed
        if self._guard is None or not self._opened:
            return
        try:
            self._guard.check()
        except FilesChanged as error:
            self._changed = error
            if error.whole_wal:  # it is open here, even if it was removed
                with contextlib.suppress(sqlite3.Error):
                    self._checkpoint()
            raise

    def _checkpoint(self) -> None:
        self._driver().execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def _driver(self) -> sqlite3.Connection:
        assert self._engine is not None
        with self._engine.connect() as connection:
            driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        return driver

    @property
    def _database(self) -> "Database":
        return self

    @transaction
    def _open(self, connection: Connection) -> None:
        migrate(connection, str(self.path))

    async def _close(self) -> None:
        """Wait for the transactions under way, refuse others, and close the connection in the thread that made it."""
        engine, thread, self._thread = self._engine, self._thread, None
        if engine is not None and thread is not None:
            unsafe = self._changed is not None and not self._changed.safe_to_close
            await self._in(thread, self._leave if unsafe else engine.dispose)
            thread.shutdown(wait=False)

    def _leave(self) -> None:
        """Leave the connection open until the process ends, and the database as it is for the next process.

        SQLite checkpoints the WAL when it closes the database. From a WAL that was cut it would copy pages that do not
        belong to one state of the database.
        """
        ctypes.pythonapi.Py_IncRef(
            ctypes.py_object(self._driver())
        )  # otherwise it is closed when it is garbage-collected


class Part:
    """A part of the store: methods that share its one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

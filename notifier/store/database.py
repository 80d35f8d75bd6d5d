"""The open database of the one daemon that owns it: locked, at this program's version, one transaction at a time."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.core.errors import StoreError
from notifier.store.engine import probe, writer
from notifier.store.failures import DAMAGE, damaged, failure
from notifier.store.lock import DatabaseLock
from notifier.store.migrate import migrate
from notifier.store.patience import Patience
from notifier.store.whole import whole


class Database:
    """Enter it before use. `path` is its file, and `patience` what waits while it cannot be used."""

    def __init__(self, path: Path, patience: Patience) -> None:
        self.path = path
        self.patience = patience
        self._stack = AsyncExitStack()
        self._engine: AsyncEngine | None = None
        self._turn = asyncio.Lock()
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
            probe(self.path)
            self._engine = writer(self.path)
            stack.push_async_callback(self._close)
            await self._migrate()
            self._file = self._file_now()
            self._stack = stack.pop_all()
        return self

    @property
    def _database(self) -> "Database":
        return self

    @whole
    async def _migrate(self) -> None:
        async with self.transaction(opening=True) as connection:
            await connection.run_sync(migrate, str(self.path))

    def _file_now(self) -> tuple[int, int] | None:
        """Which file stands under the database's name."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    async def _close(self) -> None:
        """Await the transaction under way, allow no other, close the connection: its thread would hold up the exit."""
        async with self._turn:
            engine, self._engine = self._engine, None
            if engine is not None:
                await engine.dispose()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @asynccontextmanager
    async def transaction(self, *, opening: bool = False) -> AsyncIterator[AsyncConnection]:
        """One transaction, in turn: there is one connection. What fails is rolled back.

        Raises:
            StoreUnready: for now it cannot be made.
            StoreError: it cannot be made at all.
        """
        async with self._turn:
            if self._engine is None:
                raise StoreError(f"{self.path}: the store is closed")
            if self._file not in (None, self._file_now()):
                raise StoreError(f"{self.path}: the file was taken away or replaced; what is written now would be lost")
            try:
                async with self._engine.begin() as connection:
                    yield connection
            except (SQLAlchemyError, sqlite3.Error) as error:
                raise failure(self.path, error, opening=opening) from error
            except DAMAGE as error:
                raise damaged(self.path, error) from error


class Part:
    """A part of the store: methods over the one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

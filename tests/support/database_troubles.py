"""What is the matter with a database, brought about through the daemon's own connection."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import Connection

from notifier.store.store import Store


async def pragma(store: Store, text: str) -> object:
    """Run a PRAGMA; what it answers, if it does."""

    def run(connection: Connection) -> object:
        result = connection.exec_driver_sql(f"PRAGMA {text}")
        return result.scalar() if result.returns_rows else None

    return await store._database.run(run)


async def no_more_pages(store: Store) -> None:
    """The database is as large as it may get."""
    await pragma(store, f"max_page_count={await pragma(store, 'page_count')}")


async def pages_again(store: Store) -> None:
    """It may grow again."""
    await pragma(store, "max_page_count=1000000")


@asynccontextmanager
async def read_only(store: Store) -> AsyncIterator[None]:
    """The database cannot be written."""

    def begin(connection: Connection) -> sqlite3.Connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.execute("PRAGMA query_only=ON")
        return driver

    driver = await store._database.run(begin)
    yield
    # Not in a transaction: none can begin.
    await asyncio.get_running_loop().run_in_executor(store._database._thread, driver.execute, "PRAGMA query_only=OFF")

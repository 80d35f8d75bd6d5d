"""Group commit: writes of one kind that wait at the same time share a transaction, and so a sync of the disk."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from sqlalchemy import Connection

from notifier.core.errors import StoreUnready
from notifier.store.database import Database

MOST = 500
"""Writes in one transaction."""

W = TypeVar("W")


@dataclass(kw_only=True, slots=True)
class _Job(Generic[W]):
    work: W
    written: bool | None = None
    error: BaseException | None = None
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def done(self) -> bool:
        return self.written is not None or self.error is not None


class GroupCommit(Generic[W]):
    """Writes that succeed or fail each by itself, and are durable when they are called written."""

    def __init__(self, database: Database, write: Callable[[Connection, Sequence[W]], bool]) -> None:
        """
        Args:
            database: where to.
            write: makes some writes; False if not all of them could be, and then none is kept.
        """
        self._database = database
        self._write = write
        self._waiting: deque[_Job[W]] = deque()
        self._led = False

    async def write(self, work: W) -> bool:
        """Make a write, with those that wait beside it; whether it could be made. It must not be cancelled.

        The first of those that wait makes all that wait by then, and wakes the others when that is done; then the
        first of those that came meanwhile does the same. (With a lock they would wake one after the other, each in a
        turn of the loop of its own.) When they fail together, each is made alone, so that none fails for another's
        fault. What ends the one that makes them, as the end of the process does, ends those whose writes it had taken.
        """
        job = _Job(work=work)
        self._waiting.append(job)
        if self._led:
            await job.woken.wait()
        if not job.done:
            self._led = True
            taken: list[_Job[W]] = []
            try:
                await self._make_all(taken)
            except BaseException as error:
                for each in taken:
                    if not each.done:
                        each.error = error
                        each.woken.set()
                raise
            finally:
                self._led = bool(self._waiting)
                if self._waiting:
                    self._waiting[0].woken.set()
        if job.error is not None:
            raise job.error
        return bool(job.written)

    async def _make_all(self, jobs: list[_Job[W]]) -> None:
        """Make what waits, and let `jobs` be what that is."""

        def make(connection: Connection) -> bool:
            # In the database's thread, and only now: what came while the transaction had to wait is made, too.
            while self._waiting and len(jobs) < MOST:
                jobs.append(self._waiting.popleft())
            return self._written(connection, jobs)

        try:
            written = await self._database.run(make)
        except Exception as error:  # noqa: BLE001 - raised again by the one that it belongs to
            while self._waiting and not jobs:
                jobs.append(self._waiting.popleft())
            if isinstance(error, StoreUnready):  # which is the fault of none of them
                for job in jobs:
                    job.error = error.copy()
                    job.woken.set()
                return
            if len(jobs) == 1:
                jobs[0].error = error
                return
        else:
            if written or len(jobs) == 1:
                for job in jobs:
                    job.written = written
                    job.woken.set()
                return
        for job in jobs:
            await self._make(job)
            job.woken.set()

    async def _make(self, job: _Job[W]) -> None:
        try:
            job.written = await self._database.run(lambda connection: self._written(connection, [job]))
        except Exception as error:  # noqa: BLE001 - raised again by the one that it belongs to
            job.error = error

    def _written(self, connection: Connection, jobs: Sequence[_Job[W]]) -> bool:
        written = self._write(connection, [job.work for job in jobs])
        if not written:
            connection.rollback()
        return written

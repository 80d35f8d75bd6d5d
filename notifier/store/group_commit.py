"""Group commit: writes of one kind that wait at the same time share a transaction, and so one sync of the disk."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from sqlalchemy import Connection

from notifier.core.errors import StoreUnready
from notifier.store.database import Database

MOST = 500
"""Writes in one transaction, at most."""

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
    """Groups writes. Each succeeds or fails by itself, and is durable when `write` returns."""

    def __init__(self, database: Database, write: Callable[[Connection, Sequence[W]], bool]) -> None:
        """
        Args:
            database: where the writes go.
            write: does some writes; False if not all of them could be done, and then none is kept.
        """
        self._database = database
        self._write = write
        self._waiting: deque[_Job[W]] = deque()
        self._leading = False

    async def write(self, work: W) -> bool:
        """Write, together with the writes that wait at the same time; whether it was done. It must not be cancelled.

        The first caller does all writes that wait by then and wakes the other callers; the first of those that came
        meanwhile does the next group. (With a lock they would wake one after the other, each in a turn of the event
        loop.) If a group fails, each of its writes is done alone, so that none fails because of another. What ends
        the caller that does a group, such as the end of the process, ends the others of the group.
        """
        job = _Job(work=work)
        self._waiting.append(job)
        if self._leading:
            await job.woken.wait()
        if not job.done:
            self._leading = True
            taken: list[_Job[W]] = []
            try:
                await self._write_group(taken)
            except BaseException as error:
                for each in taken:
                    if not each.done:
                        each.error = error
                        each.woken.set()
                raise
            finally:
                self._leading = bool(self._waiting)
                if self._waiting:
                    self._waiting[0].woken.set()
        if job.error is not None:
            raise job.error
        return bool(job.written)

    async def _write_group(self, jobs: list[_Job[W]]) -> None:
        """Do the writes that wait, and put them into `jobs`."""

        def make(connection: Connection) -> bool:
            # In the database's thread, and only now: what came while the transaction had to wait is included.
            while self._waiting and len(jobs) < MOST:
                jobs.append(self._waiting.popleft())
            return self._written(connection, jobs)

        try:
            written = await self._database.run(make)
        except Exception as error:  # noqa: BLE001 - raised again by the caller that it belongs to
            while self._waiting and not jobs:
                jobs.append(self._waiting.popleft())
            if isinstance(error, StoreUnready):  # not the fault of one of them
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
            await self._write_alone(job)
            job.woken.set()

    async def _write_alone(self, job: _Job[W]) -> None:
        try:
            job.written = await self._database.run(lambda connection: self._written(connection, [job]))
        except Exception as error:  # noqa: BLE001 - raised again by the caller that it belongs to
            job.error = error

    def _written(self, connection: Connection, jobs: Sequence[_Job[W]]) -> bool:
        written = self._write(connection, [job.work for job in jobs])
        if not written:
            connection.rollback()
        return written

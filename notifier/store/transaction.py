"""Methods that a cancellation cannot stop half-way, and that wait while the database cannot be used."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection

from notifier.core.errors import StoreUnready
from notifier.store.retrying import StoreRetry

P = ParamSpec("P")
T = TypeVar("T")


class _Patient(Protocol):
    @property
    def patience(self) -> StoreRetry: ...

    async def run(self, body: Callable[[Connection], T]) -> T: ...


class _Part(Protocol):
    @property
    def _database(self) -> _Patient: ...


S = TypeVar("S", bound=_Part)


def transaction(
    body: Callable[Concatenate[S, Connection, P], T],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """Make a coroutine of a method that is one transaction; it is `whole`.

    The method is called in the database's thread, with the connection before its own arguments. So it may take its
    time, but it must not change what belongs to the event loop. It may be called again when it has failed.
    """

    @wraps(body)
    async def run(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._database.run(lambda connection: body(self, connection, *args, **kwargs))

    return whole(run)


def whole(
    method: Callable[Concatenate[S, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """Let a cancellation wait until the method is done, and have the method done again while it cannot be.

    What is under way in the database's thread cannot be stopped: whoever is cancelled would not know what became of
    it, and an attempt to deliver that was made but not recorded would be made again. But nobody who is cancelled waits
    for a database that cannot be used.
    """

    @wraps(method)
    async def to_the_end(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        hurried = asyncio.Event()
        work = partial(method, self, *args, **kwargs)
        task = asyncio.create_task(self._database.patience.see_through(work, hurried))
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            hurried.set()
            await asyncio.wait({task})
            if not isinstance(task.exception(), StoreUnready):
                task.result()
            raise
        return task.result()

    return to_the_end

"""Decorators for methods of the store: one transaction, run to completion, repeated while that fails."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection

from notifier.core.errors import StoreUnready
from notifier.store.write_retries import StoreRetry

P = ParamSpec("P")
T = TypeVar("T")


class _Runner(Protocol):
    @property
    def retries(self) -> StoreRetry: ...

    async def run(self, body: Callable[[Connection], T]) -> T: ...


class _Part(Protocol):
    @property
    def _database(self) -> _Runner: ...


S = TypeVar("S", bound=_Part)


def transaction(
    body: Callable[Concatenate[S, Connection, P], T],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """Turn a method into a coroutine that runs it as one transaction, to completion.

    The method is called in the database's thread, with the connection before its own arguments. It may block, but must
    not change what belongs to the event loop. After a failure it may be called again.
    """

    @wraps(body)
    async def run(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._database.run(lambda connection: body(self, connection, *args, **kwargs))

    return run_to_completion(run)


def run_to_completion(
    method: Callable[Concatenate[S, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """Delay a cancellation until the method is done, and repeat the method while the database is unusable.

    Work in the database's thread cannot be stopped. A caller that was cancelled at once would not know its outcome: a
    delivery that was attempted but not recorded would be attempted again. A cancelled caller does not wait for a
    database that is unusable, though.
    """

    @wraps(method)
    async def run(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        cancelled = asyncio.Event()
        work = partial(method, self, *args, **kwargs)
        task = asyncio.create_task(self._database.retries.run(work, cancelled))
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            cancelled.set()
            await asyncio.wait({task})
            if not isinstance(task.exception(), StoreUnready):
                task.result()
            raise
        return task.result()

    return run

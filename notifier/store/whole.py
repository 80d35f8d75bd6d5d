"""Methods that a cancellation cannot stop half-way, and that wait while the database cannot be used."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from notifier.core.errors import StoreUnready
from notifier.store.patience import Patience

P = ParamSpec("P")
T = TypeVar("T")


class _Patient(Protocol):
    @property
    def patience(self) -> Patience: ...


class _Part(Protocol):
    @property
    def _database(self) -> _Patient: ...


S = TypeVar("S", bound=_Part)


def whole(
    method: Callable[Concatenate[S, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """Let a cancellation wait until the method is done, and have the method done again while it cannot be.

    A transaction that is cancelled half-way leaves a connection in aiosqlite's thread, and with it the database
    locked; and an attempt to deliver that was made but not recorded would be made again. But whoever is cancelled does
    not wait for a database that cannot be used.
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

"""Methods that a cancellation cannot stop half-way."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def whole(method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Let a cancellation wait until the method is done.

    A transaction that is cancelled half-way leaves a connection in aiosqlite's thread, and with it the database
    locked; and an attempt to deliver that was made but not recorded would be made again.
    """

    @wraps(method)
    async def to_the_end(*args: P.args, **kwargs: P.kwargs) -> T:
        task = asyncio.create_task(method(*args, **kwargs))
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            await asyncio.wait({task})
            task.result()
            raise
        return task.result()

    return to_the_end

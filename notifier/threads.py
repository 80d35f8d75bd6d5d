"""Runs calls that may block for ever, each in a thread that holds up neither the loop, nor others, nor the exit."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def in_daemon_thread(call: Callable[[], T], name: str) -> asyncio.Future[T]:
    """Start the call in a thread of its own, and answer with the future of its result.

    A pool's threads are joined at exit, so one call that hangs for ever would keep the process alive; and a pool
    that is full of hanging calls delays the good ones (Apprise's own: 12 of them cost 8 s). A thread costs about
    50 µs, which no send and no lookup will notice.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def set_result(result: T) -> None:
        if not future.done():
            future.set_result(result)

    def set_exception(error: BaseException) -> None:
        if not future.done():
            future.set_exception(error)

    def hand_over(setter: Callable[[], object]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits for the result any more
            loop.call_soon_threadsafe(setter)

    def run() -> None:
        try:
            result = call()
        except BaseException as error:  # noqa: BLE001 - it is raised again where the future is awaited
            failure = error
            hand_over(lambda: set_exception(failure))
        else:
            hand_over(lambda: set_result(result))

    threading.Thread(target=run, name=name, daemon=True).start()
    return future

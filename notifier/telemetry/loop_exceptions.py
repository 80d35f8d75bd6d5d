"""The exception handler of the event loop: lack of descriptors is one line a minute, not a flood of tracebacks."""

import asyncio
import errno
from collections.abc import Callable
from typing import Any

import structlog

SAID_EVERY_S = 60.0

_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

log = structlog.get_logger("notifier")


def watch_loop(loop: asyncio.AbstractEventLoop, noted: Callable[[OSError], None] = lambda _: None) -> None:
    """Install the handler. asyncio itself would log each failed `accept`, a hundred a second, with tracebacks.

    asyncio tries again by itself, so there is nothing else to do.

    Args:
        loop: the event loop.
        noted: called with each error that says that the machine is out of something.
    """
    said_at: float | None = None

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        nonlocal said_at
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in _EXHAUSTED:
            loop.default_exception_handler(context)
            return
        noted(error)
        if said_at is None or loop.time() - said_at >= SAID_EVERY_S:
            said_at = loop.time()
            log.error("machine.exhausted", text=f"nobody can connect for now: {error.strerror}")

    loop.set_exception_handler(handle)

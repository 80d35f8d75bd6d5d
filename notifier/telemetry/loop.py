"""What asyncio itself complains of: without file descriptors it is one line a minute, and not a storm of them."""

import asyncio
import errno
from collections.abc import Callable
from typing import Any

import structlog

SAID_EVERY_S = 60.0

_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

log = structlog.get_logger("notifier")


def watch_loop(loop: asyncio.AbstractEventLoop, noted: Callable[[OSError], None] = lambda _: None) -> None:
    """Log what a server cannot accept in a line; asyncio would do it a hundred times a second, with tracebacks.

    It tries again by itself, so nothing else is to be done.

    Args:
        loop: whose complaints are logged.
        noted: told of each time that the machine had no room.
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

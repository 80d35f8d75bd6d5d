"""Notifies systemd (sd_notify(3)): a datagram to the socket in `NOTIFY_SOCKET`, if that is set."""

import asyncio
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

MORE_TIME = timedelta(seconds=30)
ASK_EVERY = timedelta(seconds=5)
"""How much more time is asked for, and how often: shorter than any sensible TimeoutStartSec= or TimeoutStopSec=."""

_PATIENCE_S = 1.0
"""The longest wait for a service manager that does not empty its socket."""


def notify(*assignments: str) -> None:
    """Send assignments such as `READY=1`. Without a listening service manager, do nothing.

    An abstract socket's name starts with `@` in the environment, with NUL on the wire (sd_notify(3)).
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.settimeout(_PATIENCE_S)
            channel.connect(address)
            channel.sendall("\n".join(assignments).encode())
    except OSError:
        # The service manager has a timeout of its own; the work must not stop for it.
        return


def is_listening(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether a service manager listens."""
    return bool(environ.get("NOTIFY_SOCKET"))


def watchdog_interval(environ: Mapping[str, str] = os.environ, pid: int | None = None) -> timedelta | None:
    """Return the interval within which `WATCHDOG=1` must come; None if none is expected (sd_watchdog_enabled(3)).

    Args:
        environ: has WATCHDOG_USEC. With the WATCHDOG_PID of another process it is not meant for this one.
        pid: the id of this process.
    """
    if environ.get("WATCHDOG_PID", str(pid or os.getpid())) != str(pid or os.getpid()):
        return None
    usec = environ.get("WATCHDOG_USEC", "")
    return timedelta(microseconds=int(usec)) if usec.isascii() and usec.isdigit() and int(usec) else None


@contextmanager
def more_time(longest: timedelta) -> Iterator[None]:
    """Keep asking for more time to start or stop while the block lasts and the event loop runs.

    Args:
        longest: stop asking after this. What takes longer hangs, and should be ended.
    """
    task = asyncio.get_running_loop().create_task(_ask_for_time(longest))
    try:
        yield
    finally:
        task.cancel()


async def _ask_for_time(longest: timedelta) -> None:
    for _ in range(longest // ASK_EVERY):
        await asyncio.sleep(ASK_EVERY.total_seconds())
        notify(EXTEND)


EXTEND = f"EXTEND_TIMEOUT_USEC={MORE_TIME // timedelta(microseconds=1)}"
"""The assignment that asks for `MORE_TIME` from now."""

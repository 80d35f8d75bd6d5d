"""One open page: what waits to be sent to it."""

import asyncio
from collections.abc import Callable

MOST_WAITING = 16
"""Messages that wait for a page; instead of more it gets one `refresh`."""

MOST_BYTES = 256 * 1024


class Subscriber:
    """A page that is open. `put` messages, and take them from `next` to send them."""

    def __init__(self, peer: str, *, refresh: Callable[[], bytes]) -> None:
        """
        Args:
            peer: the client's address.
            refresh: makes the message that replaces messages that do not fit.
        """
        self.peer = peer
        self._refresh = refresh
        self._waiting: list[bytes] = []
        self._bytes = 0
        self._overflown = False
        self._woken = asyncio.Event()
        self.ended = False

    @property
    def waiting(self) -> int:
        """The number of messages that wait."""
        return len(self._waiting)

    def put(self, message: bytes) -> None:
        """Queue a message. While a `refresh` waits, it stands for all that comes."""
        if self._overflown or self.ended:
            return
        if len(self._waiting) >= MOST_WAITING or self._bytes + len(message) > MOST_BYTES:
            self._overflown = True
            self._waiting.clear()
            self._bytes = 0
            message = self._refresh()
        self._waiting.append(message)
        self._bytes += len(message)
        self._woken.set()

    async def next(self) -> bytes | None:
        """Return all that waits, once something does; None at the end."""
        await self._woken.wait()
        self._woken.clear()
        if self.ended:
            return None
        chunk = b"".join(self._waiting)
        self._waiting.clear()
        self._bytes = 0
        self._overflown = False
        return chunk

    def end(self) -> None:
        """End the stream: `next` returns None."""
        self.ended = True
        self._waiting.clear()
        self._woken.set()

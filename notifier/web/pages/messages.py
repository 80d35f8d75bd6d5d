"""Answers to actions: kept here for a minute, and shown by the page that the browser is sent back to.

The address of that page has only a key: whoever makes up a link cannot make up a message.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

LASTS_S = 60.0
MOST = 500

PARAMETER = "message"
"""The parameter of an address that has the key."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """What a page says of an action: a text, and whether it is `good`, `warn` or `bad`.

    `about` is the `data-key` of the row that says it, too, such as `channel:NAME`.
    """

    text: str
    tone: str = "good"
    about: str = ""


class Messages:
    """The messages of the last minute, by their keys."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[float, Message]] = {}

    def keep(self, message: Message) -> str:
        """Keep a message; return its key."""
        now = self._clock()
        self._kept = {key: kept for key, kept in self._kept.items() if kept[0] > now}
        if len(self._kept) >= MOST:
            del self._kept[next(iter(self._kept))]
        key = secrets.token_urlsafe(9)
        self._kept[key] = now + LASTS_S, message
        return key

    def get(self, key: str | None) -> Message | None:
        """Return the message of a key; None if there is none, or no longer."""
        until, message = self._kept.get(key or "", (0.0, None))
        return message if until > self._clock() else None

"""What a command and the daemon say to each other: a line of JSON with a request, and a line with the reply.

A request is `["mute", {"watch": "s_1", "until": null}]`; a reply is `{"done": …}` or `{"error": "…"}`. A connection
that begins with `LEASE` is a lease of the limiter instead (`control.limiter_lease`).
"""

import json
from dataclasses import asdict, dataclass
from typing import Any

LONGEST_LINE = 1024 * 1024
"""Bytes of a request or a reply."""

LEASE = b'"borrow"\n'
"""The line that begins a lease of the limiter."""

MALFORMED = (ValueError, TypeError, KeyError, OverflowError, RecursionError)
"""What the attempt to do a malformed request raises."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mute:
    """Drop the notifications of a watch until a time (ISO 8601) or, for None, until it is unmuted."""

    watch: str
    until: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Unmute:
    """Send the notifications of a watch again."""

    watch: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """Send again the deliveries of these ids, or all dead ones of a channel since a time (ISO 8601).

    With `configured`, deliveries to any other channel stay as they are: nobody would send them.
    """

    ids: tuple[int, ...] = ()
    channel: str | None = None
    since: str | None = None
    configured: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Diff:
    """Return what a reload would change. The daemon reads the files itself: it has the secrets that they need.

    The result is `config.diff.plain`, or the `problems` for which the files would be refused.
    """


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """Return how the daemon does: `core.health.resources.plain`, and `reading_since` (ISO 8601) during a reload."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GotThrough:
    """Try at once what waits for a channel: a test message has been delivered to it."""

    channel: str


Request = Mute | Unmute | Retry | Diff | Health | GotThrough

_KINDS: dict[str, type[Request]] = {
    kind.__name__.lower(): kind for kind in (Mute, Unmute, Retry, Diff, Health, GotThrough)
}


def kind_of(request: Request) -> str:
    """The word for a kind of request."""
    return type(request).__name__.lower()


def encode(request: Request) -> bytes:
    """The line of a request."""
    return json.dumps([kind_of(request), asdict(request)]).encode() + b"\n"


def decode(line: bytes) -> Request:
    """The request of a line.

    Raises:
        ValueError, TypeError, KeyError, RecursionError: it has none (`MALFORMED`).
    """
    kind, fields = json.loads(line)
    return _KINDS[kind](**fields)


def encode_reply(reply: dict[str, Any]) -> bytes:
    """The line of a reply."""
    return json.dumps(reply).encode() + b"\n"

"""Does what a request asks for: in the daemon, or in the command itself when no daemon runs."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from notifier.control.protocol import Diff, GotThrough, Health, Mute, Request, Retry, Unmute
from notifier.core.errors import NoDaemon
from notifier.core.isolation import Faults
from notifier.store.store import Store

_LARGEST_ID = 2**63 - 1
"""The largest integer of SQLite."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DaemonActions:
    """What only a running daemon can do. The defaults are those of a command: nothing to wake, and nobody to ask.

    `wake` is called with the channels for which a delivery is due, `got_through` with one to try at once. `preview`
    answers a `Diff`, `health` a `Health`. `lend` serves a lease of the limiter (`control.limiter_lease`) until it ends.
    `changed` is called with the topics of open pages (`web.live.changes`) that a request changed. `faults` isolates
    what a request raises.
    """

    wake: Callable[[Collection[str]], None] = lambda _: None
    got_through: Callable[[str], None] = lambda _: None
    preview: Callable[[], Awaitable[dict[str, Any]]] | None = None
    health: Callable[[], Awaitable[dict[str, Any]]] | None = None
    lend: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]] | None = None
    changed: Callable[..., None] = lambda *topics: None
    faults: Faults = field(default_factory=Faults)


_NO_DAEMON = DaemonActions()


async def handle(request: Request, store: Store, daemon: DaemonActions = _NO_DAEMON) -> dict[str, Any]:
    """Do what a request asks for, and return the result.

    Raises:
        NoDaemon: only a daemon can answer this request.
        ValueError, OverflowError: a field has no sensible value.
        StoreError: the store fails.
    """
    now = datetime.now(UTC)
    match request:
        case Mute(watch=watch, until=until):
            await store.outbox.mute(watch, now, _time(until))
            daemon.changed(f"watch:{watch}", "watches")
            return {"muted": watch, "until": until}
        case Unmute(watch=watch):
            was_muted = await store.outbox.unmute(watch)
            daemon.changed(f"watch:{watch}", "watches")
            return {"unmuted": watch, "was_muted": was_muted}
        case Retry(ids=ids, channel=channel, since=since, configured=configured):
            if not all(0 <= each <= _LARGEST_ID for each in ids):
                raise ValueError("no delivery has such an id")
            moved = await store.outbox.retry(
                now, ids=tuple(ids), channel=channel, since=_time(since), configured=configured
            )
            daemon.wake(set(moved))
            for each in set(moved):
                daemon.got_through(each)  # at once, also where the channel fails and would be tried later
            daemon.changed("deliveries", "channels", *(f"delivery:{each}" for each in ids))
            return {"retried": len(moved)}
        case GotThrough(channel=channel):
            waiting = await store.outbox.retry_now(channel, now)
            daemon.got_through(channel)
            return {"hastened": waiting}
        case Diff() if daemon.preview is not None:
            return await daemon.preview()
        case Health() if daemon.health is not None:
            return await daemon.health()
        case Diff() | Health():
            raise no_daemon(request)


def no_daemon(request: Diff | Health) -> NoDaemon:
    """The error of a request that only a daemon can answer, while none runs."""
    end = ", so there is nothing to compare the files with" if isinstance(request, Diff) else "; start `notifier run`"
    return NoDaemon(f"no daemon runs with this database{end}")


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)

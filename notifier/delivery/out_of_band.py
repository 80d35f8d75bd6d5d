"""Sends notices of a database that is unusable straight to the operators' channels: the outbox stands in the database.

Each channel is tried until it has taken the notice or the trouble is over. Channels that did not take it get it through
the outbox then, with the notice of the end.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from notifier.core.delivery.model import Notice, Outcome, OutcomeKind
from notifier.core.errors import StoreError
from notifier.core.health.store import StoreNews
from notifier.delivery.operator_notices import OperatorNotices

PAUSES = (2.0, 5.0, 15.0, 60.0, 300.0)
"""Seconds between two tries at a channel; the last one repeats."""

END_TIMEOUT = 4.0
"""Seconds that the daemon waits at its end for the channels to take the notice."""


@dataclass(kw_only=True)
class _Broadcast:
    """A notice being sent; `unreached` are the channels that have not taken it."""

    notice: Notice
    unreached: list[str]
    tasks: list[asyncio.Task[None]] = field(default_factory=list)


class OutOfBandNotices:
    """Sends the notices about the store; `aclose()` it at the end."""

    def __init__(
        self,
        *,
        operators: OperatorNotices,
        send: Callable[[str, Notice], Awaitable[Outcome]],
        later: Callable[..., None],
    ) -> None:
        """
        Args:
            operators: makes the notices, and commits what can be committed.
            send: sends a notice straight to a channel. It answers with a value, never with an exception.
            later: queues a coroutine function with its arguments, for work that writes to the store.
        """
        self._operators = operators
        self._send = send
        self._later = later
        self._broadcast: _Broadcast | None = None

    def store_changed(self, news: StoreNews) -> None:
        """Tell that the database is unusable, or usable again."""
        if not news.over:
            self._broadcast = self._begin(self._operators.store_notice(news), PAUSES)
        elif self._broadcast is not None:
            broadcast, self._broadcast = self._broadcast, None
            _cancel(broadcast)
            self._later(self._operators.store_over, news, broadcast.notice, tuple(broadcast.unreached))

    async def announce_end(self, error: StoreError) -> None:
        """Send the notice that the database ends the daemon, unless the last daemon sent the same."""
        notice = self._operators.last_notice(str(error))
        try:
            if not await self._operators.is_new(notice, str(error)):
                return
        except StoreError:
            pass  # unknown: better twice than never
        broadcast = self._begin(notice, ())
        if broadcast.tasks:
            await asyncio.wait(broadcast.tasks, timeout=END_TIMEOUT)
        _cancel(broadcast)

    async def aclose(self) -> None:
        """Cancel the sends that are under way."""
        if self._broadcast is not None:
            _cancel(self._broadcast)
            await asyncio.gather(*self._broadcast.tasks, return_exceptions=True)

    def _begin(self, notice: Notice, pauses: tuple[float, ...]) -> _Broadcast:
        broadcast = _Broadcast(notice=notice, unreached=[*self._operators.channels])
        broadcast.tasks = [asyncio.create_task(self._send_to(broadcast, each, pauses)) for each in broadcast.unreached]
        return broadcast

    async def _send_to(self, broadcast: _Broadcast, channel: str, pauses: tuple[float, ...]) -> None:
        tries = 0
        while True:
            broadcast.unreached.remove(channel)  # a send that is cancelled may have arrived, and is not repeated
            outcome = await self._send(channel, broadcast.notice)
            if outcome.kind in (OutcomeKind.DELIVERED, OutcomeKind.UNCERTAIN):
                return
            broadcast.unreached.append(channel)
            if not pauses:
                return
            await asyncio.sleep(pauses[min(tries, len(pauses) - 1)])
            tries += 1


def _cancel(broadcast: _Broadcast) -> None:
    for task in broadcast.tasks:
        task.cancel()

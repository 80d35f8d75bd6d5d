"""Tells the operators that the database cannot be used: past the outbox that stands in it, straight to their channels.

Each channel is tried until it has taken the notice, or the trouble is over; whoever could not be told by then is told
through the outbox, with the end of it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from notifier.core.delivery.model import Notice, Outcome, OutcomeKind
from notifier.core.errors import StoreError
from notifier.core.health.store import StoreNews
from notifier.delivery.notices import OperatorNotices

PAUSES = (2.0, 5.0, 15.0, 60.0, 300.0)
"""Seconds between two tries at a channel; the last one repeats."""

END_TIMEOUT = 4.0
"""Seconds that the end of the daemon waits for its operators to be told of it."""


@dataclass(kw_only=True)
class _Telling:
    """A notice on its way: `untold` are the channels that have not taken it."""

    notice: Notice
    untold: list[str]
    tasks: list[asyncio.Task[None]] = field(default_factory=list)


class OutOfBandNotices:
    """Told by the store of its troubles; `aclose()` it at the end."""

    def __init__(
        self,
        *,
        operators: OperatorNotices,
        send: Callable[[str, Notice], Awaitable[Outcome]],
        later: Callable[..., None],
    ) -> None:
        """
        Args:
            operators: words the notices, and has the outbox.
            send: sends a notice straight to a channel. It answers with a value, never with an exception.
            later: has something done that writes to the store.
        """
        self._operators = operators
        self._send = send
        self._later = later
        self._telling: _Telling | None = None

    def store_changed(self, news: StoreNews) -> None:
        """The database cannot be used, or can be again."""
        if not news.over:
            self._telling = self._tell(self._operators.store_notice(news), PAUSES)
        elif self._telling is not None:
            telling, self._telling = self._telling, None
            _cancel(telling)
            self._later(self._operators.store_over, news, telling.notice, tuple(telling.untold))

    async def announce_end(self, error: StoreError) -> None:
        """The database ends the daemon: tell the operators, unless the last daemon told them the same."""
        notice = self._operators.last_notice(str(error))
        try:
            if not await self._operators.is_new(notice, str(error)):
                return
        except StoreError:
            pass  # it cannot say: better twice than never
        telling = self._tell(notice, ())
        if telling.tasks:
            await asyncio.wait(telling.tasks, timeout=END_TIMEOUT)
        _cancel(telling)

    async def aclose(self) -> None:
        """Let go of what is still being told."""
        if self._telling is not None:
            _cancel(self._telling)
            await asyncio.gather(*self._telling.tasks, return_exceptions=True)

    def _tell(self, notice: Notice, pauses: tuple[float, ...]) -> _Telling:
        telling = _Telling(notice=notice, untold=[*self._operators.channels])
        telling.tasks = [asyncio.create_task(self._tell_one(telling, each, pauses)) for each in telling.untold]
        return telling

    async def _tell_one(self, telling: _Telling, channel: str, pauses: tuple[float, ...]) -> None:
        tries = 0
        while True:
            telling.untold.remove(channel)  # who is being told is not told again when this is cancelled
            outcome = await self._send(channel, telling.notice)
            if outcome.kind in (OutcomeKind.DELIVERED, OutcomeKind.UNCERTAIN):
                return
            telling.untold.append(channel)
            if not pauses:
                return
            await asyncio.sleep(pauses[min(tries, len(pauses) - 1)])
            tries += 1


def _cancel(telling: _Telling) -> None:
    for task in telling.tasks:
        task.cancel()

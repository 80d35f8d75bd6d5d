"""Tells every open page what changed, a few times a second at most. Costs nothing while no page is open.

The daemon reports its outcomes; the hub collects what they changed, has each changed row rendered once, and gives the
same message to all pages.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from notifier.core.errors import NotifierError
from notifier.core.isolation import Faults
from notifier.core.outcomes import AnyOutcome, HeartbeatOutcome, ListOutcome, PollOutcome, RequestOutcome
from notifier.core.work_units import Unit
from notifier.web.live.changes import Changes
from notifier.web.live.messages import HEARTBEAT, changed, opening, refresh
from notifier.web.live.subscriber import Subscriber

SETTLE_S = 0.1
"""From the first change to the message: changes of one cause come together."""

GAP_S = 0.5
"""Between two messages; a message with a status is at the page well within a second."""

SLOWDOWN = 25
"""The gap is at least so many times the time that the last rendering took: a slow database is not asked more often."""

HEARTBEAT_S = 15.0

MOST_ROWS = 40
"""Rows in a message. A page that shows others of the changed rows reads itself again."""

MOST = 96
"""Open pages in all; below the limit of connections, so that requests still get through."""

MOST_OF_ONE = 56
"""Open pages of one address; a reverse proxy is one."""

_ROWS = ("watch:", "delivery:")
"""Topics with a row that is cheap to make; what else changed, pages read again at their own pace."""

Render = Callable[[Collection[str]], Awaitable[Mapping[str, str]]]
"""Returns the HTML of rows by topic; those that no longer exist are left out. Raises `NotifierError`."""


async def no_rows(topics: Collection[str]) -> Mapping[str, str]:
    """Render nothing: pages read themselves again."""
    return {}


class Hub:
    """What changed, and the open pages that are told. A reporter of the daemon's outcomes."""

    def __init__(
        self,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        redact: Callable[[Any], Any] = lambda text: text,
        faults: Faults | None = None,
        most: int = MOST,
        most_of_one: int = MOST_OF_ONE,
    ) -> None:
        """
        Args:
            clock: the time, UTC.
            redact: masks secrets.
            faults: isolates what rendering raises.
            most: open pages in all.
            most_of_one: open pages of one address.
        """
        self._clock = clock
        self._render: Render = no_rows
        self._redact = redact
        self._faults = faults or Faults()
        self._most = most
        self._most_of_one = most_of_one
        self._life = secrets.token_hex(4)
        self._number = 0
        self._open: set[Subscriber] = set()
        self._changes = Changes()
        self._timer: asyncio.TimerHandle | None = None
        self._heartbeat: asyncio.TimerHandle | None = None
        self._sending: asyncio.Task[None] | None = None
        self._not_before = 0.0

    def __len__(self) -> int:
        return len(self._open)

    @property
    def last_id(self) -> str:
        """The id of the last change. Another life of the daemon has other ids."""
        return f"{self._life}-{self._number}"

    def report(self, outcome: AnyOutcome) -> None:
        """Note what an outcome changed."""
        if self._open:
            if self._changes.note(outcome, self._clock()):
                self._number += 1
            self._schedule()
        elif not _is_routine(outcome):
            self._number += 1

    def change(self, *topics: str) -> None:
        """Note that these topics changed without an outcome, as by a command."""
        self._number += 1
        if self._open:
            self._changes.add(*topics)
            self._schedule()

    def open(self, peer: str, since: str, render: Render = no_rows) -> Subscriber | None:
        """Return the subscriber for a page; None if too many are open.

        Args:
            peer: the client's address.
            since: the id of the last change that the page knows.
            render: makes rows, from now on for all pages.
        """
        peers = Counter(each.peer for each in self._open)
        if len(self._open) >= self._most or peers[peer] >= self._most_of_one:
            return None
        loop = asyncio.get_running_loop()
        subscriber = Subscriber(peer, refresh=lambda: refresh(self.last_id, len(self._open)))
        self._open.add(subscriber)
        self._render = render
        kind = "hello" if since == self.last_id else "refresh"
        subscriber.put(opening(kind, self.last_id, len(self._open)))
        if self._heartbeat is None:
            self._heartbeat = loop.call_later(HEARTBEAT_S, self._beat)
        return subscriber

    def close(self, subscriber: Subscriber) -> None:
        """Forget a page. After the last one, nothing is collected any more."""
        self._open.discard(subscriber)
        subscriber.end()
        if not self._open:
            self._rest()

    def end(self) -> None:
        """End all streams, as at the end of the daemon. Browsers connect again."""
        for subscriber in list(self._open):
            self.close(subscriber)

    def _rest(self) -> None:
        for timer in (self._timer, self._heartbeat):
            if timer is not None:
                timer.cancel()
        if self._sending is not None:
            self._sending.cancel()
        self._timer = self._heartbeat = self._sending = None
        self._changes = Changes()

    def _schedule(self) -> None:
        """Have a message sent soon, unless one is to be already, or is being made."""
        if self._changes and self._timer is None and self._sending is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(loop.time() + SETTLE_S, self._not_before), self._begin)

    def _begin(self) -> None:
        self._timer = None
        self._sending = asyncio.get_running_loop().create_task(self._send())

    async def _send(self) -> None:
        """Render what changed, and give it to all pages."""
        changes, self._changes = self._changes, Changes()
        loop = asyncio.get_running_loop()
        began = loop.time()
        last_id = self.last_id  # what changes while this renders belongs to the next message
        rows = {} if changes.everything else await self._rows(changes)
        message = changed(changes, rows, last_id, len(self._open), redact=self._redact)
        for subscriber in self._open:
            subscriber.put(message)
        self._not_before = loop.time() + max(GAP_S, SLOWDOWN * (loop.time() - began))
        self._sending = None
        self._schedule()

    async def _rows(self, changes: Changes) -> Mapping[str, str]:
        topics = [topic for topic in changes.topics if topic.startswith(_ROWS)][:MOST_ROWS]
        if not topics:
            return {}
        try:
            return await self._render(topics)
        except (NotifierError, TimeoutError):  # pages that read themselves say it in words
            return {}
        except Exception as error:  # noqa: BLE001 - a row that cannot be rendered must not hold up the other topics
            self._faults.note(Unit.PAGE, "rows of open pages", error)
            return {}

    def _beat(self) -> None:
        self._heartbeat = asyncio.get_running_loop().call_later(HEARTBEAT_S, self._beat)
        for subscriber in self._open:
            subscriber.put(HEARTBEAT)


def _is_routine(outcome: AnyOutcome) -> bool:
    """Whether an outcome changes no more than the times of a poll."""
    match outcome:
        case PollOutcome():
            return not outcome.committed and outcome.refusal is None
        case ListOutcome():
            return not (outcome.found or outcome.baseline or outcome.refusal or outcome.unclear)
        case RequestOutcome() | HeartbeatOutcome():
            return True
        case _:
            return False

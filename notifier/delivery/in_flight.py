"""Sends a channel's messages, and beside them what is committed meanwhile, as far as its policy allows.

Where messages are never merged, an event waits for no other one that is being sent and settled.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

from notifier.core.delivery.batch import Waiting, subject_of
from notifier.core.delivery.channel_policy import ChannelPolicy
from notifier.core.delivery.model import Delivery

Messages = Sequence[Sequence[Delivery]]
"""Claimed deliveries, by the message that they go out in."""


class InFlight:
    """The messages of one channel that are claimed and not yet settled."""

    def __init__(self, policy: ChannelPolicy) -> None:
        self._policy = policy
        self._subjects: frozenset[str] = frozenset()  # never changed in place: the database's thread reads it
        self._messages = 0
        self._free_at = 0.0
        self._moved = asyncio.Event()

    @property
    def room(self) -> int:
        """How many messages may be in flight beside these."""
        return max(self._policy.parallel - self._messages, 0)

    @property
    def pause(self) -> float:
        """The seconds until the next message may follow by the channel's pace."""
        return max(self._free_at - asyncio.get_running_loop().time(), 0.0)

    def wake(self) -> None:
        """Ask whether there is more to send."""
        self._moved.set()

    def beside(self, waiting: Sequence[Waiting]) -> Sequence[Waiting]:
        """Return those of these that may be sent beside what is in flight: what is about other snapshots."""
        return [each for each in waiting if subject_of(each.delivery) not in self._subjects]

    async def run(
        self,
        messages: Messages,
        *,
        send: Callable[[Messages], Awaitable[None]],
        is_more: Callable[[], bool],
        claim: Callable[[], Awaitable[Messages]],
    ) -> None:
        """Send these, and what can be claimed meanwhile; return when all of it is settled.

        An exception does not cancel the other sends: it would leave unknown whether they arrived. It is raised when
        they have ended.

        Args:
            messages: what is claimed.
            send: sends and settles messages that were claimed together.
            is_more: whether there may be more to claim.
            claim: claims it.
        """
        errors: list[BaseException] = []
        async with asyncio.TaskGroup() as tasks:
            while True:
                if messages:
                    self._depart(messages)
                    tasks.create_task(self._send(messages, send, errors))
                if not self._messages:
                    break
                messages = ()
                may_claim = not errors and self._has_room and is_more()
                if not may_claim or self.pause > 0:
                    await self._wait(self.pause if may_claim else None)
                    continue
                try:
                    messages = await claim()
                except Exception as error:  # noqa: BLE001 - raised below
                    errors.append(error)
        if errors:
            raise errors[0]

    @property
    def _has_room(self) -> bool:
        """Whether half of what may be in flight is free: for less, a claim is not worth its commit."""
        return 0 < 2 * self.room >= self._policy.parallel

    async def _wait(self, longest: float | None) -> None:
        self._moved.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(longest):
                await self._moved.wait()

    async def _send(
        self, messages: Messages, send: Callable[[Messages], Awaitable[None]], errors: list[BaseException]
    ) -> None:
        try:
            await send(messages)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - `run` raises it when the others have ended
            errors.append(error)
        finally:
            self._land(messages)

    def _depart(self, messages: Messages) -> None:
        self._messages += len(messages)
        self._subjects |= _subjects_of(messages)
        now = asyncio.get_running_loop().time()
        self._free_at = now + len(messages) * self._policy.pace.total_seconds()

    def _land(self, messages: Messages) -> None:
        self._messages -= len(messages)
        self._subjects -= _subjects_of(messages)
        self._moved.set()


def _subjects_of(messages: Messages) -> set[str]:
    return {subject_of(each) for message in messages for each in message}

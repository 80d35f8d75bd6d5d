"""Sends the request that a trigger's `notify=` asks for when its snapshot ends, or one that goes wrong.

It is a POST of a small JSON, `{"snapshot_id": …, "status": …}` as receivers have seen it, with the trigger's
`auth_header` as `Authorization`. It is sent once, whatever the answer: no retries are documented.
"""

import asyncio
import heapq
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count
from typing import Any

import httpx

from notifier.brightdata.simulator.account import Snapshot
from notifier.brightdata.simulator.faults import checked, mixed

TIMEOUT_S = 10.0

EARLY_S = 2.0
LATE_S = 5.0
"""Simulated seconds by which a request is early or late."""


class NotifyFault(StrEnum):
    """A fault of such a request, by its name for `--notify-fault`."""

    LOST = "lost"
    DOUBLED = "doubled"
    EARLY = "early"
    LATE = "late"


MEANINGS: Mapping[NotifyFault, str] = {
    NotifyFault.LOST: "it is never sent",
    NotifyFault.DOUBLED: "it is sent twice",
    NotifyFault.EARLY: f"it is sent {EARLY_S:g} s before the end",
    NotifyFault.LATE: f"it is sent {LATE_S:g} s after the end",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Notification:
    """A request that was sent: when (seconds of the clock), of which snapshot, and the status of its answer, or 0."""

    at: float
    snapshot_id: str
    answer: int


@dataclass(order=True, slots=True)
class _Due:
    at: float
    order: int
    snapshot: Snapshot = field(compare=False)
    url: str = field(compare=False)
    authorization: str = field(compare=False)


class Notifications:
    """The requests to come. `start` and `close` it.

    Args:
        seed: determines which requests go wrong.
        speed: simulated seconds per second of the clock.
        chances: the probability of each fault; their sum is at most 1.
        clock: monotonic seconds.

    Raises:
        ValueError: the chances are no probabilities.
    """

    def __init__(
        self, *, seed: int, speed: float, chances: Mapping[NotifyFault, float], clock: Callable[[], float]
    ) -> None:
        checked(chances)
        self._seed = seed
        self._speed = speed
        self._chances = dict(chances)
        self._clock = clock
        self._due: list[_Due] = []
        self._order = count()
        self._woken = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: httpx.AsyncClient | None = None
        self._answered = asyncio.Event()
        self.sent: list[Notification] = []

    async def start(self) -> None:
        """Begin to send what falls due."""
        self._client = httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False)
        self._spawn(self._run())

    async def close(self) -> None:
        """Send nothing more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def expect(self, snapshot: Snapshot, url: str, authorization: str = "") -> None:
        """Send a request to this address when the snapshot ends."""
        number = next(self._order)
        fault = self._fault(number)
        end = snapshot.began + snapshot.life.seconds / self._speed
        shift = {NotifyFault.EARLY: -EARLY_S, NotifyFault.LATE: LATE_S}.get(fault, 0.0) if fault is not None else 0.0
        times = {NotifyFault.LOST: 0, NotifyFault.DOUBLED: 2}.get(fault, 1) if fault is not None else 1
        for _ in range(times):
            heapq.heappush(self._due, _Due(end + shift / self._speed, next(self._order), snapshot, url, authorization))
        self.wake()

    async def until_sent(self, number: int) -> None:
        """Wait until that many requests have been sent, and answered or not, in total."""
        while len(self.sent) < number:
            self._answered.clear()
            await self._answered.wait()

    def wake(self) -> None:
        """Look again at what is due: the clock has moved."""
        self._woken.set()

    def _fault(self, number: int) -> NotifyFault | None:
        left = mixed(self._seed + 3, number) / 2**64
        for fault, chance in self._chances.items():
            left -= chance
            if left < 0:
                return fault
        return None

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            while self._due and self._due[0].at <= self._clock():
                self._spawn(self._send(heapq.heappop(self._due)))
            try:
                async with asyncio.timeout(self._due[0].at - self._clock() if self._due else None):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def _send(self, due: _Due) -> None:
        assert self._client is not None
        body = {"snapshot_id": due.snapshot.id, "status": due.snapshot.life.steps[-1].status}
        headers = {"Authorization": due.authorization} if due.authorization else {}
        at = self._clock()
        try:
            answer = (await self._client.post(due.url, json=body, headers=headers)).status_code
        except (httpx.HTTPError, httpx.InvalidURL):
            answer = 0
        self.sent.append(Notification(at=at, snapshot_id=due.snapshot.id, answer=answer))
        self._answered.set()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

"""Serves the simulated Bright Data on a real socket."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import NamedTuple, Self

from starlette.responses import Response

from notifier.brightdata.simulator import downloads, endpoints
from notifier.brightdata.simulator.account import Account, Snapshot
from notifier.brightdata.simulator.faults import IN_RESULTS, Fault, FaultInjector
from notifier.brightdata.simulator.life import Life
from notifier.brightdata.simulator.listener import Listener, Request
from notifier.brightdata.simulator.notifications import Notifications, NotifyFault
from notifier.brightdata.simulator.replies import as_json, as_text, broken, rate_limited

GIVE_RESULTS = frozenset({"download", "parts", "cancel", "scrape"})
LOG_LENGTH = 10_000


class AnsweredRequest(NamedTuple):
    """An answered request: its time in seconds of the clock, its kind and path, and its status or fault."""

    at: float
    kind: str
    raw_path: str
    answer: str


class Simulator:
    """A simulated Bright Data. Enter it as an async context manager to serve.

    `requests` counts requests by kind (see `endpoints.kind_of`), and `answers` by status (`200`) or, for a faulty one,
    by fault (`reset`). `log` keeps the last requests.

    Args:
        seed: determines faults, ids, lives and the order of listings.
        speed: simulated seconds per real second.
        faults: the probability of each fault.
        token: the valid bearer token; None accepts any.
        requests_per_second: the rate above which the account gets 429; None for no limit.
        retry_after: whole seconds in the `Retry-After` of 429, 503 and 202.
        slow_seconds: the delay of an answer with the fault `slow`.
        notify: the address that is notified of the end of each snapshot, of those too that are triggered without one.
        notify_faults: the probability of each fault of such a request.
        host, port: the address to listen on; port 0 takes any free one.
        clock: monotonic seconds.
        wall_clock: for the date of a snapshot's creation.

    Raises:
        ValueError: the faults are no probabilities.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        speed: float = 1.0,
        faults: Mapping[Fault, float] | None = None,
        token: str | None = None,
        requests_per_second: float | None = None,
        retry_after: int = 2,
        slow_seconds: float = 5.0,
        notify: str | None = None,
        notify_faults: Mapping[NotifyFault, float] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.account = Account(
            seed=seed, speed=speed, clock=clock, wall_clock=wall_clock, requests_per_second=requests_per_second
        )
        self.account.started = self._started
        self.notifications = Notifications(seed=seed, speed=speed, chances=notify_faults or {}, clock=clock)
        self.requests: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()
        self.log: deque[AnsweredRequest] = deque(maxlen=LOG_LENGTH)
        self._faults = FaultInjector(seed=seed, chances=faults or {})
        self._token = token
        self._retry_after = retry_after
        self._slow_seconds = slow_seconds
        self._notify = notify
        self._host = host
        self._port = port
        self._clock = clock
        self._listener = Listener(self._answer)
        self._refusals = 0
        self._came = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._port = await self._listener.start(self._host, self._port)
        await self.notifications.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.notifications.close()
        await self._listener.close()

    @property
    def url(self) -> str:
        """The base address of the API."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    def add(self, snapshot_id: str, life: Life, *, dataset_id: str = "gd_simulated") -> None:
        """Adds a snapshot whose life begins now.

        Raises:
            ValueError: the id is taken.
        """
        self._started(self.account.add(snapshot_id, life, dataset_id), {})

    def populate(self, number: int, *, dataset_id: str = "gd_simulated", life: Life | None = None) -> list[str]:
        """Adds snapshots with ids that the seed determines, and lives too if none is given; returns their ids."""
        made = [self.account.make(dataset_id, life) for _ in range(number)]
        for snapshot in made:
            self._started(snapshot, {})
        return [snapshot.id for snapshot in made]

    def order_life(self, life: Life) -> None:
        """Queues a life for the next triggered snapshot, after those queued before."""
        self.account.order_life(life)

    def fail_next(self, fault: Fault, times: int = 1) -> None:
        """Queues a fault for the next requests, after those queued before."""
        self._faults.order(fault, times)

    def fail_always(self, fault: Fault | None) -> None:
        """Gives this fault to every request for which none is queued; None leaves it to chance again."""
        self._faults.usual = fault

    def refuse(self, snapshot_id: str, *, refuse: bool = True) -> None:
        """Answers polls of this snapshot with 400, or stops doing so."""
        (self.account.refused.add if refuse else self.account.refused.discard)(snapshot_id)

    def answer_next(self, times: int = 1) -> None:
        """Queues correct answers for the next requests, after those queued before."""
        self._faults.order(None, times)

    async def until_asked(self, times: int) -> None:
        """Waits until that many requests have come in total."""
        while self.requests.total() < times:
            self._came.clear()
            await self._came.wait()

    def _started(self, snapshot: Snapshot, query: Mapping[str, str]) -> None:
        if url := query.get("notify") or self._notify:
            self.notifications.expect(snapshot, url, query.get("auth_header", ""))

    async def _answer(self, request: Request) -> Response:
        kind = endpoints.kind_of(request.raw_path)
        self.requests[kind] += 1
        self._came.set()
        fault = self._faults.next()
        if fault is None:
            response = await self._right(kind, request)
            self._note(kind, request, str(response.status_code))
            return response
        if fault in IN_RESULTS.get(kind, ()):
            self._note(kind, request, fault.value)
            return await self._right(kind, request, fault)
        self._note(kind, request, fault.value)  # recorded before: some faults never end
        return await broken(
            fault,
            request,
            lambda: self._right(kind, request),
            retry_after=self._retry_after,
            slow_seconds=self._slow_seconds,
        )

    async def _right(self, kind: str, request: Request, fault: Fault | None = None) -> Response:
        if not self._authorised(request.headers.get("Authorization", "")):
            self._refusals += 1
            if self._refusals % 2:  # the API has both answers
                return as_json({"error": "User authentication is required"}, 401)
            return as_text("Credentials are missing", 401)
        if self.account.over_limit():
            return rate_limited(self._retry_after)
        if kind in GIVE_RESULTS:
            return await downloads.answer(self.account, kind, request, retry_after=self._retry_after, fault=fault)
        return await endpoints.answer(self.account, kind, request, stale=fault is Fault.STALE)

    def _authorised(self, header: str) -> bool:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return False
        return self._token is None or token.strip() == self._token

    def _note(self, kind: str, request: Request, answer: str) -> None:
        self.answers[answer] += 1
        self.log.append(AnsweredRequest(self._clock(), kind, request.raw_path, answer))

"""Polls snapshots, individually or a dataset's page by page; returns values instead of raising.

`notifier.brightdata.datasets.progress` and `notifier.brightdata.datasets.list_pages` decide what an answer means.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from types import TracebackType
from typing import Self

import msgspec

from notifier.brightdata.datasets.list_pages import LARGEST_PAGE, SLICE, Entries, entries_of, quick_entries_of, read
from notifier.brightdata.datasets.progress import observation_of
from notifier.brightdata.http.failures import NoAnswer
from notifier.brightdata.http.gateway import Gateway
from notifier.brightdata.http.paths import path_segment
from notifier.brightdata.http.response import Answer
from notifier.brightdata.http.tokens import TokenSource
from notifier.brightdata.limits.gate import Gate
from notifier.brightdata.limits.permit import Permit
from notifier.core.snapshot.model import Listed, ListPage, NotFound, Observation, Reason, Seen, Unclear

PROGRESS = "/datasets/v3/progress/"
SNAPSHOTS = "/datasets/v3/snapshots"

LARGEST_ANSWER = 64 * 1024
"""Bytes. A progress answer has a few hundred."""

MOST_LISTED = 5_000
"""The most entries that a page may have (documented)."""

MOST_PAGES = 100
"""A listing with more is taken for one without an end."""

PAGE_PATIENCE = 3
"""A page takes longer than a poll: it may take this many times the timeout."""


class Client:
    """Polls Bright Data's snapshots.

    Enter it as an async context manager; several polls may run at once.

    Args:
        base_url, token, limiter, max_connections, requested: see `Gateway`.
        timeout: for one complete answer, from the moment the limiter admits its request.

    Raises:
        ValueError: the base_url is not an address.
    """

    def __init__(
        self,
        *,
        base_url: str,
        token: TokenSource,
        timeout: timedelta,
        limiter: Gate,
        max_connections: int,
        requested: Callable[[int | None], None] = lambda _: None,
        unreadable: Callable[[str, Sequence[str]], None] = lambda dataset_id, entries: None,
    ) -> None:
        self._unreadable = unreadable
        self.gateway = Gateway(
            base_url=base_url,
            token=token,
            timeout=timeout,
            limiter=limiter,
            max_connections=max_connections,
            requested=requested,
        )

    async def __aenter__(self) -> Self:
        await self.gateway.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.gateway.__aexit__(kind, error, traceback)

    async def observe(self, snapshot_id: str, *, permit: Permit | None = None) -> Observation:
        """Polls a snapshot once.

        A failure of the API, the network or a proxy is an observation too: only `CancelledError` is raised, and
        `RuntimeError` outside the context.

        Args:
            snapshot_id: the snapshot.
            permit: this request's turn if the caller has waited for it already; it is released in any case.
        """
        segment = path_segment(snapshot_id)
        if segment is None:
            if permit is not None:
                permit.release()
            return Unclear(reason=Reason.NONSENSE, detail="not asked: the id cannot be one segment of a path")
        answer: Answer | None = None
        try:
            async with self.gateway.ask(
                "GET", PROGRESS + segment, seconds=self.gateway.seconds, permit=permit
            ) as answer:
                observation = _observation(answer, await answer.body(LARGEST_ANSWER), snapshot_id)
                answer.judge(observation if isinstance(observation, Unclear) else None)
                return observation
        except NoAnswer as error:
            # The status line suffices, except of a 200: that needs its complete body.
            if answer is None or answer.status_code == 200:
                return error.unclear
            return _observation(answer, b"", snapshot_id)

    async def list_page(
        self,
        dataset_id: str,
        *,
        skip: int,
        limit: int = MOST_LISTED,
        from_date: date | None = None,
        permit: Permit | None = None,
    ) -> ListPage | Unclear:
        """Returns one page of a dataset's snapshots, in the API's order.

        Unreadable entries are dropped and reported; a page that is not a list is unclear as a whole. Only
        `CancelledError` is raised, and `RuntimeError` outside the context.

        Args:
            dataset_id: the dataset.
            skip: the entries before the page.
            limit: the most entries of the page, up to `MOST_LISTED`.
            from_date: only snapshots created on that day (UTC) or later.
            permit: this request's turn if the caller has waited for it already; it is released in any case.
        """
        params: dict[str, str | int] = {"dataset_id": dataset_id, "skip": skip, "limit": limit}
        if from_date is not None:
            params["from_date"] = from_date.isoformat()
        answer: Answer | None = None
        body = b""
        entries: Sequence[bytes | msgspec.Raw] | Unclear = []
        seconds = PAGE_PATIENCE * self.gateway.seconds
        try:
            async with self.gateway.ask("GET", SNAPSHOTS, params=params, seconds=seconds, permit=permit) as answer:
                body = await answer.body(LARGEST_PAGE)
                if answer.status_code == 200:
                    quick = quick_entries_of(body)
                    entries = quick if quick is not None else await asyncio.to_thread(entries_of, body, answer.secret)
                    answer.judge(entries if isinstance(entries, Unclear) else None)
        except NoAnswer as error:
            if answer is None or answer.status_code == 200:
                return error.unclear
        if answer.status_code != 200:
            return _unlisted(_observation(answer, body, None))
        if isinstance(entries, Unclear):
            return entries
        found: list[Listed] = []
        unreadable: list[str] = []
        for start in range(0, len(entries), SLICE):
            await asyncio.sleep(0)  # a large page must not hold up other tasks
            some: Entries = read(entries[start : start + SLICE], answer.secret, datetime.now(UTC))
            found += some.found
            unreadable += some.unreadable
        if unreadable:
            self._unreadable(dataset_id, unreadable)
        return ListPage(entries=tuple(found), full=len(entries) >= limit)

    async def listing(
        self,
        dataset_id: str,
        *,
        from_date: date | None = None,
        limit: int = MOST_LISTED,
        permit: Permit | None = None,
    ) -> tuple[Listed, ...] | Unclear:
        """Returns all of a dataset's snapshots: page by page until a short one, each with a permit of its own.

        The permit given is for the first page. The order of the pages does not matter. Of a snapshot that comes twice,
        because others were added meanwhile, the last entry counts. A listing without an end is unclear.
        """
        found: dict[str, Listed] = {}
        for number in range(MOST_PAGES):
            page = await self.list_page(
                dataset_id, skip=number * limit, limit=limit, from_date=from_date, permit=permit
            )
            permit = None
            if isinstance(page, Unclear):
                return page
            before = len(found)
            found.update((entry.snapshot_id, entry) for entry in page.entries)
            if not page.full:
                return tuple(found.values())
            if len(found) == before:
                return Unclear(reason=Reason.NONSENSE, detail="the list of snapshots repeats itself")
        return Unclear(reason=Reason.NONSENSE, detail=f"the list of snapshots has more than {MOST_PAGES} pages")


def _observation(answer: Answer, body: bytes, snapshot_id: str | None) -> Observation:
    return observation_of(
        status_code=answer.status_code,
        headers=answer.headers,
        body=body,
        now=datetime.now(UTC),
        snapshot_id=snapshot_id,
        secret=answer.secret,
    )


def _unlisted(observation: Observation) -> Unclear:
    """Returns why there is no list, from what the answer would mean for a poll."""
    match observation:
        case Unclear():
            return observation
        case NotFound():
            return Unclear(reason=Reason.REFUSED, detail="HTTP 404: there is no list of this dataset")
        case Seen():
            return Unclear(reason=Reason.NONSENSE, detail="not a list of snapshots")

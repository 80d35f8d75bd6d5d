"""One snapshot's results, into a file: look -> fetch part by part -> count -> give the file its name."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Protocol

from notifier.brightdata.records import DifferentColumns, Joiner, Lines, NotRecords, Rows
from notifier.brightdata.results import BrokenOff, Data, NotYet, Refusal, Refused, Wire
from notifier.core.errors import DownloadError, DownloadTrouble
from notifier.core.model import Facts, NotFound, Observation, Reason, Seen, Unclear
from notifier.core.statuses import Phase, canonical, phase_of
from notifier.core.words import count
from notifier.fetch.landing import Landing
from notifier.fetch.wanted import FRAMES, Downloaded, Format, Progress, Wanted

BATCH = 10_000
"""Records of a part. What a broken connection costs is one part, and a part costs one request."""

MOST_TRIES = 8
"""In a row, without a part that came whole in between. With their pauses that is about four minutes."""

LONGEST_PAUSE = timedelta(minutes=1)
LONGEST_BUILDING = timedelta(hours=1)
"""Results that are still being built after that are given up for now."""


class Observer(Protocol):
    """Whatever can look at a snapshot."""

    async def observe(self, snapshot_id: str) -> Observation:
        """One look."""
        ...


class ResultSource(Protocol):
    """Whatever has results: see `brightdata.results.Results`."""

    def open(
        self, snapshot_id: str, wire: Wire, part: int | None = None
    ) -> AbstractAsyncContextManager[Data | NotYet | Refused | Unclear]:
        """The data, or a part of it."""
        ...

    async def parts(self, snapshot_id: str, wire: Wire) -> int | NotYet | Refused | Unclear:
        """How many parts there are."""
        ...


class Downloader:
    """Fetches results: whole, or not at all.

    Args:
        observer: looks at a snapshot, for what the results must hold.
        results: where they come from.
        sleep: waits for so many seconds.
        batch: records of a part; fewer than that are fetched in one piece.
    """

    def __init__(
        self,
        *,
        observer: Observer,
        results: ResultSource,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        batch: int = BATCH,
    ) -> None:
        self._observer = observer
        self._results = results
        self._sleep = sleep
        self._batch = batch

    async def fetch(self, wanted: Wanted, report: Callable[[Progress], None] = lambda _: None) -> Downloaded:
        """Fetch the results of a ready snapshot into a file.

        Raises:
            DownloadError: there is no such file now, or there was one before; its text says why. What came whole is
                kept beside its place, and the next call goes on with it.
        """
        with Landing(wanted.folder, wanted.file_name, compress=wanted.compress) as landing:
            run = _Run(wanted, landing, self._results, self._sleep, report)
            facts = wanted.facts or await self._facts(wanted.snapshot_id, run)
            if facts.records == 0:
                landing.discard()
                text = f"{wanted.snapshot_id} is ready and empty: it has no records, there is nothing to fetch"
                raise DownloadError(DownloadTrouble.EMPTY, text)
            try:
                return await run.fetch(facts, self._batch)
            except DownloadError as error:
                if error.final:
                    landing.discard()
                raise

    async def _facts(self, snapshot_id: str, run: "_Run") -> Facts:
        while True:
            match await self._observer.observe(snapshot_id):
                case Seen(status=status, facts=facts) if canonical(status) == "ready":
                    return facts
                case Seen(status=status, facts=facts) if phase_of(status) is Phase.ENDED:
                    said = f": {facts.error_message}" if facts.error_message else ""
                    raise DownloadError(
                        DownloadTrouble.NO_RESULTS, f"{snapshot_id} is {canonical(status)}, it has no results{said}"
                    )
                case Seen(status=status):
                    text = f"{snapshot_id} is {status}, not ready yet; `--wait` waits for it"
                    raise DownloadError(DownloadTrouble.NOT_READY, text)
                case NotFound():
                    text = f"{snapshot_id}: Bright Data does not know this snapshot (a new one: not for its first 20 s)"
                    raise DownloadError(DownloadTrouble.NOT_FOUND, text)
                case Unclear() as unclear:
                    await run.pause(unclear)


class _Run:
    """One call of `fetch`: its file, and how often it failed in a row."""

    def __init__(
        self,
        wanted: Wanted,
        landing: Landing,
        results: ResultSource,
        sleep: Callable[[float], Awaitable[object]],
        report: Callable[[Progress], None],
    ) -> None:
        self._wanted = wanted
        self._landing = landing
        self._results = results
        self._sleep = sleep
        self._report = report
        self._failures = 0
        self._building = timedelta(0)
        self._of: int | None = None
        self._size = 0

    async def fetch(self, facts: Facts, batch: int) -> Downloaded:
        """The whole of it; once more from the beginning if it is not what it should be."""
        self._of = facts.records
        in_parts = facts.records is None or facts.records > batch
        for last in (False, True):
            try:
                await self._all_parts(self._wire(batch if in_parts else None))
                self._check(facts)
                return await self._publish()
            except DifferentColumns:
                if not in_parts:
                    raise
            except DownloadError as error:
                if error.trouble is not DownloadTrouble.WRONG_COUNT:
                    raise
                self._landing.restart()
                if last:
                    raise
            # The parts do not fit together, whatever the reason: they come in one piece, or not at all.
            in_parts = False
        raise AssertionError("the second time ends with a return or a raise")

    def _wire(self, batch: int | None) -> Wire:
        wanted = self._wanted
        return Wire(
            format="csv" if wanted.format is Format.CSV else "ndjson", compress=wanted.compress, batch_size=batch
        )

    async def _all_parts(self, wire: Wire) -> None:
        number = 1 if wire.batch_size is None else await self._number_of_parts(wire)
        # The records are part of the plan: of a snapshot that was collected again nothing can be gone on with.
        journal = self._landing.resume(f"{wire} of {self._wanted.format}, {number} parts, {self._of} records")
        while journal.parts < number:
            part = None if wire.batch_size is None else journal.parts + 1
            await self._part(wire, part)
            journal = self._landing.journal

    async def _number_of_parts(self, wire: Wire) -> int:
        while True:
            answer = await self._results.parts(self._wanted.snapshot_id, wire)
            if isinstance(answer, int):
                return answer
            await self._no_data(answer)

    async def _part(self, wire: Wire, part: int | None) -> None:
        while True:
            async with self._results.open(self._wanted.snapshot_id, wire, part) as answer:
                trouble: NotYet | Refused | Unclear
                if isinstance(answer, Data):
                    try:
                        await self._write(answer)
                        return
                    except BrokenOff as error:
                        trouble = error.unclear
                    except DifferentColumns:
                        raise
                    except NotRecords as error:
                        trouble = Unclear(reason=Reason.NONSENSE, detail=str(error))
                else:
                    trouble = answer
            self._landing.rewind()
            await self._no_data(trouble)

    async def _write(self, data: Data) -> None:
        joiner = self._joiner()
        done = self._landing.journal.records
        async for piece in data.pieces():
            self._landing.write(joiner.feed(piece))
            self._size += len(piece)
            self._report(Progress(records=done + joiner.records, of=self._of, size=self._size))
        self._landing.write(joiner.end())
        header, records = "", joiner.records
        if isinstance(joiner, Rows):
            header = joiner.header.decode("utf-8", "surrogateescape")
            records = await asyncio.to_thread(self._landing.csv_records)
        await asyncio.to_thread(self._landing.part_is_whole, records=records, header=header)
        self._failures, self._building = 0, timedelta(0)
        self._report(Progress(records=done + records, of=self._of, size=self._size))

    def _joiner(self) -> Joiner:
        journal = self._landing.journal
        if self._wanted.format is Format.CSV:
            header = journal.header.encode("utf-8", "surrogateescape")
            return Rows(header=header if journal.parts else None)
        opening, between, _ = FRAMES[self._wanted.format]
        return Lines(lead=between if journal.records else opening, between=between)

    def _check(self, facts: Facts) -> None:
        """With `include_errors` a collection has a record for each of its errors too (seen in its files)."""
        came = self._landing.journal.records
        if facts.records is None or came in (facts.records, facts.records + (facts.errors or 0)):
            return
        raise DownloadError(
            DownloadTrouble.WRONG_COUNT,
            f"{self._wanted.snapshot_id}: {count(came, 'record')} came, and Bright Data says that there are "
            f"{facts.records:,}; nothing was kept, ask again later",
        )

    async def _publish(self) -> Downloaded:
        records = self._landing.journal.records
        opening, _, end = FRAMES[self._wanted.format]
        end = end if records else opening + end
        new = await asyncio.to_thread(self._landing.publish, end=end, force=self._wanted.force)
        path = self._landing.path
        return Downloaded(path=path, records=records, size=path.stat().st_size, new=new)

    async def _no_data(self, answer: NotYet | Refused | Unclear) -> None:
        match answer:
            case Unclear() as unclear:
                await self.pause(unclear)
            case NotYet(status=status, retry_after=pause):
                self._building += pause
                if self._building > LONGEST_BUILDING:
                    text = f"{self._wanted.snapshot_id}: its results are still {status}; ask again later"
                    raise DownloadError(DownloadTrouble.NOT_READY, text)
                await self._wait(pause, f"Bright Data: {status}")
            case Refused(refusal=refusal, detail=detail):
                raise _refused(self._wanted.snapshot_id, refusal, detail)

    async def pause(self, unclear: Unclear) -> None:
        """Wait before the next try.

        Raises:
            DownloadError: there will be none.
        """
        if unclear.reason in (Reason.UNAUTHORISED, Reason.FORBIDDEN):
            text = f"Bright Data refuses the token: {unclear.detail}"
            raise DownloadError(DownloadTrouble.UNAUTHORISED, text)
        self._failures += 1
        if self._failures >= MOST_TRIES:
            text = (
                f"{self._wanted.snapshot_id}: not fetched, the last of {MOST_TRIES} tries ended with: {unclear.detail}"
            )
            raise DownloadError(DownloadTrouble.UNREACHABLE, text)
        pause = min(timedelta(seconds=2**self._failures), LONGEST_PAUSE)
        await self._wait(max(pause, unclear.retry_after or pause), unclear.detail)

    async def _wait(self, pause: timedelta, waits_for: str) -> None:
        self._report(Progress(records=self._landing.journal.records, of=self._of, size=self._size, waits_for=waits_for))
        await self._sleep(pause.total_seconds())


def _refused(snapshot_id: str, refusal: Refusal, detail: str) -> DownloadError:
    match refusal:
        case Refusal.EXPIRED:
            text = f"{snapshot_id}: its results are deleted (Bright Data keeps them for 16 days); collect it again"
            return DownloadError(DownloadTrouble.EXPIRED, text)
        case Refusal.EMPTY:
            return DownloadError(DownloadTrouble.EMPTY, f"{snapshot_id} is empty: there is nothing to fetch")
        case Refusal.NOT_FOUND:
            return DownloadError(DownloadTrouble.NOT_FOUND, f"{snapshot_id}: Bright Data does not know this snapshot")
        case Refusal.OTHER:
            return DownloadError(DownloadTrouble.NO_RESULTS, f"{snapshot_id}: Bright Data refuses: {detail}")

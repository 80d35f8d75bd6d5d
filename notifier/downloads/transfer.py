"""Runs one download: its parts in order, its tries and pauses, and what Bright Data has promised held against it."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from functools import partial
from typing import Protocol

from notifier.brightdata.datasets.not_results import NotReady, Refusal, Refused
from notifier.brightdata.datasets.records import (
    CsvMerger,
    DifferentColumns,
    InvalidRecords,
    NdjsonMerger,
    PartMerger,
    TooLarge,
)
from notifier.brightdata.datasets.results import ResultStream, StreamBroken, WireFormat
from notifier.core.errors import DownloadError, DownloadTrouble
from notifier.core.model import Facts, Reason, Unclear
from notifier.core.words import count, span
from notifier.downloads.atomic_file import AtomicFile
from notifier.downloads.request import FRAMES, Downloaded, DownloadRequest, Format, Progress
from notifier.downloads.threads import off_loop

BATCH = 10_000
"""Records of a part. What a broken connection costs is one part, and a part costs one request."""

MOST_TRIES = 8
"""In a row, without a part that came whole in between. With their pauses that is about four minutes."""

LONGEST_PAUSE = timedelta(minutes=1)
LONGEST_BUILDING = timedelta(hours=1)
"""Results that are still being built after that are given up for now."""


class ResultSource(Protocol):
    """Whatever has results: see `brightdata.results.Results`."""

    def open(
        self, snapshot_id: str, wire: WireFormat, part: int | None = None
    ) -> AbstractAsyncContextManager[ResultStream | NotReady | Refused | Unclear]:
        """The data, or a part of it."""
        ...

    async def parts(self, snapshot_id: str, wire: WireFormat) -> int | NotReady | Refused | Unclear:
        """How many parts there are."""
        ...


class Transfer:
    """One call of `Downloader.fetch`: its file, and how often it failed in a row."""

    def __init__(
        self,
        wanted: DownloadRequest,
        landing: AtomicFile,
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
        self._facts = Facts()
        self._empty_parts = 0
        self._size = 0

    async def fetch(self, facts: Facts, batch: int) -> Downloaded:
        """Fetch all of it; once more from the beginning if it is not what it should be.

        Raises:
            DownloadError: it could not be fetched.
        """
        self._facts = facts
        most = self._most
        in_parts = most is None or most > batch
        for last in (False, True):
            try:
                await self._all_parts(self._wire(batch if in_parts else None))
                self._check()
                return await self._publish()
            except DifferentColumns:
                if not in_parts:
                    raise
            except DownloadError as error:
                if error.trouble is not DownloadTrouble.WRONG_COUNT:
                    raise
                await off_loop(self._landing.restart)
                if last:
                    raise
            # The parts do not fit together, whatever the reason: they come in one piece, or not at all.
            in_parts = False
        raise AssertionError("the second time ends with a return or a raise")

    @property
    def _most(self) -> int | None:
        """How many records there can be: with `include_errors` a row for each error comes beside those promised."""
        records = self._facts.records
        return None if records is None else records + (self._facts.errors or 0)

    def _wire(self, batch: int | None) -> WireFormat:
        wanted = self._wanted
        return WireFormat(
            format="csv" if wanted.format is Format.CSV else "ndjson", compress=wanted.compress, batch_size=batch
        )

    async def _all_parts(self, wire: WireFormat) -> None:
        number = 1 if wire.batch_size is None else await self._number_of_parts(wire, wire.batch_size)
        # The records are part of the plan: of a snapshot that was collected again nothing can be gone on with.
        plan = f"{wire} of {self._wanted.format}, {number} parts, {self._facts.records} records"
        journal = await off_loop(partial(self._landing.resume, plan))
        self._empty_parts = 0
        while journal.parts < number:
            part = None if wire.batch_size is None else journal.parts + 1
            await self._part(wire, part)
            journal = self._landing.journal

    async def _number_of_parts(self, wire: WireFormat, batch: int) -> int:
        while True:
            answer = await self._results.parts(self._wanted.snapshot_id, wire)
            if not isinstance(answer, int):
                await self._no_data(answer)
            elif self._most is not None and answer > -(-self._most // batch) + 1:  # the last one may be empty
                raise self._wrong_count(f"{answer:,} parts of up to {batch:,} records are announced")
            else:
                return answer

    async def _part(self, wire: WireFormat, part: int | None) -> None:
        while True:
            async with self._results.open(self._wanted.snapshot_id, wire, part) as answer:
                trouble: NotReady | Refused | Unclear
                if isinstance(answer, ResultStream):
                    try:
                        await self._write(answer)
                        return
                    except StreamBroken as error:
                        trouble = error.unclear
                    except DifferentColumns:
                        raise
                    except TooLarge as error:
                        raise self._too_large(error) from error
                    except InvalidRecords as error:
                        trouble = Unclear(reason=Reason.NONSENSE, detail=str(error))
                else:
                    trouble = answer
            await off_loop(self._landing.rewind)
            await self._no_data(trouble)

    async def _write(self, data: ResultStream) -> None:
        """Write a part to the file. Blocks are joined and written in a thread, each in a few milliseconds."""
        joiner = self._joiner()
        done = self._landing.journal.records
        async for block in data.pieces():
            await off_loop(partial(self._take, joiner, block))
            self._size += len(block)
            came = done + joiner.records
            if self._most is not None and came > self._most:
                raise self._wrong_count(f"more than {count(self._most, 'record')} came")
            self._report(Progress(records=came, of=self._facts.records, size=self._size))
        await off_loop(partial(self._end, joiner))
        self._failures, self._building = 0, timedelta(0)
        came = self._landing.journal.records
        self._report(Progress(records=came, of=self._facts.records, size=self._size))
        self._empty_parts += came == done
        if self._empty_parts > 1:
            raise self._wrong_count("several parts came without any record")

    def _take(self, joiner: PartMerger, block: bytes) -> None:
        self._landing.write(joiner.feed(block))

    def _end(self, joiner: PartMerger) -> None:
        self._landing.write(joiner.end())
        header = joiner.header.decode("utf-8", "surrogateescape") if isinstance(joiner, CsvMerger) else ""
        self._landing.part_is_whole(records=joiner.records, header=header)

    def _joiner(self) -> PartMerger:
        journal = self._landing.journal
        if self._wanted.format is Format.CSV:
            header = journal.header.encode("utf-8", "surrogateescape")
            return CsvMerger(header=header if journal.parts else None)
        opening, between, _ = FRAMES[self._wanted.format]
        return NdjsonMerger(lead=between if journal.records else opening, between=between)

    def _check(self) -> None:
        """Hold what came against what was promised.

        Raises:
            DownloadError: nothing came, or another number of records.
        """
        came, promised = self._landing.journal.records, self._facts.records
        if not came and not promised:
            text = f"{self._wanted.snapshot_id} is empty: Bright Data answers with no records"
            raise DownloadError(DownloadTrouble.EMPTY, text)
        if promised is not None and came not in (promised, self._most):
            raise self._wrong_count(f"{count(came, 'record')} came")

    async def _publish(self) -> Downloaded:
        records = self._landing.journal.records
        _, _, end = FRAMES[self._wanted.format]
        publish = partial(self._landing.publish, end=end, force=self._wanted.force)
        new = await off_loop(publish, stop=self._landing.stop)
        path = self._landing.path
        return Downloaded(path=path, records=records, size=path.stat().st_size, new=new)

    async def _no_data(self, answer: NotReady | Refused | Unclear) -> None:
        match answer:
            case Unclear() as unclear:
                await self.pause(unclear)
            case NotReady(status=status, retry_after=pause):
                self._building += pause
                if self._building > LONGEST_BUILDING:
                    text = f"{self._wanted.snapshot_id}: its results are still {status}; ask again later"
                    raise DownloadError(DownloadTrouble.NOT_READY, text)
                await self._wait(pause, f"Bright Data does not have the results ready yet ({status})")
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
        await self._wait(max(pause, unclear.retry_after or pause), f"no answer for now ({unclear.detail})")

    async def _wait(self, pause: timedelta, why: str) -> None:
        records = self._landing.journal.records
        waits_for = f"{why}; asked again in {span(pause)}"
        self._report(Progress(records=records, of=self._facts.records, size=self._size, waits_for=waits_for))
        await self._sleep(pause.total_seconds())

    def _wrong_count(self, what: str) -> DownloadError:
        promised = "some records" if self._facts.records is None else count(self._facts.records, "record")
        if self._facts.errors:
            promised = f"{promised} and {count(self._facts.errors, 'error')}"
        text = f"{self._wanted.snapshot_id}: {what}, and Bright Data says that there are {promised}"
        return DownloadError(DownloadTrouble.WRONG_COUNT, f"{text}; nothing was kept, ask again later")

    def _too_large(self, error: TooLarge) -> DownloadError:
        text = f"{self._wanted.snapshot_id}: not fetched: {error}; let Bright Data deliver it to a storage of yours"
        return DownloadError(DownloadTrouble.TOO_LARGE, text)


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

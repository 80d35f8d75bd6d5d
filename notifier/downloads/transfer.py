"""Runs one download: its parts in order, retries and pauses, and the check against the announced number of records."""

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
from notifier.core.snapshot.model import Facts, Reason, Unclear
from notifier.core.words import count, span
from notifier.downloads.atomic_file import AtomicFile
from notifier.downloads.request import FRAMES, Downloaded, DownloadRequest, Format, Progress
from notifier.downloads.threads import off_loop

BATCH = 10_000
"""Records of a part. A broken connection costs one part, and each part costs one request."""

MOST_TRIES = 8
"""In a row, without a complete part in between. With their pauses they take about four minutes."""

LONGEST_PAUSE = timedelta(minutes=1)
LONGEST_BUILDING = timedelta(hours=1)
"""If the results are still being built after that, the download fails for now."""


class ResultSource(Protocol):
    """The source of results: `brightdata.datasets.results.Results`."""

    def open(
        self, snapshot_id: str, wire: WireFormat, part: int | None = None
    ) -> AbstractAsyncContextManager[ResultStream | NotReady | Refused | Unclear]:
        """Opens the data, or a part of it."""
        ...

    async def parts(self, snapshot_id: str, wire: WireFormat) -> int | NotReady | Refused | Unclear:
        """Returns the number of parts."""
        ...


class Transfer:
    """The state of one download: its file, and its failures in a row."""

    def __init__(
        self,
        wanted: DownloadRequest,
        file: AtomicFile,
        results: ResultSource,
        sleep: Callable[[float], Awaitable[object]],
        report: Callable[[Progress], None],
    ) -> None:
        self._wanted = wanted
        self._file = file
        self._results = results
        self._sleep = sleep
        self._report = report
        self._failures = 0
        self._building = timedelta(0)
        self._facts = Facts()
        self._empty_parts = 0
        self._size = 0

    async def fetch(self, facts: Facts, batch: int) -> Downloaded:
        """Downloads everything; starts over once if the number of records is wrong.

        Raises:
            DownloadError: it failed.
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
                await off_loop(self._file.restart)
                if last:
                    raise
            # The parts do not fit together, for whatever reason: fetch all in one piece.
            in_parts = False
        raise AssertionError("the second attempt returns or raises")

    @property
    def _most(self) -> int | None:
        """The most records that can come: with `include_errors` there is also a row for each error."""
        records = self._facts.records
        return None if records is None else records + (self._facts.errors or 0)

    def _wire(self, batch: int | None) -> WireFormat:
        wanted = self._wanted
        return WireFormat(
            format="csv" if wanted.format is Format.CSV else "ndjson", compress=wanted.compress, batch_size=batch
        )

    async def _all_parts(self, wire: WireFormat) -> None:
        number = 1 if wire.batch_size is None else await self._number_of_parts(wire, wire.batch_size)
        # The number of records is part of the plan: nothing of a snapshot that was collected again can be resumed.
        plan = f"{wire} of {self._wanted.format}, {number} parts, {self._facts.records} records"
        journal = await off_loop(partial(self._file.resume, plan))
        self._empty_parts = 0
        while journal.parts < number:
            part = None if wire.batch_size is None else journal.parts + 1
            await self._part(wire, part)
            journal = self._file.journal

    async def _number_of_parts(self, wire: WireFormat, batch: int) -> int:
        while True:
            answer = await self._results.parts(self._wanted.snapshot_id, wire)
            if not isinstance(answer, int):
                await self._no_data(answer)
            elif self._most is not None and answer > -(-self._most // batch) + 1:  # the last part may be empty
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
            await off_loop(self._file.rewind)
            await self._no_data(trouble)

    async def _write(self, data: ResultStream) -> None:
        """Writes a part to the file. Blocks are merged and written in a thread, each within milliseconds."""
        merger = self._merger()
        done = self._file.journal.records
        async for block in data.pieces():
            await off_loop(partial(self._take, merger, block))
            self._size += len(block)
            came = done + merger.records
            if self._most is not None and came > self._most:
                raise self._wrong_count(f"more than {count(self._most, 'record')} came")
            self._report(Progress(records=came, of=self._facts.records, size=self._size))
        await off_loop(partial(self._end, merger))
        self._failures, self._building = 0, timedelta(0)
        came = self._file.journal.records
        self._report(Progress(records=came, of=self._facts.records, size=self._size))
        self._empty_parts += came == done
        if self._empty_parts > 1:
            raise self._wrong_count("several parts came without any record")

    def _take(self, merger: PartMerger, block: bytes) -> None:
        self._file.write(merger.feed(block))

    def _end(self, merger: PartMerger) -> None:
        self._file.write(merger.end())
        header = merger.header.decode("utf-8", "surrogateescape") if isinstance(merger, CsvMerger) else ""
        self._file.complete_part(records=merger.records, header=header)

    def _merger(self) -> PartMerger:
        journal = self._file.journal
        if self._wanted.format is Format.CSV:
            header = journal.header.encode("utf-8", "surrogateescape")
            return CsvMerger(header=header if journal.parts else None)
        opening, between, _ = FRAMES[self._wanted.format]
        return NdjsonMerger(lead=between if journal.records else opening, between=between)

    def _check(self) -> None:
        """Checks the records that came against the announced number.

        Raises:
            DownloadError: there are none, or another number.
        """
        came, promised = self._file.journal.records, self._facts.records
        if not came and not promised:
            text = f"{self._wanted.snapshot_id} is empty: Bright Data answers with no records"
            raise DownloadError(DownloadTrouble.EMPTY, text)
        if promised is not None and came not in (promised, self._most):
            raise self._wrong_count(f"{count(came, 'record')} came")

    async def _publish(self) -> Downloaded:
        records = self._file.journal.records
        _, _, end = FRAMES[self._wanted.format]
        publish = partial(self._file.publish, end=end, force=self._wanted.force)
        new = await off_loop(publish, stop=self._file.stop)
        path = self._file.path
        return Downloaded(path=path, records=records, size=path.stat().st_size, new=new)

    async def _no_data(self, answer: NotReady | Refused | Unclear) -> None:
        match answer:
            case Unclear() as unclear:
                await self.pause(unclear)
            case NotReady(status=status, retry_after=pause):
                self._building += pause
                if self._building > LONGEST_BUILDING:
                    text = f"{self._wanted.snapshot_id}: its results are still {status}; try again later"
                    raise DownloadError(DownloadTrouble.NOT_READY, text)
                await self._wait(pause, f"Bright Data does not have the results ready yet ({status})")
            case Refused(refusal=refusal, detail=detail):
                raise _refused(self._wanted.snapshot_id, refusal, detail)

    async def pause(self, unclear: Unclear) -> None:
        """Waits before the next attempt.

        Raises:
            DownloadError: there will be no other attempt.
        """
        if unclear.reason in (Reason.UNAUTHORISED, Reason.FORBIDDEN):
            text = f"Bright Data refuses the token: {unclear.detail}"
            raise DownloadError(DownloadTrouble.UNAUTHORISED, text)
        self._failures += 1
        if self._failures >= MOST_TRIES:
            why = f"the last of {MOST_TRIES} attempts failed: {unclear.detail}"
            text = f"{self._wanted.snapshot_id}: not downloaded; {why}"
            raise DownloadError(DownloadTrouble.UNREACHABLE, text)
        pause = min(timedelta(seconds=2**self._failures), LONGEST_PAUSE)
        await self._wait(max(pause, unclear.retry_after or pause), f"no answer for now ({unclear.detail})")

    async def _wait(self, pause: timedelta, why: str) -> None:
        records = self._file.journal.records
        waits_for = f"{why}; next attempt in {span(pause)}"
        self._report(Progress(records=records, of=self._facts.records, size=self._size, waits_for=waits_for))
        await self._sleep(pause.total_seconds())

    def _wrong_count(self, what: str) -> DownloadError:
        promised = "some records" if self._facts.records is None else count(self._facts.records, "record")
        if self._facts.errors:
            promised = f"{promised} and {count(self._facts.errors, 'error')}"
        text = f"{self._wanted.snapshot_id}: {what}, but Bright Data announced {promised}"
        return DownloadError(DownloadTrouble.WRONG_COUNT, f"{text}; nothing was kept; try again later")

    def _too_large(self, error: TooLarge) -> DownloadError:
        text = f"{self._wanted.snapshot_id}: not downloaded: {error}; let Bright Data deliver it to your storage"
        return DownloadError(DownloadTrouble.TOO_LARGE, text)


def _refused(snapshot_id: str, refusal: Refusal, detail: str) -> DownloadError:
    match refusal:
        case Refusal.EXPIRED:
            text = f"{snapshot_id}: its results are deleted (Bright Data keeps them for 16 days); collect it again"
            return DownloadError(DownloadTrouble.EXPIRED, text)
        case Refusal.EMPTY:
            return DownloadError(DownloadTrouble.EMPTY, f"{snapshot_id} is empty: there is nothing to download")
        case Refusal.NOT_FOUND:
            return DownloadError(DownloadTrouble.NOT_FOUND, f"{snapshot_id}: Bright Data does not know this snapshot")
        case Refusal.OTHER:
            return DownloadError(DownloadTrouble.NO_RESULTS, f"{snapshot_id}: Bright Data refuses: {detail}")

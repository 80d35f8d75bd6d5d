"""Downloads one snapshot's results into a file: poll -> fetch part by part -> count -> rename the file."""

import asyncio
from collections.abc import Awaitable, Callable

from notifier.brightdata.limits.snapshot_observer import SnapshotObserver
from notifier.core.errors import DownloadError, DownloadTrouble
from notifier.core.snapshot.download_job import may_have_results
from notifier.core.snapshot.model import Facts, NotFound, Seen, Unclear
from notifier.core.snapshot.statuses import Phase, canonical, phase_of
from notifier.downloads.atomic_file import AtomicFile
from notifier.downloads.request import Downloaded, DownloadRequest, Progress
from notifier.downloads.threads import off_loop
from notifier.downloads.transfer import BATCH, ResultSource, Transfer


class Downloader:
    """Downloads results, completely or not at all.

    Args:
        observer: polls a snapshot for its number of records.
        results: the source of the results.
        sleep: waits for that many seconds.
        batch: records of a part; fewer are fetched in one piece.
    """

    def __init__(
        self,
        *,
        observer: SnapshotObserver,
        results: ResultSource,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        batch: int = BATCH,
    ) -> None:
        self._observer = observer
        self._results = results
        self._sleep = sleep
        self._batch = batch

    async def fetch(self, wanted: DownloadRequest, report: Callable[[Progress], None] = lambda _: None) -> Downloaded:
        """Downloads the results of a ready snapshot into a file.

        Raises:
            DownloadError: it failed, or the file existed before; the text says why. Complete parts are kept beside the
                file, and the next call resumes with them.
        """
        file = AtomicFile(wanted.folder, wanted.file_name, compress=wanted.compress)
        await off_loop(file.open)
        try:
            return await self._into(file, wanted, report)
        except DownloadError as error:
            if error.final:
                await off_loop(file.discard)
            raise
        finally:
            await off_loop(file.close)

    async def _into(self, file: AtomicFile, wanted: DownloadRequest, report: Callable[[Progress], None]) -> Downloaded:
        run = Transfer(wanted, file, self._results, self._sleep, report)
        facts = wanted.facts or await self._facts(wanted.snapshot_id, run)
        if not may_have_results(facts):
            text = f"{wanted.snapshot_id} is ready and empty: it has no records, there is nothing to download"
            raise DownloadError(DownloadTrouble.EMPTY, text)
        return await run.fetch(facts, self._batch)

    async def _facts(self, snapshot_id: str, run: Transfer) -> Facts:
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

"""Fetches one snapshot's results into a file: look -> fetch part by part -> count -> give the file its name."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from notifier.core.errors import DownloadError, DownloadTrouble
from notifier.core.model import Facts, NotFound, Observation, Seen, Unclear
from notifier.core.snapshot.results import may_have_results
from notifier.core.snapshot.statuses import Phase, canonical, phase_of
from notifier.downloads.atomic_file import AtomicFile
from notifier.downloads.request import Downloaded, DownloadRequest, Progress
from notifier.downloads.threads import off_loop
from notifier.downloads.transfer import BATCH, ResultSource, Transfer


class Observer(Protocol):
    """Whatever can look at a snapshot."""

    async def observe(self, snapshot_id: str) -> Observation:
        """One look."""
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

    async def fetch(self, wanted: DownloadRequest, report: Callable[[Progress], None] = lambda _: None) -> Downloaded:
        """Fetch the results of a ready snapshot into a file.

        Raises:
            DownloadError: there is no such file now, or there was one before; its text says why. What came whole is
                kept beside its place, and the next call goes on with it.
        """
        landing = AtomicFile(wanted.folder, wanted.file_name, compress=wanted.compress)
        await off_loop(landing.open)
        try:
            return await self._into(landing, wanted, report)
        except DownloadError as error:
            if error.final:
                await off_loop(landing.discard)
            raise
        finally:
            await off_loop(landing.close)

    async def _into(
        self, landing: AtomicFile, wanted: DownloadRequest, report: Callable[[Progress], None]
    ) -> Downloaded:
        run = Transfer(wanted, landing, self._results, self._sleep, report)
        facts = wanted.facts or await self._facts(wanted.snapshot_id, run)
        if not may_have_results(facts):
            text = f"{wanted.snapshot_id} is ready and empty: it has no records, there is nothing to fetch"
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

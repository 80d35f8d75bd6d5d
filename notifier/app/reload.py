"""Reloads the configuration: reads and checks changed files in a process of its own, then takes them up or refuses.

Everything that can fail comes before the first change, so there is no half a reload: a refusal leaves everything as it
is. An exception during the change is a fault of this program: the whole change is made again, with growing pauses,
until it is complete.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from notifier.app.gc_tuning import keep, tidy
from notifier.app.loading.loading_process import LONGEST, Loaded, load_config_apart
from notifier.config.diff import diff, plain
from notifier.config.model import Config
from notifier.config.sources.changes import FileChanges
from notifier.config.sources.digests import ConfigFiles
from notifier.core.config_diff import ConfigDiff
from notifier.core.errors import ConfigurationRefused, NotifierError
from notifier.core.isolation import Faults
from notifier.core.outcomes import ReloadOutcome
from notifier.core.work_units import Unit
from notifier.failpoints import fault
from notifier.telemetry.systemd import more_time, notify

HANGS_AFTER = timedelta(seconds=10)
"""A load that takes longer starts over when its files change: it may hang on what was just fixed."""

AGAIN_AFTER = timedelta(minutes=1)
"""The pause before refused files are read again, changed or not."""

MANY = 1_000
"""From so many new watches on, a reload exempts them from garbage collection (`gc_tuning.keep`)."""


class Reloader:
    """Keeps the running configuration the same as the files. `run` it in a task."""

    def __init__(
        self,
        *,
        loaded: Loaded,
        take_up: Callable[[Config, ConfigDiff], Awaitable[None]],
        keep: Callable[[Loaded], Awaitable[None]],
        report: Callable[[ReloadOutcome], None],
        status: Callable[[], str],
        faults: Faults | None = None,
        refused: bool = False,
    ) -> None:
        """
        Args:
            loaded: what the daemon runs with now.
            take_up: takes up another configuration. It does not fail.
            keep: keeps a copy of what was loaded, for a start after a crash. It does not fail either.
            report: called with the outcome of each reload.
            status: returns the line that the service manager shows.
            faults: isolates what a reload raises.
            refused: the files have errors, and `loaded` is the configuration that was loaded last.
        """
        self._faults = faults or Faults()
        self._half_done = False
        self._loaded = replace(loaded, copy=b"")
        self._refused = refused
        self._due_again = False
        self._again_after = timedelta(seconds=1)  # a fix during the start is no change that could be seen
        self._database = loaded.config.database
        self._take_up = take_up
        self._keep = keep
        self._report = report
        self._status = status
        self._asked = asyncio.Event()
        self._turn = asyncio.Lock()
        self._reading_since: datetime | None = None
        self._changes = FileChanges(sources=_sources(loaded.config))
        self._changes.loaded(_sources(loaded.config), loaded.digests)

    @property
    def config_hash(self) -> str:
        """The hash of the files that run: 12 characters that change with any of them."""
        return self._loaded.hash

    @property
    def reading_since(self) -> datetime | None:
        """When the reload that is under way began; None if none is."""
        return self._reading_since

    def ask(self) -> None:
        """Reload at once, changed or not."""
        self._asked.set()

    async def run(self) -> None:
        """Reload whenever a file has changed, or somebody asks, until cancelled.

        Refused files are read again at intervals: the error may be outside of them, for example in a token file.
        """
        while True:
            with self._faults.alone(Unit.RELOAD, "(watching the files)") as watching:
                await _first(self._changes.next(), self._asked.wait(), self._again())
            if watching.pause is not None:
                await asyncio.sleep(watching.pause.total_seconds())
                continue
            asked, again, self._due_again = self._asked.is_set(), self._due_again, False
            self._asked.clear()
            with tidy():
                made = _watches_made(await self.reload(asked=asked, again=again))
            if made >= MANY:
                keep()

    async def reload(self, *, asked: bool = True, again: bool = False) -> ReloadOutcome:
        """Read the files, and take them up if they have no error.

        Args:
            asked: somebody asked for it.
            again: the files were refused, and may not have changed since.
        """
        async with self._turn:
            notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
            began, self._reading_since = time.monotonic(), datetime.now(UTC)
            try:
                with self._faults.alone(Unit.RELOAD) as attempt:
                    fault(Unit.RELOAD)
                    outcome = await self._reload(began)
            finally:
                self._reading_since = None
            if attempt.fault is not None and attempt.pause is not None:
                what = f"the reload raised an internal error ({attempt.fault.detail}); it is tried again by itself"
                outcome = ReloadOutcome(refused=(what,), duration=_since(began))
                asyncio.get_running_loop().call_later(attempt.pause.total_seconds(), self.ask)
            self._refused = not outcome.done
            # Commands tell by the beginning whether their file was read: the end and the duration are taken together.
            outcome = replace(outcome, asked=asked, again=again, duration=_since(began))
            self._report(outcome)
            notify("READY=1", f"STATUS={self._status()}")
            return outcome

    async def _again(self) -> None:
        """Wait until refused files are due to be read again; for ever if they are not refused."""
        if not self._refused:
            await asyncio.Event().wait()
        await asyncio.sleep(self._again_after.total_seconds())
        self._due_again, self._again_after = True, AGAIN_AFTER

    async def _read_as_it_changes(self) -> tuple[Loaded, ConfigDiff]:
        """Read the files, and start over when they change while the read hangs; each read may take twice as long."""
        patience = HANGS_AFTER
        while True:
            reading = asyncio.create_task(self._read())
            changing = asyncio.create_task(_after(patience, self._changes.next))
            try:
                await asyncio.wait({reading, changing}, return_when=asyncio.FIRST_COMPLETED)
                if reading.done():
                    return reading.result()
                changing.result()
            finally:
                await _cancelled(reading, changing)
            patience *= 2

    async def _reload(self, began: float) -> ReloadOutcome:
        try:
            with more_time(LONGEST):
                loaded, changed = await self._read_as_it_changes()
        except ConfigurationRefused as error:
            self._changes.refused(error.include)
            return ReloadOutcome(refused=tuple(map(str, error.problems)), duration=_since(began))
        except NotifierError as error:
            return ReloadOutcome(refused=(str(error),), duration=_since(began))
        # Outside of the `try`: a failure during the change is no refusal.
        self._changes.loaded(_sources(loaded.config), loaded.digests)
        if changed or self._half_done:
            self._half_done = True
            await self._take_up(loaded.config, changed)
            self._half_done = False
        # The daemon keeps its database: another one in the files stays a difference.
        self._loaded = replace(loaded, config=replace(loaded.config, database=self._database), copy=b"")
        await self._keep(loaded)
        return ReloadOutcome(changed=changed, duration=_since(began))

    async def _read(self) -> tuple[Loaded, ConfigDiff]:
        """Return what the files say now, and how it differs from what runs; any failure is a NotifierError."""
        path = self._loaded.config.path
        try:
            loaded = await load_config_apart(path, self._loaded)
        except OSError as error:
            raise NotifierError(f"{path}: it cannot be read now: {error.strerror or error}") from error
        return loaded, await asyncio.to_thread(diff, self._loaded.config, loaded.config)

    async def preview(self) -> dict[str, Any]:
        """Return what a reload would change now, as `config diff` prints it, or the `problems` of the files."""
        try:
            _, changed = await self._read()
        except ConfigurationRefused as error:
            return {"problems": [str(problem) for problem in error.problems]}
        return plain(changed)


def _watches_made(outcome: ReloadOutcome) -> int:
    """Return the number of new watches, so that the outcome itself is freed before `keep`."""
    if outcome.changed is None:
        return 0
    return len(outcome.changed.watches.added) + len(outcome.changed.watches.changed)


def _sources(config: Config) -> ConfigFiles:
    return ConfigFiles(main=config.path, include=config.include)


def _since(began: float) -> timedelta:
    return timedelta(seconds=time.monotonic() - began)


async def _first(*waits: Coroutine[Any, Any, object]) -> None:
    """Wait for the first of these, cancel the others, and raise what it raised."""
    tasks = [asyncio.ensure_future(each) for each in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await _cancelled(*tasks)


async def _after(pause: timedelta, wait: Callable[[], Awaitable[object]]) -> None:
    await asyncio.sleep(pause.total_seconds())
    await wait()


async def _cancelled(*tasks: asyncio.Future[Any]) -> None:
    """Cancel the tasks, and wait until they have ended."""
    for task in tasks:
        task.cancel()
    # Not `await task` with CancelledError suppressed: that would swallow our own cancellation.
    await asyncio.wait(tasks)

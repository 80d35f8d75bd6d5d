"""Loads the configuration to start with: the files, or the one that was loaded last if the files have errors by now.

A daemon that crashed, or whose machine did, starts again without waiting for a person to fix the files.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import structlog

from notifier.app.loading.load import NothingKept
from notifier.app.loading.loading_process import Loaded, load_config_apart
from notifier.config.sources import last_config
from notifier.core.errors import ConfigurationRefused, NotifierError
from notifier.core.words import span
from notifier.telemetry.systemd import more_time

LONGEST_START = timedelta(minutes=30)
"""How long a service manager is asked to wait."""

HANGS_AFTER = timedelta(minutes=1)
"""A load that takes longer counts as one that hangs: 100,000 watches take half a minute (measured). The daemon then
starts with the configuration that it loaded last. If the load was only slow, nothing is lost: the daemon reloads the
files as soon as it runs."""

log = structlog.get_logger("notifier")


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """The configuration to start with. If the files are `refused` (the reasons, by line), it is the last one."""

    loaded: Loaded
    refused: tuple[str, ...] = ()


async def load_at_start(path: Path, *, strict: bool = False) -> Start:
    """Read the configuration to start with.

    Args:
        path: the main file.
        strict: never start with the configuration that was loaded last.

    Raises:
        ConfigurationRefused: the files have errors, and no configuration that was loaded before can be used.
        NotifierError: they could not be read at all; the text says why.
    """
    with more_time(LONGEST_START):
        if strict:
            return Start(loaded=await load_config_apart(path))
        reading = asyncio.create_task(load_config_apart(path))
        tasks = [reading]
        try:
            await asyncio.wait(tasks, timeout=HANGS_AFTER.total_seconds())
            if not _succeeded(reading):
                tasks.append(asyncio.create_task(load_config_apart(path, last=True)))
                await _one_succeeds(tasks)
            return _start(path, *tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


async def _one_succeeds(tasks: Sequence[asyncio.Task[Loaded]]) -> None:
    """Wait until one of the loads has succeeded, or all have failed."""
    while not any(map(_succeeded, tasks)) and (pending := [task for task in tasks if not task.done()]):
        await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)


def _succeeded(task: asyncio.Task[Loaded]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


def _start(path: Path, reading: asyncio.Task[Loaded], last: asyncio.Task[Loaded] | None = None) -> Start:
    """Return the outcome of both loads: of the files, and of the configuration that was loaded last."""
    if last is None or _succeeded(reading):
        return Start(loaded=reading.result())
    refusal = NotifierError(f"{path}: reading it takes more than {span(HANGS_AFTER)}")
    if reading.done():
        try:
            reading.result()
        except NotifierError as error:
            refusal = error
    try:
        return Start(loaded=last.result(), refused=_reasons(refusal))
    except NothingKept:
        raise refusal from None
    except NotifierError as error:
        refusal.add_note(f"notifier: {error}")
        raise refusal from error


def _reasons(refusal: NotifierError) -> tuple[str, ...]:
    """Return the reasons by line, as a reload has them: with the whole path of each file."""
    if not isinstance(refusal, ConfigurationRefused):
        return (str(refusal),)
    return tuple(str(replace(each, file=str(Path(each.file).absolute()))) for each in refusal.problems)


async def keep(database: Path, loaded: Loaded) -> None:
    """Keep a copy of a configuration that was loaded, beside the database. A failure is logged.

    A configuration that comes from such a copy is kept already.
    """
    if not loaded.copy:
        return
    try:
        await asyncio.to_thread(last_config.write, database, loaded.copy)
    except OSError as error:
        log.warning("config.not_kept", path=str(last_config.path_beside(database)), detail=error.strerror or str(error))

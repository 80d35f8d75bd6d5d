"""The configuration to start with: what the files say, or, where they have errors by now, the one taken up last.

A daemon that crashed, or whose machine did, goes on without waiting for a person to fix the files.
"""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import structlog

from notifier.config import kept
from notifier.core.errors import ConfigurationRefused, NotifierError
from notifier.loading import NothingKept
from notifier.loading.apart import Loaded, load_config_apart
from notifier.telemetry.systemd import more_time

LONGEST_START = timedelta(minutes=30)
"""For so long a service manager is asked to wait."""

log = structlog.get_logger("notifier")


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """What to start with. With `refused`, the reasons against the files line by line, it is what was taken up last."""

    loaded: Loaded
    refused: tuple[str, ...] = ()


async def load_at_start(path: Path, *, strict: bool = False) -> Start:
    """Read the configuration to start with.

    Args:
        path: the main file.
        strict: never start with the configuration that was taken up last.

    Raises:
        ConfigurationRefused: the files have errors, and no configuration that was taken up before can be used.
        NotifierError: they could not be read at all; the text says why.
    """
    with more_time(LONGEST_START):
        try:
            return Start(loaded=await load_config_apart(path))
        except NotifierError as error:
            if strict:
                raise
            refusal = error
        try:
            loaded = await load_config_apart(path, last=True)
        except NothingKept:
            raise refusal from None
        except NotifierError as error:
            refusal.add_note(f"notifier: {error}")
            raise refusal from error
    return Start(loaded=loaded, refused=_reasons(refusal))


def _reasons(refusal: NotifierError) -> tuple[str, ...]:
    """The reasons, line by line, as a reload has them: with the whole path of each file."""
    if not isinstance(refusal, ConfigurationRefused):
        return (str(refusal),)
    return tuple(str(replace(each, file=str(Path(each.file).absolute()))) for each in refusal.problems)


async def keep(database: Path, loaded: Loaded) -> None:
    """Keep a copy of a configuration that was taken up, beside the database; that it cannot be kept is logged.

    What comes from such a copy itself is kept already.
    """
    if not loaded.copy:
        return
    try:
        await asyncio.to_thread(kept.write, database, loaded.copy)
    except OSError as error:
        log.warning("config.not_kept", path=str(kept.path_beside(database)), detail=error.strerror or str(error))

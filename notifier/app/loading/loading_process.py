"""Loads a configuration in a process of its own: it blocks no event loop, and its memory is freed with it."""

import asyncio
import contextlib
import errno
import hashlib
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from notifier import __version__
from notifier.app.loading.load import NothingKept
from notifier.app.loading.loading_messages import (
    LENGTH,
    Failed,
    FilePart,
    FilesRefused,
    Fine,
    LoadRequest,
    packed,
    unpacked,
)
from notifier.config.incremental import ConfigPart, KnownFiles, combine, reserved_names
from notifier.config.model import AnyWatch, Config
from notifier.config.sources.regular_file import this_user
from notifier.core.errors import ConfigurationRefused, NotifierError

LONGEST = timedelta(minutes=5)
"""The longest load: more than 100,000 watches take on a slow machine. What takes longer hangs."""

COMMAND = ("-P", "-m", "notifier.app.loading.loading_process_main")
"""Arguments of Python. `-P`: the folder where the daemon was started may have a `yaml.py`."""

_WRITE_AT_ONCE = 256 * 1024


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A configuration, and what the next load need not do again. `rules` is what else decides about a file's watches.

    The watches and warnings in `files` are those of the `config`, file by file; one that did not change since the load
    before is the same object as then. `copy` is what to keep of the texts, which were read at `read_at`; it is empty
    if they come from a copy themselves.
    """

    config: Config
    rules: str
    files: tuple[ConfigPart, ...]
    copy: bytes = field(default=b"", repr=False)
    read_at: datetime | None = None

    @property
    def digests(self) -> Mapping[Path, str]:
        """The digest of each file."""
        return MappingProxyType({part.path: part.digest for part in self.files})

    @cached_property
    def hash(self) -> str:
        """The hash of all files together, of 12 characters."""
        return hashlib.sha256(repr([(str(part.path), part.digest) for part in self.files]).encode()).hexdigest()[:12]


async def load_config_apart(
    path: Path, previous: Loaded | None = None, *, limit: timedelta = LONGEST, last: bool = False
) -> Loaded:
    """Read and check a configuration, as `load_config` does, in another process.

    Args:
        path: the main file.
        previous: the last configuration that was right: an included file with the same content is not parsed again.
        limit: after this long the load is given up.
        last: read the copy that was kept of the configuration that was loaded last, not the files.

    Raises:
        ConfigurationRefused: with all its errors.
        NothingKept: there is no last configuration.
        NotifierError: it could not be read at all; the text says why.
    """
    known, parts = await _known(previous)
    request = LoadRequest(version=__version__, path=str(path), environ=dict(os.environ), known=known, last=last)
    try:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, *COMMAND),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))},
            start_new_session=True,  # Ctrl-C is for the daemon, which ends this process itself
        )
    except OSError as error:
        raise NotifierError(_why_not_started(path, error)) from error
    try:
        async with asyncio.timeout(limit.total_seconds()):
            return await _exchange(child, request, parts, path)
    except TimeoutError:
        raise NotifierError(f"{path}: reading it was given up after {limit.total_seconds():.0f} s") from None
    finally:
        assert child.stdin is not None
        child.stdin.close()
        if child.returncode is None:
            # Not child.kill(): it would reap a child that has just ended, and asyncio logs that.
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGKILL)
        await child.wait()


def _why_not_started(path: Path, error: OSError) -> str:
    """Return why the process cannot be started; the configuration itself is not to blame."""
    said = f"{path} is read by a process of its own, which cannot be started"
    match error:
        case PermissionError() | FileNotFoundError():
            cure = (
                f"{this_user()} must be able to execute {sys.executable}: `namei -l {sys.executable}` shows its modes"
            )
        case OSError(errno=errno.EAGAIN | errno.ENOMEM):
            cure = "is there enough memory, and a process left (`ulimit -u`, and `TasksMax=` of the service)?"
        case _:
            cure = f"see whether {sys.executable} runs"
    return f"{said}: {error.strerror or error}; {cure}"


async def _exchange(
    child: asyncio.subprocess.Process, request: LoadRequest, parts: Mapping[str, ConfigPart], path: Path
) -> Loaded:
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        message = memoryview(packed(request))
        # It stays open: when this process ends, however it does, the child reads the end of the pipe and ends too.
        with contextlib.suppress(ConnectionError):  # a child that died at once is reported below
            for start in range(0, len(message), _WRITE_AT_ONCE):
                child.stdin.write(message[start : start + _WRITE_AT_ONCE])
                await child.stdin.drain()
        answer = await _next(child.stdout)
        match answer:
            case FilesRefused(problems=problems, include=include):
                raise ConfigurationRefused(problems, include=include)
            case Failed(text=text, nothing=True):
                raise NothingKept(text)
            case Failed(text=text):
                raise NotifierError(f"{path}: {text}")
            case Fine():
                return await _loaded(answer, child.stdout, parts)
            case _:
                raise TypeError(type(answer))
    except asyncio.IncompleteReadError:
        raise NotifierError(f"{path}: {why_it_ended(await child.wait())}") from None


async def _next(source: asyncio.StreamReader) -> Any:
    size = LENGTH.unpack(await source.readexactly(LENGTH.size))[0]
    return unpacked(await source.readexactly(size))


async def _loaded(answer: Fine, source: asyncio.StreamReader, before: Mapping[str, ConfigPart]) -> Loaded:
    arriving: list[AnyWatch] = []
    missing = sum(each.watches or 0 for each in answer.files)
    while len(arriving) < missing:
        arriving += await _next(source)
        await asyncio.sleep(0)
    files: list[ConfigPart] = []
    start = 0
    for each in answer.files:
        part, start = _part(each, arriving, start, before)
        files.append(part)
    return Loaded(
        config=combine(answer.frame, files),
        rules=answer.rules,
        files=tuple(files),
        copy=answer.copy,
        read_at=answer.read_at,
    )


def _part(
    each: FilePart, arriving: list[AnyWatch], start: int, before: Mapping[str, ConfigPart]
) -> tuple[ConfigPart, int]:
    if each.watches is None:
        return before[each.path], start
    end = start + each.watches
    watches = tuple(arriving[start:end])
    return ConfigPart(path=Path(each.path), digest=each.digest, watches=watches, warnings=each.warnings), end


async def _known(previous: Loaded | None) -> tuple[KnownFiles, Mapping[str, ConfigPart]]:
    """Return what need not be parsed again, as the other process needs it, and the parts that it stands for."""
    if previous is None:
        return KnownFiles(), {}
    parts = {str(part.path): part for part in previous.files[1:]}
    names: dict[str, str] = {}
    for path, part in parts.items():
        names[path] = " ".join([name for watch in part.watches or () for name in reserved_names(watch)])
        await asyncio.sleep(0)
    known = KnownFiles(
        rules=previous.rules,
        digests={path: part.digest for path, part in parts.items()},
        names=names,
        urls=frozenset(channel.url for channel in previous.config.channels.values() if channel.url),
    )
    return known, parts


def why_it_ended(status: int) -> str:
    """Return why a process gave no answer, by its exit status; a negative one is a signal."""
    if status >= 0:
        return f"the process that reads it ended with status {status} and without an answer"
    names = {each.value: each.name for each in signal.Signals}
    name = names.get(-status, f"signal {-status}")
    cure = ": is there enough memory?" if -status == signal.SIGKILL else ""
    return f"the process that reads it was ended by {name}{cure}"

"""The messages between the daemon and the process that reads its configuration: pickled values, each after its length.

Both ends are this program in this version, and their pipes are their own: nobody else can write to them.
"""

import io
import pickle
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, BinaryIO, TypeVar

from notifier.config.documents.excerpt import Excerpt
from notifier.config.incremental import KnownFiles
from notifier.core.errors import Problem

LENGTH = struct.Struct(">Q")

SLICE = 250
"""Watches in one message: unpickling them blocks the event loop for 1 to 3 ms."""

Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadRequest:
    """Read this configuration. `environ` is that of the daemon, `known` what need not be parsed again.

    With `last`, read the copy of the configuration that was loaded last, not the files.
    """

    version: str
    path: str
    environ: dict[str, str]
    known: KnownFiles
    last: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class FilePart:
    """A file: its warnings, and the number of its watches, which follow. None: both are as known."""

    path: str
    digest: str
    watches: int | None
    warnings: Excerpt


@dataclass(frozen=True, kw_only=True, slots=True)
class FilesRefused:
    """The answer: the files have errors."""

    problems: tuple[Problem, ...]
    include: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """The answer: nothing could be read, and why, for a user; or `nothing` was kept."""

    text: str
    nothing: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Fine:
    """The answer: `frame` is a `Config` without watches and warnings. The watches follow, a slice in each message.

    `copy` is what to keep of the texts that were read at `read_at`; empty, if they were a copy themselves.
    """

    frame: Any
    rules: str
    files: tuple[FilePart, ...]
    copy: bytes
    read_at: datetime


LoadAnswer = FilesRefused | Failed | Fine


def frozen(values: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    """Unpickle a read-only mapping, which pickle does not support by itself."""
    return MappingProxyType(values)


class _Pickler(pickle.Pickler):
    dispatch_table = {MappingProxyType: lambda proxy: (frozen, (dict(proxy),))}  # noqa: RUF012 - as the base class wants it


def packed(value: object) -> bytes:
    """Return the message of a value."""
    buffer = io.BytesIO()
    _Pickler(buffer, protocol=pickle.HIGHEST_PROTOCOL).dump(value)
    content = buffer.getbuffer()
    return LENGTH.pack(len(content)) + content


def unpacked(content: bytes) -> Any:
    """Return the value of a message's content."""
    return pickle.loads(content)


def read(source: BinaryIO) -> Any:
    """Return the next value.

    Raises:
        EOFError: the other end has gone.
    """
    head = source.read(LENGTH.size)
    if len(head) < LENGTH.size:
        raise EOFError
    return unpacked(source.read(LENGTH.unpack(head)[0]))


def slices(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Return the items in order, as many at a time as fit into one message."""
    return (items[start : start + SLICE] for start in range(0, len(items), SLICE))

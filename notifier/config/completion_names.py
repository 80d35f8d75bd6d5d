"""The names in the files, for shell completion: fast, and forgiving where `load` is strict.

Nothing is validated. A file that is not YAML has no names, and values of another type are skipped.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from notifier.config.documents import document
from notifier.config.documents.document import Document, database_in
from notifier.config.documents.includes import read_included
from notifier.config.sources import files
from notifier.config.sources.files import Content, Unreadable
from notifier.config.sources.origin import Disk
from notifier.config.yaml.interpolation import UnsetAllowed, is_unset
from notifier.config.yaml.nodes import Flaw
from notifier.core.words import safe

MOST_READ = 128 * 1024
"""Bytes of all files together, which take about 0.1 s: the shell waits while it completes."""

_WATCHES = re.compile(r"^watches:.*?(?=^[^\s#-]|\Z)", re.MULTILINE | re.DOTALL)
"""The section of the watches, up to the next key at the beginning of a line."""


@dataclass(kw_only=True, slots=True)
class ConfiguredNames:
    """The names that the files have.

    Attributes:
        watches: the names of watches by their ids.
        snapshots: the ids of watched snapshots.
        datasets: the ids of watched datasets.
        channels: the names of channels.
        words: the event names under `on:`.
        database: the database file; None if the main file does not say.
        cut: the files have more watches than were read.
    """

    watches: dict[str, str] = field(default_factory=dict)
    snapshots: list[str] = field(default_factory=list)
    datasets: list[str] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    database: Path | None = None
    cut: bool = False


def configured_names(path: Path, environ: Mapping[str, str]) -> ConfiguredNames:
    """Return the names in a main file and in the files that it includes.

    Args:
        path: the main file.
        environ: the variables for `${NAME}`. A name with an unset variable is skipped.
    """
    environ = UnsetAllowed(environ)
    disk = _BoundedDisk()
    main = document.read(path, environ, main=True, origin=disk)
    found = ConfiguredNames(
        channels=_texts(list(_mapping(main.data.get("channels")))),
        words=_texts(_mapping(main.data.get("defaults")).get("on")),
        database=database_in(main),
    )
    for each in (main, *read_included(main, environ, disk)):
        _add_watches(each, found)
    found.cut = disk.cut
    return found


class _BoundedDisk(Disk):
    """The files on the disk, up to `MOST_READ` bytes; then `cut` is set. A larger main file comes without watches."""

    def __init__(self) -> None:
        super().__init__()
        self.cut = False
        self._left: int | None = None

    def read(self, path: Path) -> Content:
        """Return the text of a file.

        Raises:
            Unreadable: it cannot be read, or would exceed the bound.
        """
        is_main = self._left is None
        self._left = (MOST_READ if self._left is None else self._left) - files.size_of(path)
        self.cut |= self._left < 0
        if not self.cut:
            return files.read(path)
        content = files.read(path) if is_main else Content("", "")
        rest = _WATCHES.sub("", content.text)
        if not is_main or len(rest) > MOST_READ:
            raise Unreadable(Flaw(text="too large to be read for a completion"))
        return Content(rest, content.digest)


def _add_watches(read: Document, found: ConfiguredNames) -> None:
    for entry in _mappings(read.data.get("watches")):
        snapshot, dataset = _text(entry.get("snapshot")), _text(entry.get("dataset"))
        found.snapshots += [snapshot] if snapshot else []
        found.datasets += [dataset] if dataset else []
        if watch_id := _text(entry.get("id")) or snapshot or dataset:
            found.watches[watch_id] = _text(entry.get("name")) or ""
        found.words += _texts(entry.get("on"))


def _mappings(value: object) -> Iterator[dict[str, object]]:
    yield from (each for each in (value if isinstance(value, list) else ()) if isinstance(each, dict))


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _texts(value: object) -> list[str]:
    return [text for each in (value if isinstance(value, list) else [value]) if (text := _text(each))]


def _text(value: object) -> str | None:
    fits = isinstance(value, str) and safe(value) == value and not is_unset(value)
    return str(value) if fits else None

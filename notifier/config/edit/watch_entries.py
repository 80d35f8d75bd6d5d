"""Finds the entries of a watch in the files, and whether its file may be removed with it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from notifier.config.documents import document
from notifier.config.documents.document import Document
from notifier.config.documents.includes import read_included
from notifier.config.yaml.interpolation import UnsetAllowed


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchEntry:
    """An entry of `watches:`.

    Attributes:
        path: its file.
        line: its line, from 1.
        index: its position in the list, from 0.
        alone: the file is an included one, and holds this entry and nothing else.
    """

    path: Path
    line: int
    index: int
    alone: bool


def find_entries(config: Path, environ: Mapping[str, str], watch_id: str) -> list[WatchEntry]:
    """Return every entry with this id, in the order of the files. Files that cannot be read are skipped.

    Args:
        config: the main file.
        environ: the variables for `${NAME}`.
        watch_id: the `id:` of the watch; without one, the id of its snapshot or dataset.
    """
    environ = UnsetAllowed(environ)
    main = document.read(config, environ, main=True)
    return [
        entry for each in (main, *read_included(main, environ)) for entry in _entries(each, watch_id, each is not main)
    ]


def _entries(read: Document, watch_id: str, included: bool) -> Iterator[WatchEntry]:
    entries = read.data.get("watches")
    alone = included and not read.flaws and list(read.data) == ["watches"]
    alone = alone and isinstance(entries, list) and len(entries) == 1 and not read.path.is_symlink()
    for index, entry, place in read.watches():
        if (entry.get("id") or entry.get("snapshot") or entry.get("dataset")) == watch_id:
            yield WatchEntry(path=read.path, line=place.line, index=index, alone=alone)

"""Where in the files a watch stands, and whether its file holds nothing else and may be removed with it."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from notifier.config.documents import document
from notifier.config.sources import files
from notifier.config.yaml.interpolation import UnsetAllowed


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchEntry:
    """The entry of a watch: its file, its line (from 1) and its position in `watches:` (from 0).

    `alone` says that the file is an included one that holds this watch and nothing else.
    """

    path: Path
    line: int
    index: int
    alone: bool


def find_entries(config: Path, environ: Mapping[str, str], watch_id: str) -> list[WatchEntry]:
    """Every entry with this id (without `id:` that of its snapshot or dataset), in the order of the files.

    Files that cannot be read are passed over: whoever wants to know what is wrong loads the configuration.
    """
    environ = UnsetAllowed(environ)
    main = document.read(config, environ, main=True)
    found = _in(main, watch_id)
    patterns = main.data.get("include")
    patterns = [patterns] if isinstance(patterns, str) else patterns
    seen = {files.real_path(config)}
    for pattern in patterns if isinstance(patterns, list) else []:
        matches: list[Path] = []
        with contextlib.suppress(ValueError):
            matches = files.included(str(pattern), config.absolute().parent)
        for path in matches:
            if files.real_path(path) in seen:
                continue
            seen.add(files.real_path(path))
            found += _in(document.read(path, environ, main=False), watch_id, included=True)
    return found


def _in(read: document.Document, watch_id: str, *, included: bool = False) -> list[WatchEntry]:
    entries = read.data.get("watches")
    alone = included and not read.flaws and list(read.data) == ["watches"]
    alone = alone and isinstance(entries, list) and len(entries) == 1 and not read.path.is_symlink()
    return [
        WatchEntry(path=read.path, line=place.line, index=index, alone=alone)
        for index, entry, place in read.watches()
        if (entry.get("id") or entry.get("snapshot") or entry.get("dataset")) == watch_id
    ]

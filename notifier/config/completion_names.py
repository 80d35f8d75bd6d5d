"""The names that stand in the files, for a shell that completes them: quick, and forgiving where `load` is strict.

Nothing is checked here. A file that is no YAML has no names, and what does not fit is passed over.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from notifier.config.sources import files
from notifier.config.values import paths
from notifier.config.yaml import parser
from notifier.config.yaml.interpolation import UnsetAllowed, is_unset, plain_data
from notifier.core.words import safe

MOST_READ = 128 * 1024
"""Bytes of all files together: about 0.1 s. A shell waits while it completes, and of more nobody wants a list."""

_WATCHES = re.compile(r"^watches:.*?(?=^[^\s#-]|\Z)", re.MULTILINE | re.DOTALL)
"""That section of a file, up to the next key at the beginning of a line."""


@dataclass(kw_only=True, slots=True)
class ConfiguredNames:
    """What was found. `watches` are names by id, `words` the event names that are asked for.

    `database` is where the daemon remembers; None if the main file cannot be read. `cut` says that there are more
    watches in the files than were read.
    """

    watches: dict[str, str] = field(default_factory=dict)
    snapshots: list[str] = field(default_factory=list)
    datasets: list[str] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    database: Path | None = None
    cut: bool = False


def configured_names(path: Path, environ: Mapping[str, str]) -> ConfiguredNames:
    """The names in a main file and in all that it includes.

    Args:
        path: the main file.
        environ: the variables for `${NAME}`; a name with one that is not set is passed over.
    """
    found = ConfiguredNames()
    environ = UnsetAllowed(environ)
    room = _Room(MOST_READ)
    main = _data(path, environ, room, without_watches=True)
    if main is None:
        return found
    found.channels = _texts(list(_mapping(main.get("channels"))))
    found.words = _texts(_mapping(main.get("defaults")).get("on"))
    found.database = _database(main, path.absolute().parent)
    _take_watches(main, found)
    seen = {files.real_path(path)}
    for pattern in _texts(main.get("include")):
        for match in _included(pattern, path.absolute().parent):
            if (real := files.real_path(match)) not in seen and not room.cut:
                seen.add(real)
                _take_watches(_data(match, environ, room) or {}, found)
    found.cut = room.cut
    return found


class _Room:
    """How many bytes may still be read; `cut` once something had no room."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.cut = False

    def for_file(self, path: Path) -> bool:
        try:
            size = path.stat().st_size
        except OSError:
            return False
        self.left -= size
        self.cut |= self.left < 0
        return not self.cut


def _data(
    path: Path, environ: Mapping[str, str], room: _Room, *, without_watches: bool = False
) -> dict[str, object] | None:
    """What a file has in it; if it has no room, nothing, or what is left of it without its watches."""
    whole = room.for_file(path)
    if not whole and not without_watches:
        return None
    try:
        text = files.read(path).text
    except files.Unreadable:
        return None
    text = text if whole else _WATCHES.sub("", text)
    root, _ = parser.parse(text) if len(text) <= MOST_READ else (None, [])
    data = plain_data(root, environ)[0] if root is not None else None
    return data if isinstance(data, dict) else None


def _included(pattern: str, folder: Path) -> list[Path]:
    try:
        return files.included(pattern, folder)
    except ValueError:
        return []


def _database(main: Mapping[str, object], folder: Path) -> Path | None:
    try:
        return folder / paths.state(main.get("state", "sqlite:///notifier.db"))
    except ValueError:
        return None


def _take_watches(data: Mapping[str, object], found: ConfiguredNames) -> None:
    for entry in _mappings(data.get("watches")):
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

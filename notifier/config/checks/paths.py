"""Checks whether the database and the folders of a configuration can be used, for `config check`.

What keeps the service from starting for every user is an error. What only this user lacks, and what systemd creates at
the start of the service (`StateDirectory=`), is a warning.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from notifier.config.model import AnyWatch, Config
from notifier.config.sources.regular_file import kind_of, read_regular, this_user
from notifier.core.errors import Problem

MOST = 20
"""The most download folders that are reported."""


def startup_errors(config: Config) -> Iterator[Problem]:
    """Yield an error for each path that keeps the daemon from starting, with its key."""
    if text := _no_database(config.database):
        yield Problem(file=str(config.path), key="state", text=text)


def path_warnings(config: Config) -> Iterator[Problem]:
    """Yield a warning for each folder that is missing or not writable, with its key."""
    for key, text in (("state", _unusable_state(config.database)), *_downloads(config)):
        if text:
            yield Problem(file=str(config.path), key=key, text=text)


def _no_database(database: Path) -> str:
    """Return why no daemon can have its database there; empty if it can."""
    try:
        kind = kind_of(database.stat().st_mode)
    except (OSError, ValueError):
        kind = None
    if kind or database.is_dir():
        return f"{database} is {kind or 'a folder'}, not a file: name another one"
    if not _is_database(database):
        return f"{database} is not an SQLite database: name a file that does not exist yet"
    return "" if _made_by_systemd(database) else _no_folder(database.parent, _NO_START)


def _unusable_state(database: Path) -> str:
    if _no_database(database):
        return ""
    if database.exists() and not _may(database, os.R_OK | os.W_OK):
        return (
            f"{this_user()} may not write the database {database}: change its owner, or run this as the service's user"
        )
    if _made_by_systemd(database):
        return (
            f"there is no folder {database.parent}: systemd creates it when it starts the service (`StateDirectory=`); "
            f"`install -d {database.parent}` creates it for other ways to start"
        )
    return _folder(database.parent, _NO_START)


_NO_START = "the daemon would not start"


def _made_by_systemd(database: Path) -> bool:
    """Return whether the folder is missing, and one that systemd may create."""
    return database.parent.parent == Path("/var/lib") and not database.parent.exists()


def _is_database(path: Path) -> bool:
    """Return whether a file is an SQLite database or may become one: it is empty, missing, or not readable."""
    try:
        return read_regular(path, len(_SQLITE)) in (b"", _SQLITE)
    except (OSError, ValueError):
        return True


_SQLITE = b"SQLite format 3\0"
"""The header of an SQLite database (sqlite.org/fileformat.html, 1.3)."""


def _downloads(config: Config) -> Iterator[tuple[str, str]]:
    watches: list[AnyWatch] = [*config.watches, *config.datasets]
    folders = {watch.download.folder: watch.id for watch in reversed(watches) if watch.download is not None}
    for folder, watch_id in sorted(folders.items())[:MOST]:
        text = _folder(Path(folder), "no results would be saved")
        yield "download", f"{text} (of the watch {watch_id})" if text else ""


def _folder(path: Path, consequence: str) -> str:
    """Return what keeps this user from writing a file into a folder; empty if nothing does."""
    if text := _no_folder(path, consequence):
        return text
    if not _may(path, os.W_OK | os.X_OK):
        return f"{this_user()} may not write into the folder {path}: change its owner or mode, or name another one"
    return ""


def _no_folder(path: Path, consequence: str) -> str:
    """Return what keeps every user from writing a file into a folder; empty if nothing does."""
    if not path.exists():
        return f"there is no folder {path}, and {consequence}: create it with `install -d {path}`"
    if not path.is_dir():
        return f"{path} is not a folder, and {consequence}: name another one"
    return ""


def _may(path: Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=True)

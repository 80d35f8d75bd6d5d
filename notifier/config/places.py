"""Whether the folders that a configuration names can be used by whoever asks; `config check` warns where they cannot.

It is no error of the configuration: the service may run as another user, and systemd makes its `StateDirectory=` only
when it starts.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from notifier.config.model import AnyWatch, Config
from notifier.config.regular import kind_of
from notifier.core.errors import Problem

MOST = 20
"""So many folders for results are told of."""


def unusable_places(config: Config) -> Iterator[Problem]:
    """A warning for each folder that is missing or cannot be written, by the key that names it."""
    for key, text in (("state", _state(config.database)), *_downloads(config)):
        if text:
            yield Problem(file=str(config.path), key=key, text=text)


def _state(database: Path) -> str:
    try:
        kind = kind_of(database.stat().st_mode)
    except (OSError, ValueError):
        kind = None
    if kind or database.is_dir():
        return f"{database} is {kind or 'a folder'}, and no file: name another one"
    if database.exists() and not _may(database, os.R_OK | os.W_OK):
        return f"this user may not write the database {database}: change its owner, or run this as the service's user"
    text = _folder(database.parent, "the daemon would not start")
    made = "; systemd makes it for the service (`StateDirectory=`)"
    return text + made if text and database.parent.parent == Path("/var/lib") else text


def _downloads(config: Config) -> Iterator[tuple[str, str]]:
    watches: list[AnyWatch] = [*config.watches, *config.datasets]
    folders = {watch.download.folder: watch.id for watch in reversed(watches) if watch.download is not None}
    for folder, watch_id in sorted(folders.items())[:MOST]:
        text = _folder(Path(folder), "no results would be saved")
        yield "download", f"{text} (of the watch {watch_id})" if text else ""


def _folder(path: Path, consequence: str) -> str:
    """What keeps a file from being written into a folder; nothing if nothing does."""
    if not path.exists():
        return f"there is no folder {path}, and {consequence}: `install -d {path}` makes it"
    if not path.is_dir():
        return f"{path} is no folder, and {consequence}: name another one"
    if not _may(path, os.W_OK | os.X_OK):
        return f"this user may not write into the folder {path}: change its owner or mode, or name another one"
    return ""


def _may(path: Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=True)

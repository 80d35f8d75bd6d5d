"""Scans the files of a configuration, and identifies their content by digests."""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from notifier.config.sources import files
from notifier.config.sources.regular_file import kind_of

Digests = Mapping[str, str]
"""The digest of the content (`files.digest_of`) of every existing file, by absolute path."""

_RECENT_NS = 2_000_000_000
"""A file that changed within this time may change again without new times: some disks record only seconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigFiles:
    """The main file, and the patterns of its `include:`; relative ones start at its folder."""

    main: Path
    include: tuple[str, ...] = ()


class _Seen(NamedTuple):
    mark: tuple[int, ...]
    digest: str


class FileScanner:
    """Scans the files repeatedly, and reads only those whose times, size or inode changed.

    It follows links: in a mounted ConfigMap of Kubernetes, only the target of a link changes.
    """

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}

    def scan(self, sources: ConfigFiles, now_ns: int) -> Digests:
        """Return the digests of the files. Missing files and unlistable folders are left out. Blocks on the disk.

        Args:
            sources: the main file and the patterns.
            now_ns: the time in nanoseconds since 1970, to tell which changes are recent.
        """
        main = sources.main.absolute()
        paths = [str(main), *(path for pattern in sources.include for path in files.present(pattern, main.parent))]
        # An abandoned scan may still run in its thread, and must not disturb this one.
        before, now = self._seen, dict[str, _Seen]()
        contents = {path: digest for path in paths if (digest := _digest(path, now_ns, before, now)) is not None}
        self._seen = now
        return contents


def _digest(path: str, now_ns: int, before: Mapping[str, _Seen], now: dict[str, _Seen]) -> str | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - of a thousand files twice a second
        if stat.S_ISDIR(found.st_mode):
            return None
        if kind := kind_of(found.st_mode):
            return f"unreadable: {kind}"  # removing it is a change
        mark = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        seen = before.get(path)
        if seen is not None and seen.mark == mark and found.st_ctime_ns < now_ns - _RECENT_NS:
            now[path] = seen
            return seen.digest
        digest = files.digest(Path(path))
    except FileNotFoundError:
        return "unreadable: a link that leads nowhere" if os.path.islink(path) else None  # noqa: PTH114
    except (OSError, ValueError) as error:
        return f"unreadable: {error}"
    now[path] = _Seen(mark, digest)
    return digest

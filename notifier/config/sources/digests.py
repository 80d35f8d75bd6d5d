"""Where a configuration comes from, and what its files have in them just now."""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from notifier.config.sources import files
from notifier.config.sources.regular_file import kind_of

Digests = Mapping[str, str]
"""The absolute path of every file that is there, with what its content is known by (`files.digest_of`)."""

_FRESH_NS = 2_000_000_000
"""A file that changed so short a time ago may change again and keep its times: some disks tell only seconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigFiles:
    """The main file, and the patterns of its `include:`; relative ones start at its folder."""

    main: Path
    include: tuple[str, ...] = ()


class _Seen(NamedTuple):
    mark: tuple[int, ...]
    digest: str


class FileScanner:
    """Looks at the files, time and again. Only one is read whose times, size or inode are others than before.

    Links are followed: in a mounted ConfigMap of Kubernetes all that changes is where a link leads to.
    """

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}

    def scan(self, sources: ConfigFiles, now_ns: int) -> Digests:
        """The files as they are. What is not there, or cannot be listed, is left out; it blocks as the disk does.

        Args:
            sources: where to look.
            now_ns: the time, in nanoseconds since 1970, to know which change is fresh.
        """
        main = sources.main.absolute()
        paths = [str(main), *(path for pattern in sources.include for path in files.present(pattern, main.parent))]
        # A look that nobody waits for any more may still go on in its thread: it changes nothing of another's.
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
            return f"unreadable: {kind}"  # taking it away is a change
        mark = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        seen = before.get(path)
        if seen is not None and seen.mark == mark and found.st_ctime_ns < now_ns - _FRESH_NS:
            now[path] = seen
            return seen.digest
        digest = files.digest(Path(path))
    except FileNotFoundError:
        return "unreadable: a link that leads nowhere" if os.path.islink(path) else None  # noqa: PTH114
    except (OSError, ValueError) as error:
        return f"unreadable: {error}"
    now[path] = _Seen(mark, digest)
    return digest

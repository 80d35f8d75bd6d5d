"""Finds the files of a pattern as `glob` does, within bounds, and entering every folder only once.

`glob.glob` follows links under `**`: two links `a -> .` and `b -> .` make it walk 2^40 paths.
"""

import errno
import fnmatch
import glob
import os
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

MOST_FILES = 20_000
MOST_FOLDERS = 10_000
MOST_ENTRIES = 500_000
DEEPEST = 40
"""Levels of folders below a `**`."""

_ANY_DEPTH = "**"


class TooMuch(ValueError):
    """The pattern exceeds a bound; the text says which, and what to do."""


class Walk:
    """One search for a pattern. `unlisted` are the folders that this user may not list."""

    def __init__(self, pattern: str, folder: str) -> None:
        """
        Args:
            pattern: the pattern, with wildcards, without a NUL.
            folder: where a relative one starts.
        """
        self.unlisted: list[str] = []
        self._pattern = pattern
        self._folder = folder
        self._folders = self._entries = 0

    def paths(self) -> list[str]:
        """Return the paths that match, with folders, unsorted, and relative if the pattern is.

        Raises:
            TooMuch: a bound is exceeded.
        """
        *steps, last = self._pattern.split("/")
        places = [""]
        if not steps:
            return self._counted(self._in(places, last))
        if steps[0] == "":
            places, steps = ["/"], steps[1:]
        for step in steps:
            if step:
                places = list(self._below(places, step))
        return self._counted(self._in(places, last))

    def _below(self, places: Iterable[str], step: str) -> Iterator[str]:
        """Yield the folders that one step of the pattern matches."""
        if not glob.has_magic(step):
            yield from (os.path.join(place, step) for place in places)  # noqa: PTH118
        elif step == _ANY_DEPTH:
            yield from self._everywhere(places)
        else:
            seen: set[tuple[int, int]] = set()
            for place in places:
                for entry in self._matching(place, step):
                    if _is_folder(entry) and _new(entry.path, seen):
                        yield os.path.join(place, entry.name)  # noqa: PTH118

    def _everywhere(self, places: Iterable[str]) -> Iterator[str]:
        """Yield the folders and all folders below them."""
        seen: set[tuple[int, int]] = set()
        level = [place for place in places if _new(self._real(place), seen)]
        for depth in range(DEEPEST + 2):
            if not level:
                return
            if depth > DEEPEST:
                raise TooMuch(f"the folders are nested more than {DEEPEST} levels deep: name the one with the files")
            yield from level
            level = [
                os.path.join(place, entry.name)  # noqa: PTH118
                for place in level
                for entry in self._matching(place, "*")
                if _is_folder(entry) and _new(entry.path, seen)
            ]

    def _in(self, places: Iterable[str], last: str) -> Iterator[str]:
        """Yield the paths in these folders that the last step of the pattern matches."""
        if last == _ANY_DEPTH:
            places, last = self._everywhere(places), "*"
        for place in places:
            if glob.has_magic(last):
                yield from (os.path.join(place, entry.name) for entry in self._matching(place, last))  # noqa: PTH118
            elif last and os.path.lexists(os.path.join(self._real(place), last)):  # noqa: PTH118
                yield os.path.join(place, last)  # noqa: PTH118

    def _matching(self, place: str, step: str) -> "list[os.DirEntry[str]]":
        """Return the entries of a folder that match a step with wildcards; hidden ones only if it begins with a dot."""
        self._folders += 1
        if self._folders > MOST_FOLDERS:
            raise TooMuch(f"it leads through more than {MOST_FOLDERS:,} folders: name the one with the files")
        fits = _fits(step)
        hidden = step.startswith(".")
        try:
            with os.scandir(self._real(place)) as entries:
                found = []
                for entry in entries:
                    self._entries += 1
                    if fits(entry.name) and (hidden or not entry.name.startswith(".")):
                        found.append(entry)
                    if self._entries > MOST_ENTRIES:
                        text = f"it leads to more than {MOST_ENTRIES:,} files and folders"
                        raise TooMuch(f"{text}: name a folder that has only the files")
        except PermissionError:
            self.unlisted.append(self._real(place))
            return []
        except (FileNotFoundError, NotADirectoryError, ProcessLookupError):
            return []
        except OSError as error:
            if error.errno != errno.EINVAL:  # /proc answers EINVAL for a process that has ended
                raise
            return []
        return found

    def _real(self, place: str) -> str:
        return os.path.join(self._folder, place)  # noqa: PTH118

    def _counted(self, paths: Iterator[str]) -> list[str]:
        found = []
        for path in paths:
            found.append(path)
            if len(found) > MOST_FILES:
                raise TooMuch(f"it matches more than {MOST_FILES:,} files: put several watches into one file")
        return found


@lru_cache(maxsize=256)
def _fits(step: str) -> Callable[[str], object]:
    return re.compile(fnmatch.translate(step)).match


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link to itself


def _new(path: str, seen: set[tuple[int, int]]) -> bool:
    """Return whether a folder is new, and add it to those seen."""
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError:
        return True  # listing it reports the error, or it has gone
    key = (found.st_dev, found.st_ino)
    if key in seen:
        return False
    seen.add(key)
    return True

"""The origin of a configuration's texts: the files on the disk, or the copy of those loaded last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from notifier.config.sources import files
from notifier.config.sources.files import Content, Unreadable
from notifier.config.yaml.nodes import Flaw


class Origin(Protocol):
    """Provides the texts of the main file and of the files that it includes."""

    def read(self, path: Path) -> Content:
        """Return the text of a file.

        Raises:
            Unreadable: it cannot be read.
        """
        ...

    def included(self, pattern: str, folder: Path, unlisted: list[str]) -> list[Path]:
        """Return the files that a pattern of `include:` matches; see `files.included`."""
        ...

    def real_path(self, path: Path) -> str:
        """Return what identifies a file, whatever path leads to it."""
        ...

    def size_of(self, path: Path) -> int:
        """Return the size of a file in bytes; 0 if it is unknown."""
        ...


@dataclass(slots=True)
class Disk:
    """The files on the disk. Records the contents by absolute path, and the matches of each pattern."""

    contents: dict[str, Content] = field(default_factory=dict)
    matches: dict[str, list[str]] = field(default_factory=dict)

    def read(self, path: Path) -> Content:
        """Return the text of a file; see `files.read`."""
        content = files.read(path)
        self.contents[str(path.absolute())] = content
        return content

    def included(self, pattern: str, folder: Path, unlisted: list[str]) -> list[Path]:
        """Return the files that a pattern of `include:` matches; see `files.included`."""
        found = files.included(pattern, folder, unlisted)
        self.matches[pattern] = [str(path.absolute()) for path in found]
        return found

    def real_path(self, path: Path) -> str:
        """Return the path with all links resolved."""
        return files.real_path(path)

    def size_of(self, path: Path) -> int:
        """Return the size of a file in bytes; 0 if it is unknown."""
        return files.size_of(path)


@dataclass(frozen=True, kw_only=True, slots=True)
class Copy:
    """The texts of the configuration that was loaded last.

    `read_at` is when its files were read, by `version` of the program.
    """

    main: Path
    read_at: datetime
    version: str
    contents: Mapping[str, Content]
    matches: Mapping[str, Sequence[str]]

    def read(self, path: Path) -> Content:
        """Return the text that a file had."""
        try:
            return self.contents[str(path.absolute())]
        except KeyError:
            raise Unreadable(Flaw(text="the copy does not have this file")) from None

    def included(self, pattern: str, folder: Path, unlisted: list[str]) -> list[Path]:
        """Return the files that a pattern of `include:` matched, of those that were read."""
        return [Path(path) for path in self.matches.get(pattern, ()) if path in self.contents]

    def real_path(self, path: Path) -> str:
        """Return the path itself: links may have changed since."""
        return str(path.absolute())

    def size_of(self, path: Path) -> int:
        """Return 0: the size was bounded when the file was read."""
        return 0

"""Where the texts of a configuration come from: its files as they are, or a copy of them from before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from notifier.config.sources import files
from notifier.config.sources.files import Content, Unreadable
from notifier.config.yaml.nodes import Flaw


class Origin(Protocol):
    """Gives the texts of the main file and of those that it includes."""

    def read(self, path: Path) -> Content:
        """The text of a file.

        Raises:
            Unreadable: there is none, with the reason and the cure.
        """
        ...

    def included(self, pattern: str, folder: Path, unlisted: list[str]) -> list[Path]:
        """The files that one entry of `include:` stands for; see `files.included`."""
        ...

    def real_path(self, path: Path) -> str:
        """By what a file is known, whatever path leads to it."""
        ...

    def size_of(self, path: Path) -> int:
        """The bytes of a file, as far as they can be told."""
        ...


@dataclass(slots=True)
class Disk:
    """The files as they are. It remembers what it gave: the contents by absolute path, and each pattern's files."""

    contents: dict[str, Content] = field(default_factory=dict)
    matches: dict[str, list[str]] = field(default_factory=dict)

    def read(self, path: Path) -> Content:
        """The text of a file; see `files.read`."""
        content = files.read(path)
        self.contents[str(path.absolute())] = content
        return content

    def included(self, pattern: str, folder: Path, unlisted: list[str]) -> list[Path]:
        """The files that one entry of `include:` stands for; see `files.included`."""
        found = files.included(pattern, folder, unlisted)
        self.matches[pattern] = [str(path.absolute()) for path in found]
        return found

    def real_path(self, path: Path) -> str:
        """Where the path leads to in the end."""
        return files.real_path(path)

    def size_of(self, path: Path) -> int:
        """The bytes of a file, as far as they can be told."""
        return files.size_of(path)


@dataclass(frozen=True, kw_only=True, slots=True)
class Copy:
    """The texts of a configuration that was taken up: of its `main` file and of those that it included.

    `read_at` is when they were read, by the version `version` of the program.
    """

    main: Path
    read_at: datetime
    version: str
    contents: Mapping[str, Content]
    matches: Mapping[str, Sequence[str]]

    def read(self, path: Path) -> Content:
        """The text of a file as it was."""
        try:
            return self.contents[str(path.absolute())]
        except KeyError:
            raise Unreadable(Flaw(text="the copy does not have this file")) from None

    def included(self, pattern: str, folder: Path, unlisted: list[str]) -> list[Path]:
        """The files that one entry of `include:` stood for, of those that were read."""
        return [Path(path) for path in self.matches.get(pattern, ()) if path in self.contents]

    def real_path(self, path: Path) -> str:
        """The path itself: links may lead elsewhere by now."""
        return str(path.absolute())

    def size_of(self, path: Path) -> int:
        """Nothing: the bound was held when the file was read."""
        return 0

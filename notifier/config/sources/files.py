"""Reading the files: the text of one, and which ones an `include:` stands for. Every failure is a flaw in words."""

import contextlib
import glob
import os
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from notifier.config.sources.bounded_glob import Walk
from notifier.config.sources.regular_file import NotRegular, read_regular, this_user
from notifier.config.yaml.nodes import Flaw, Place

LARGEST = 64 * 1024 * 1024
"""Bytes of one file."""

LARGEST_TOGETHER = 256 * 1024 * 1024
"""Bytes of all included files; those of 100,000 watches have 20 MB."""

_LEFTOVERS = ("~", ".swp", ".swo", ".swx", ".bak", ".tmp", ".orig", ".rej")


class Content(NamedTuple):
    """A file's text, and what its bytes are known by."""

    text: str
    digest: str


class Unreadable(Exception):
    """A file's text cannot be had."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw.text)
        self.flaw = flaw


def digest_of(content: bytes) -> str:
    """What a file's content is known by: other bytes have another one."""
    return blake2b(content, digest_size=16).hexdigest()


def digest(path: Path) -> str:
    """What the content of a file is known by.

    Raises:
        OSError, ValueError: it cannot be read.
    """
    return digest_of(read_regular(path, LARGEST + 1))


def read(path: Path) -> Content:
    """The text of a UTF-8 file, without a byte order mark, its lines ended by `\\n` alone.

    Raises:
        Unreadable: there is none, with the reason and the cure.
    """
    try:
        content = read_regular(path, LARGEST + 1)
    except (OSError, ValueError) as error:
        raise Unreadable(Flaw(text=_why_unreadable(error))) from error
    if len(content) > LARGEST:
        raise Unreadable(Flaw(text=f"larger than {LARGEST // 1024**2} MiB: is this the right file?"))
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable(Flaw(text="the text is UTF-16: save the file as UTF-8"))
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise Unreadable(_not_utf8(content[: error.start], content[error.start])) from error
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return Content(text, digest_of(content))


def _why_unreadable(error: OSError | ValueError) -> str:
    match error:
        case FileNotFoundError():
            return "there is no such file"
        case IsADirectoryError():
            return "this is a folder: name the file in it"
        case PermissionError():
            seen = f"; `namei -l {error.filename}` shows those of its folders, too" if error.filename else ""
            return f"{this_user()} may not read the file: change its owner, group or mode{seen}"
        case NotRegular(strerror=reason):
            return f"{reason}: take it away, or name another file"
        case OSError(strerror=str(reason)):
            return f"the file cannot be read: {reason}"
        case _:
            return "this cannot be the name of a file"


def _not_utf8(before: bytes, byte: int) -> Flaw:
    line = before.count(b"\n") + 1
    column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8-sig", "replace")) + 1
    text = f"the byte 0x{byte:02x} at offset {len(before)} is not UTF-8: save the file as UTF-8"
    return Flaw(place=Place(line, column), text=text)


def included(pattern: str, folder: Path, unlisted: list[str] | None = None) -> list[Path]:
    """The files that one entry of `include:` stands for, sorted; relative ones start at the main file's folder.

    A pattern without matches is none; folders and what editors leave behind are passed over.

    Args:
        pattern: the entry.
        folder: that of the main file.
        unlisted: gets the folders below the first wildcard that this user may not list.

    Raises:
        ValueError: a file named without wildcards does not exist, the folder cannot be listed, or the pattern leads
            through more than any configuration has; the text says it.
    """
    try:
        return _matches(pattern, folder, [] if unlisted is None else unlisted)
    except OSError as error:
        if isinstance(error, PermissionError):
            raise ValueError(
                f"{this_user()} may not list the folder {error.filename}: change its owner, group or mode"
            ) from error
        raise ValueError(f"the files cannot be listed: {error.strerror or 'an error of the system'}") from error


def present(pattern: str, folder: Path) -> list[str]:
    """The paths that one entry of `include:` stands for just now, as far as they can be told, folders among them.

    It is quicker than `included`: it is asked all the time, of a thousand files.
    """
    top = str(folder)
    if "\0" in pattern:
        return []
    if not glob.has_magic(pattern):
        return [os.path.join(top, pattern)]  # noqa: PTH118
    try:
        matches = Walk(pattern, top).paths()
    except (OSError, ValueError):
        return []
    return [os.path.join(top, match) for match in matches if not _leftover(os.path.basename(match))]  # noqa: PTH118, PTH119


def size_of(path: Path) -> int:
    """The bytes of a file, as far as they can be told."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def real_path(path: Path) -> str:
    """Where a path leads to in the end, by which one file is known; of a link that leads nowhere, as far as it goes."""
    return os.path.realpath(path)


def _matches(pattern: str, folder: Path, unlisted: list[str]) -> list[Path]:
    if "\0" in pattern:
        raise ValueError("this cannot be the name of a file")
    if not glob.has_magic(pattern):
        return [_one_file(folder / pattern)]
    _check_listable(pattern, folder)
    walk = Walk(pattern, str(folder))
    matches = walk.paths()
    unlisted += walk.unlisted
    return [path for path in sorted(folder / match for match in matches) if not _passed_over(path)]


def _one_file(path: Path) -> Path:
    if path.is_dir():
        raise ValueError("this is a folder: write `FOLDER/*.yaml` for the files in it")
    if not path.exists():
        raise ValueError("there is no such file (a relative path starts at the folder of the main file)")
    return path


def _check_listable(pattern: str, folder: Path) -> None:
    """A folder that cannot be listed has no matches for `glob`, and its watches would be left out in silence."""
    top = folder
    for part in Path(pattern).parts[:-1]:
        if glob.has_magic(part):
            break
        top = top / part
    with contextlib.suppress(FileNotFoundError), os.scandir(top):
        pass


def _passed_over(path: Path) -> bool:
    # Not `is_file()`: a dangling link is an error to tell, not a file to pass over.
    return _leftover(path.name) or path.is_dir()


def _leftover(name: str) -> bool:
    return name.startswith((".", "#")) or name.endswith(_LEFTOVERS)

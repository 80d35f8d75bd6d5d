"""Reads files of the configuration, and finds those that a pattern of `include:` names."""

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
"""Bytes of all included files. Those of 100,000 watches have 20 MB."""

_LEFTOVERS = ("~", ".swp", ".swo", ".swx", ".bak", ".tmp", ".orig", ".rej")


class Content(NamedTuple):
    """The text of a file, and the digest of its bytes."""

    text: str
    digest: str


class Unreadable(Exception):
    """A file cannot be read; `flaw` says why."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw.text)
        self.flaw = flaw


def digest_of(content: bytes) -> str:
    """Return the digest that identifies a content."""
    return blake2b(content, digest_size=16).hexdigest()


def digest(path: Path) -> str:
    """Return the digest of a file's content.

    Raises:
        OSError, ValueError: it cannot be read.
    """
    return digest_of(read_regular(path, LARGEST + 1))


def read(path: Path) -> Content:
    """Read a UTF-8 file, without its byte order mark, with `\\n` as line break.

    Raises:
        Unreadable: it cannot be read; the flaw has the reason and what to do.
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
            seen = f"; `namei -l {error.filename}` also shows those of its folders" if error.filename else ""
            return f"{this_user()} may not read the file: change its owner, group or mode{seen}"
        case NotRegular(strerror=reason):
            return f"{reason}: remove it, or name another file"
        case OSError(strerror=str(reason)):
            return f"the file cannot be read: {reason}"
        case _:
            return "no file can have this name"


def _not_utf8(before: bytes, byte: int) -> Flaw:
    line = before.count(b"\n") + 1
    column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8-sig", "replace")) + 1
    text = f"the byte 0x{byte:02x} at offset {len(before)} is not UTF-8: save the file as UTF-8"
    return Flaw(place=Place(line, column), text=text)


def included(pattern: str, folder: Path, unlisted: list[str] | None = None) -> list[Path]:
    """Return the files that a pattern of `include:` matches, sorted. Folders and files left by editors are skipped.

    Args:
        pattern: the entry of `include:`.
        folder: the folder of the main file, where relative patterns start.
        unlisted: receives the folders below the first wildcard that this user may not list.

    Raises:
        ValueError: a file named without wildcards does not exist, the folder cannot be listed, or the pattern exceeds
            the bounds of `bounded_glob`.
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
    """Return the paths that a pattern of `include:` matches now, with folders, and nothing after an error.

    This is faster than `included`, because it runs twice a second.
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
    """Return the size of a file in bytes; 0 if it is unknown."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def real_path(path: Path) -> str:
    """Return the path with all links resolved, which identifies a file; a broken link is followed as far as it goes."""
    return os.path.realpath(path)


def _matches(pattern: str, folder: Path, unlisted: list[str]) -> list[Path]:
    if "\0" in pattern:
        raise ValueError("no file can have this name")
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
    """Raise for a folder that cannot be listed: `glob` would find nothing in it, and its watches would be missing."""
    top = folder
    for part in Path(pattern).parts[:-1]:
        if glob.has_magic(part):
            break
        top = top / part
    with contextlib.suppress(FileNotFoundError), os.scandir(top):
        pass


def _passed_over(path: Path) -> bool:
    # Not `is_file()`: a broken link is an error to report.
    return _leftover(path.name) or path.is_dir()


def _leftover(name: str) -> bool:
    return name.startswith((".", "#")) or name.endswith(_LEFTOVERS)

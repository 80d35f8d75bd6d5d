"""A copy of the files that the daemon loaded last, beside the database, for a start when the files have errors.

It has the texts of the files: `${NAME}`, credentials and token files are resolved again at each start. A text can have
a secret in it, so only the owner of the database may read the copy.

The format is gzip, whose checksum detects damage, over a JSON object: `format`, `version`, `main`, `read_at`, `files`
(path, digest, text) and `include` (the matches of each pattern).
"""

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from notifier import __version__
from notifier.config.edit.atomic_write import replace_file
from notifier.config.sources.files import LARGEST_TOGETHER, Content
from notifier.config.sources.origin import Copy, Disk
from notifier.config.sources.regular_file import read_regular

FORMAT = 1
SUFFIX = ".last-config"
"""Appended to the name of the database."""

_LARGEST = 2 * LARGEST_TOGETHER
_FAST = 1
"""The compression level. The texts of 100,000 watches, 20 MB, take a tenth of a second."""


class UnusableCopy(ValueError):
    """There is no usable copy; the text says why."""


class NoCopy(UnusableCopy):
    """There is no copy: nothing was loaded before."""


def path_beside(database: Path) -> Path:
    """Return the path of the copy for a database."""
    file = database.resolve()
    return file.with_name(file.name + SUFFIX)


def pack(disk: Disk, main: Path, now: datetime) -> bytes:
    """Serialise a copy of the files that were read.

    Args:
        disk: has the texts.
        main: the main file.
        now: when it was read.
    """
    data = {
        "format": FORMAT,
        "version": __version__,
        "main": str(main.absolute()),
        "read_at": now.isoformat(),
        "files": [
            {"path": path, "digest": content.digest, "text": content.text} for path, content in disk.contents.items()
        ],
        "include": disk.matches,
    }
    return gzip.compress(json.dumps(data).encode(), compresslevel=_FAST, mtime=0)


def unpack(content: bytes) -> Copy:
    """Deserialise a copy.

    Raises:
        UnusableCopy: it is damaged, or has the format of another version of the program.
    """
    try:
        plain = zlib.decompressobj(wbits=31)
        text = plain.decompress(content, _LARGEST)
        if not plain.eof:
            raise UnusableCopy("the copy is truncated")
        data = json.loads(text)
        if data["format"] != FORMAT:
            raise UnusableCopy(f"version {data['version']} of the notifier wrote it, in another format")
        return Copy(
            main=Path(data["main"]),
            read_at=datetime.fromisoformat(data["read_at"]),
            version=str(data["version"]),
            contents={each["path"]: Content(each["text"], each["digest"]) for each in data["files"]},
            matches={str(pattern): list(paths) for pattern, paths in data["include"].items()},
        )
    except UnusableCopy:
        raise
    except (zlib.error, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnusableCopy("the copy is damaged") from error


def write(database: Path, content: bytes) -> None:
    """Replace the copy atomically. Only the owner may read it.

    Raises:
        OSError: it cannot be written.
    """
    replace_file(path_beside(database), content)


def find(main: Path, database: Path | None, environ: Mapping[str, str]) -> Copy:
    """Find the last copy of a configuration.

    It is beside the database. If that is unknown, because the main file is missing or broken or its `state:` changed,
    return the newest copy beside the main file and in systemd's `STATE_DIRECTORY`.

    Args:
        main: the main file. Copies of other main files do not count.
        database: the database, if the files say where it is.
        environ: for `STATE_DIRECTORY` (systemd.exec(5)).

    Raises:
        NoCopy: there is none.
        UnusableCopy: no copy can be used.
    """
    if database is not None and (beside := path_beside(database)).exists():
        return _read(beside, main)
    copies, reasons = [], []
    for path in _elsewhere(main, environ):
        try:
            copies.append(_read(path, main))
        except UnusableCopy as error:
            reasons.append(str(error))
    if copies:
        return max(copies, key=lambda copy: copy.read_at)
    if reasons:
        raise UnusableCopy(reasons[0])
    raise NoCopy("none was loaded before")


def _elsewhere(main: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    for folder in (main.absolute().parent, *map(Path, environ.get("STATE_DIRECTORY", "").split(":"))):
        if folder.is_absolute():
            try:
                yield from sorted(path for path in folder.iterdir() if path.name.endswith(SUFFIX))
            except OSError:
                continue


def _read(path: Path, main: Path) -> Copy:
    try:
        copy = unpack(read_regular(path, _LARGEST))
    except OSError as error:
        raise UnusableCopy(f"{path}: {error.strerror or 'it cannot be read'}") from error
    except UnusableCopy as error:
        raise UnusableCopy(f"{path}: {error}") from error
    if copy.main != main.absolute() or str(copy.main) not in copy.contents:
        raise UnusableCopy(f"{path}: it is the copy of {copy.main}")
    return copy

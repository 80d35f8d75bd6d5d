"""Translates SQLite's errors: temporary or not, with texts that name the file and what to do.

The codes are those of sqlite.org/rescode.html. A full disk is SQLITE_FULL if the system reports ENOSPC. An exceeded
quota, and a `-shm` that cannot grow, are I/O errors like those of a failing disk: then a test file decides.
"""

import errno
import sqlite3
import tempfile
from json import JSONDecodeError
from pathlib import Path

from sqlalchemy.exc import StatementError

from notifier.core.errors import StoreError, StoreUnready
from notifier.core.health.store import StoreTrouble

_CURE = (
    "; `state:` must name the notifier's own SQLite file, in a folder it can write to: "
    "put a backup of it back, or name another file"
)
"""The end of the text about a database that cannot be opened."""

DAMAGE = (JSONDecodeError, UnicodeDecodeError, OverflowError)
"""Raised when a row has values that this program cannot have written."""

_ROOM = 128 * 1024
"""Bytes; a disk with less room is full."""

_PRIMARY = 0xFF
"""The mask of the primary code in an extended one."""

_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})
_FAILING = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN})
_BROKEN = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_OF_VALUES = frozenset(
    {sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_RANGE}
)
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


class Unwritable(ValueError):
    """A value that no row can hold was to be written. The database is well: only what the value belongs to fails."""


def unwritable(error: Exception) -> Unwritable | None:
    """Translate what SQLite or SQLAlchemy raised if a value caused it; otherwise return None."""
    cause = getattr(error, "orig", None) or error
    code = getattr(cause, "sqlite_errorcode", None)
    of_value = (
        (isinstance(error, StatementError) and not isinstance(cause, sqlite3.Error))
        or (code is not None and code & _PRIMARY in _OF_VALUES)
        or (isinstance(cause, OverflowError) and "SQLite INTEGER" in str(cause))
        or (isinstance(cause, sqlite3.Error) and "binding parameter" in str(cause))
    )
    return Unwritable(f"{type(cause).__name__}: {cause}") if of_value else None


def damaged(database: Path, error: Exception) -> StoreError:
    """Make the error for a row that cannot be read."""
    said = f"{type(error).__name__}: {error}"
    return StoreError(f"{database}: a row is damaged ({said}); put a backup of the database back")


def failure(database: Path, error: Exception, *, opening: bool = False) -> StoreError:
    """Translate what SQLite or SQLAlchemy raised.

    Args:
        database: the file.
        error: what was raised.
        opening: the database is not open yet: then only a full disk and a lock are temporary.
    """
    cause = getattr(error, "orig", None) or error
    match trouble_of(database, cause):
        case StoreTrouble.FULL:
            cure = "make some: what is to be written waits for it"
            return StoreUnready(StoreTrouble.FULL, f"{database}: there is no room on its disk ({cause}); {cure}")
        case StoreTrouble.LOCKED:
            cure = f"see which one with `fuser {database}`, and end it"
            return StoreUnready(StoreTrouble.LOCKED, f"{database}: another program keeps it locked ({cause}); {cure}")
        case StoreTrouble.FAILING if not opening:
            cure = "see whether its disk is well and can be written, and whether the system's log has errors of it"
            return StoreUnready(StoreTrouble.FAILING, f"{database}: it cannot be used ({cause}); {cure}")
        case _:
            broken = getattr(cause, "sqlite_errorcode", 0) & _PRIMARY in _BROKEN
            cure = _CURE if opening else "; put a backup of it back" if broken else ""
            return StoreError(f"{database}: the database failed: {cause}{cure}")


def trouble_of(database: Path, cause: object) -> StoreTrouble | None:
    """Return the temporary trouble that an error means; None for any other error."""
    code = getattr(cause, "sqlite_errorcode", None)
    if code is None:
        return None
    primary = code & _PRIMARY
    if primary == sqlite3.SQLITE_FULL:
        return StoreTrouble.FULL
    if primary in _LOCKED:
        return StoreTrouble.LOCKED
    if primary == sqlite3.SQLITE_IOERR and not _has_room(database.parent):
        return StoreTrouble.FULL
    return StoreTrouble.FAILING if primary in _FAILING else None


def _has_room(folder: Path) -> bool:
    """Return whether a test file can be written there; it has no name and is not synced."""
    left = _ROOM
    try:
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            while left > 0:  # a write may be partial: the last bytes of a disk are written, the next write fails
                left -= file.write(bytes(left))
    except OSError as error:
        return error.errno not in _NO_ROOM
    return True

"""What others may do to the files of a database: remove, replace, cut, overwrite and move them, or harmless things."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from support.outboxes import sql


def beside(database: Path, end: str) -> Path:
    return Path(f"{database}{end}")


def remove(end: str) -> Callable[[Path], None]:
    return lambda database: beside(database, end).unlink()


def replace(end: str) -> Callable[[Path], None]:
    def do(database: Path) -> None:
        path = beside(database, end)
        shutil.copy(path, beside(database, ".copy"))
        beside(database, ".copy").rename(path)

    return do


def cut(end: str, to: int) -> Callable[[Path], None]:
    return lambda database: os.truncate(beside(database, end), to)


def overwrite(database: Path) -> None:
    """What `cp backup.db notifier.db` does: another database in the same file."""
    other = beside(database, ".other")
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE other (id)")
    database.write_bytes(other.read_bytes())


def cut_last_bytes(database: Path) -> None:
    wal = beside(database, "-wal")
    os.truncate(wal, wal.stat().st_size - 100)


def fill(end: str, content: Callable[[int], bytes]) -> Callable[[Path], None]:
    """What `cp` of another file of the same length does."""

    def do(database: Path) -> None:
        path = beside(database, end)
        path.write_bytes(content(path.stat().st_size))

    return do


def move_folder(database: Path) -> None:
    database.parent.rename(f"{database.parent}-moved")


def checkpoint(database: Path) -> None:
    sql(database, "PRAGMA wal_checkpoint(TRUNCATE)")


def write(database: Path) -> None:
    sql(database, "CREATE TABLE somebodys (id)")


def touch(database: Path) -> None:
    for path in (database, beside(database, "-wal")):
        os.utime(path)


def forbid(database: Path) -> None:
    database.chmod(0)

"""Whatever somebody else does to the files of an open database is noticed, and nothing is told again for it."""

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from support.database_harm import (
    beside,
    checkpoint,
    cut,
    cut_last_bytes,
    fill,
    forbid,
    move_folder,
    overwrite,
    remove,
    replace,
    touch,
    write,
)
from support.outboxes import rows, sql, tell

from notifier.core.errors import StoreBusy, StoreError, StoreUnready
from notifier.store.sqlite.file_guard import FilesChanged
from notifier.store.store import Store

TOLD = 5


async def told(store: Store) -> None:
    for number in range(TOLD):
        await tell(store, "chat", snapshot_id=f"s_{number}")


SAVED = {
    "the WAL is removed": remove("-wal"),
    "the WAL is replaced": replace("-wal"),
    "the shared memory is removed": remove("-shm"),
}


"""What is done to the files while all that was told stands in the WAL alone; nothing of it is lost."""


@pytest.mark.parametrize("do", SAVED.values(), ids=SAVED)
async def test_what_can_be_saved_is_saved_before_the_daemon_ends(tmp_path: Path, do: Callable[[Path], None]) -> None:
    database = tmp_path / "some.db"
    async with Store(database) as store:
        await told(store)
        do(database)
        with pytest.raises(FilesChanged, match=r"some\.db-(wal|shm): .*was taken away or replaced"):
            await store.check_files()
        with pytest.raises(FilesChanged):
            await tell(store, "chat", snapshot_id="s_later")
    async with Store(database):
        assert len(rows(database)) == TOLD
    assert sql(database, "PRAGMA integrity_check") == [("ok",)]


CUT = {
    "the WAL is emptied": (cut("-wal", 0), "cut short"),
    "the WAL is cut": (cut("-wal", 10_000), "cut short"),
    "the database is emptied": (cut("", 0), "cut short"),
    "the database is cut": (cut("", 4_096), "cut short"),
    "the database is overwritten": (overwrite, "cut short|overwritten"),
    "the database is removed": (remove(""), "taken away or replaced"),
    "the database is replaced": (replace(""), "taken away or replaced"),
    "the folder is renamed": (move_folder, "taken away or replaced"),
}


@pytest.mark.parametrize(("do", "said"), CUT.values(), ids=CUT)
async def test_what_somebody_does_to_the_files_is_noticed_before_the_next_write(
    tmp_path: Path, do: Callable[[Path], None], said: str
) -> None:
    """Also by a write, without waiting for the next look at the files."""
    database = tmp_path / "folder" / "some.db"
    database.parent.mkdir()
    async with Store(database) as store:
        await told(store)
        await store.check_files()  # all of it stands in the database now
        do(database)
        with pytest.raises(FilesChanged, match=said):
            await tell(store, "chat", snapshot_id="s_later")


IDENTITY = {text: do for text, (do, said) in CUT.items() if said == "taken away or replaced"} | SAVED


@pytest.mark.parametrize("do", IDENTITY.values(), ids=IDENTITY)
async def test_a_file_that_is_taken_away_during_a_transaction_is_noticed_after_it(
    tmp_path: Path, do: Callable[[Path], None]
) -> None:
    """The state that the transaction leaves behind does not become the known one."""
    database = tmp_path / "folder" / "some.db"
    database.parent.mkdir()
    async with Store(database) as store:
        await told(store)
        await store._database.run(lambda _: do(database))
        with pytest.raises(FilesChanged, match="taken away or replaced"):
            await store.check_files()


async def test_an_older_copy_of_the_same_length_is_noticed(tmp_path: Path) -> None:
    """Its header may be the same; here one page differs, of a database of more than a megabyte."""
    database = tmp_path / "some.db"
    async with Store(database) as store:
        await told(store)
        pages = 2 * 1024 * 1024 // 4096
        await store._database.run(lambda connection: connection.execute(text(BIG), {"bytes": 4096 * pages}))
        await store.check_files()
        copy = database.read_bytes()
        await store._database.run(lambda connection: connection.execute(text("UPDATE snapshots SET status = 'x'")))
        await store.check_files()
        await store.check_files()
        assert database.stat().st_size == len(copy) > 1024 * 1024
        assert database.read_bytes()[:100] == copy[:100]
        database.write_bytes(copy)
        with pytest.raises(FilesChanged, match="overwritten"):
            await store.check_files()


BIG = "CREATE TABLE big AS SELECT zeroblob(:bytes) AS zeros"


HARM = {
    "the WAL is emptied": cut("-wal", 0),
    "the WAL is cut": cut("-wal", 10_000),
    "the WAL lacks its end": cut_last_bytes,
    "the WAL is another one": fill("-wal", os.urandom),
    "the WAL is zeros": fill("-wal", bytes),
    "the database is emptied": cut("", 0),
    "the database is cut": cut("", 8_192),
    "the database is overwritten": overwrite,
    "the database is zeros": fill("", bytes),
}


UNNOTICED = "the database is zeros"


"""Not to be told from another SQLite's work if a write begins the WAL anew in the same moment; docs/operations.md."""


DURING = [
    (name, place, moved)
    for name in HARM
    for place in ("before a write", "after a write", "no write")
    for moved in (True, False)
    if not (name == UNNOTICED and moved and place != "no write")
]


@pytest.mark.parametrize(("name", "place", "moved"), DURING)
async def test_harm_during_a_transaction_is_noticed_after_it_or_costs_nothing(
    tmp_path: Path, name: str, place: str, moved: bool
) -> None:
    """What the WAL held counts no more once it stands in the database: then the next write begins the WAL anew."""
    database, do = tmp_path / "some.db", HARM[name]

    def body(connection: Connection) -> None:
        if place == "before a write":
            do(database)
        if place != "no write":
            connection.execute(text("UPDATE snapshots SET status = 'x'"))
        if place != "before a write":
            do(database)

    noticed = False
    async with Store(database) as store:
        await told(store)
        await store.check_files()
        if not moved:
            for number in range(TOLD):
                await tell(store, "chat", snapshot_id=f"s_later_{number}")
        try:
            await store._database.run(body)
            await store.check_files()
        except StoreError:
            noticed = True
    if not noticed:
        assert "WAL" in name
        async with Store(database):
            assert len(rows(database)) == (TOLD if moved else 2 * TOLD)
        assert sql(database, "PRAGMA integrity_check") == [("ok",)]
        if place != "no write":
            assert {status for (status,) in sql(database, "SELECT status FROM snapshots")} == {"x"}


async def test_another_sqlite_that_writes_and_moves_all_the_time_ends_nobody(tmp_path: Path) -> None:
    """Whatever the moment at which the files are looked at."""
    database = tmp_path / "some.db"
    stop = threading.Event()

    def disturb() -> int:
        rounds = 0
        with closing(sqlite3.connect(database, timeout=60, isolation_level=None)) as connection:
            connection.execute("CREATE TABLE somebodys (id, x)")
            while not stop.wait(0.002):
                rounds += 1
                connection.execute("INSERT INTO somebodys VALUES (?, zeroblob(9000))", (rounds,))
                connection.execute(
                    f"PRAGMA wal_checkpoint({('PASSIVE', 'RESTART', 'TRUNCATE')[rounds % 3]})"
                ).fetchall()
                connection.execute("DELETE FROM somebodys WHERE id < ?", (rounds - 3,))
        return rounds

    async with Store(database) as store:
        await told(store)
        disturbing = asyncio.create_task(asyncio.to_thread(disturb))
        try:
            for number in range(400):
                await store.check_files()
                if number % 10 == 0:
                    with suppress(StoreUnready):  # the other one has it locked
                        await tell(store, "chat", snapshot_id=f"s_later_{number}")
        finally:
            stop.set()
        assert await disturbing > 3
        await store.check_files()


@pytest.mark.parametrize("to", [0, 10_000])
async def test_a_wal_that_is_cut_loses_nothing_that_was_moved_before(tmp_path: Path, to: int) -> None:
    database = tmp_path / "some.db"
    async with Store(database) as store:
        await told(store)
        await store.check_files()
        cut("-wal", to)(database)
        with pytest.raises(FilesChanged, match="it held nothing that the database does not"):
            await store.check_files()
    async with Store(database):
        assert len(rows(database)) == TOLD


KILLED = """
import asyncio, os, sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from support.outboxes import tell
from notifier.store.store import Store

async def main():
    database = Path(sys.argv[1])
    async with Store(database) as store:
        for number in range(5):
            await tell(store, "chat", snapshot_id=f"s_{number}")
        await store.check_files()
        os.unlink(f"{database}-wal")
        os._exit(9)

asyncio.run(main())
"""


async def test_who_is_killed_before_a_removed_wal_is_noticed_has_lost_nothing_of_before(tmp_path: Path) -> None:
    """What stands in the WAL is moved into the database every few seconds."""
    database = tmp_path / "some.db"
    command = [
        sys.executable,
        "-c",
        KILLED,
        str(database),
        str(Path(__file__).parents[1]),
        str(Path(__file__).parents[2]),
    ]
    done = await asyncio.to_thread(subprocess.run, command, check=False)
    assert done.returncode == 9
    async with Store(database):
        assert len(rows(database)) == TOLD


async def test_a_database_that_was_cut_to_nothing_or_taken_away_in_use_is_no_new_one(tmp_path: Path) -> None:
    database = tmp_path / "some.db"
    async with Store(database) as store:
        await told(store)
        cut("", 0)(database)
        with pytest.raises(FilesChanged):
            await store.check_files()
    for there in (True, False):
        if not there:
            database.unlink()
        with pytest.raises(StoreError, match="put a backup of it back, or remove its `-wal` and `-shm` too"):
            async with Store(database):
                pass
    for end in ("-wal", "-shm"):
        beside(database, end).unlink()
    async with Store(database):
        assert rows(database) == []


@pytest.mark.parametrize("do", [checkpoint, write, touch, forbid])
async def test_what_harms_nothing_ends_nobody(tmp_path: Path, do: Callable[[Path], None]) -> None:
    """Another program that uses SQLite, a change of times, of permissions: what is open stays so."""
    database = tmp_path / "some.db"
    async with Store(database) as store:
        await told(store)
        do(database)
        await store.check_files()
        await tell(store, "chat", snapshot_id="s_later")
        await store.check_files()
    database.chmod(0o600)
    assert len(rows(database)) == TOLD + 1


async def test_all_files_are_for_their_owner_only_and_the_folder_stays_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o755)
    before = folder.stat().st_mode
    mask = os.umask(0)
    try:
        async with Store(folder / "some.db") as store:
            await told(store)
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    finally:
        os.umask(mask)
    assert modes == dict.fromkeys(("some.db", "some.db-wal", "some.db-shm", "some.db.lock"), 0o600)
    assert folder.stat().st_mode == before


async def test_a_database_has_one_daemon_under_all_its_names(tmp_path: Path) -> None:
    """A hard link has a name, a folder and a `.lock` of its own, and is the same file."""
    database, link = tmp_path / "some.db", tmp_path / "elsewhere" / "other.db"
    link.parent.mkdir()
    async with Store(database):
        link.hardlink_to(database)
        with pytest.raises(StoreBusy, match=r"other\.db: another notifier is running on this very file, under another"):
            async with Store(link):
                pass
        done = await asyncio.to_thread(subprocess.run, _opening(link), capture_output=True, text=True, check=False)
        assert "StoreBusy" in done.stderr
    async with Store(link):
        pass


async def test_a_database_has_one_daemon_where_it_is_mounted_twice(tmp_path: Path) -> None:
    """A file that is mounted elsewhere, in a mount namespace of its own, as containers have it."""
    database, mounted = tmp_path / "some.db", tmp_path / "elsewhere" / "some.db"
    mounted.parent.mkdir()
    mounted.touch()
    script = 'mount --bind "$0" "$1" && shift && exec "$@"'
    async with Store(database):
        command = ["unshare", "-m", "sh", "-c", script, str(database), str(mounted), *_opening(mounted)]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
        if "unshare" in done.stderr or "mount:" in done.stderr:
            pytest.skip(f"not run: no mount namespace is to be had here: {done.stderr.strip()}")
        assert "StoreBusy" in done.stderr


def _opening(database: Path) -> list[str]:
    """A command that opens a database as a daemon does."""
    program = (
        "import asyncio, sys\nfrom pathlib import Path\nsys.path.insert(0, sys.argv[2])\n"
        "from notifier.store.store import Store\n"
        "async def main():\n    async with Store(Path(sys.argv[1])):\n        pass\nasyncio.run(main())"
    )
    return [sys.executable, "-c", program, str(database), str(Path(__file__).parents[2])]

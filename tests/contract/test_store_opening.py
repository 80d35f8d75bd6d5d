"""How a database is opened: by one daemon at a time, durably, at this program's version, or not at all and in words."""

import asyncio
import hashlib
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import OperationalError
from support.fakes import START, seen, watch

from notifier.core.delivery.batch import Batch
from notifier.core.delivery.routing import event_of
from notifier.core.errors import StoreBusy, StoreError, StoreTooNew
from notifier.core.snapshot.model import SnapshotState
from notifier.core.snapshot.transitions import step
from notifier.store.migrate import HEAD, SCRIPTS
from notifier.store.reader import Reader
from notifier.store.sqlite.engine import reader, writer
from notifier.store.store import Store
from notifier.store.tables import metadata

HOLD = """
import asyncio, sys
from pathlib import Path
from notifier.store.migrate import HEAD, SCRIPTS
from notifier.store.store import Store

async def hold() -> None:
    async with Store(Path(sys.argv[1])):
        print("held", flush=True)
        await asyncio.Event().wait()

asyncio.run(hold())
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "notifier.db"


async def make(database: Path) -> None:
    async with Store(database):
        pass


async def refusal(database: Path) -> StoreError:
    """Why the store cannot be opened."""
    with pytest.raises(StoreError) as caught:
        await make(database)
    return caught.value


@contextmanager
def held(database: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the database open."""
    command = [sys.executable, "-c", HOLD, str(database)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


DAMAGED = b"this is no database" * 100


def put(database: Path, data: bytes) -> None:
    database.write_bytes(data)


def content(database: Path) -> bytes:
    return database.read_bytes()


def files(folder: Path) -> dict[str, str]:
    return {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in folder.iterdir() if each.is_file()}


class TestWriter:
    async def test_a_commit_survives_a_power_cut_and_a_reference_must_hold(self, database: Path) -> None:
        engine = writer(database)
        with engine.begin() as connection:
            found = {
                pragma: connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one()
                for pragma in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            }
        engine.dispose()
        assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 2000}

    async def test_transactions_take_the_write_lock_at_once(self, database: Path) -> None:
        engine = writer(database)
        with engine.begin():
            with closing(sqlite3.connect(database, timeout=0, isolation_level=None)) as other:
                with pytest.raises(sqlite3.OperationalError, match="locked"):
                    other.execute("BEGIN IMMEDIATE")
        engine.dispose()

    @pytest.mark.parametrize("name", ["a b.db", "q?mode=ro.db", "a#b.db", "100%.db", "%20.db", "ünï.db", "-.db"])
    async def test_any_file_name_is_that_file(self, tmp_path: Path, name: str) -> None:
        await make(tmp_path / name)
        assert (tmp_path / name).is_file()
        assert Reader(tmp_path / name).snapshots(["s_1"]) == {}


class TestSchema:
    async def test_what_the_migrations_make_is_what_the_tables_say(self, database: Path) -> None:
        await make(database)
        engine = create_engine(f"sqlite:///{database}")
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": _differ})
            assert compare_metadata(context, metadata) == []
        engine.dispose()

    async def test_opening_again_changes_nothing(self, database: Path) -> None:
        await make(database)
        before = files(database.parent)
        await make(database)
        assert files(database.parent) == before

    async def test_a_migration_that_fails_leaves_nothing_behind(self, database: Path) -> None:
        with closing(sqlite3.connect(database)) as other:
            other.execute("CREATE TABLE attempts (strange INTEGER)")  # the last table that the migration makes
        error = await refusal(database)
        assert "table attempts already exists" in str(error)
        with closing(sqlite3.connect(database)) as other:
            tables = other.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        assert tables == [("attempts",)]

    async def test_a_database_of_a_later_version_is_refused_and_left_as_it_is(self, database: Path) -> None:
        await make(database)
        with closing(sqlite3.connect(database)) as other:
            other.execute("UPDATE alembic_version SET version_num = '9999'")
            other.commit()
        before = files(database.parent)
        error = await refusal(database)
        assert isinstance(error, StoreTooNew)
        assert str(error).startswith(f"{database}: written by a newer notifier (its schema is 9999")
        assert "install that version again" in str(error)
        assert files(database.parent) == before


def _differ(_context: Any, _inspected: Any, _metadata: Any, inspected_type: Any, metadata_type: Any) -> bool:
    """Whether the types differ on disk: a type of ours is kept as its `impl`."""
    dialect = sqlite.dialect()
    return str(inspected_type.compile(dialect)) != str(metadata_type.compile(dialect))


class TestOwnership:
    async def test_a_second_daemon_is_told_which_process_has_it(self, database: Path) -> None:
        with held(database) as other:
            error = await refusal(database)
        assert isinstance(error, StoreBusy)
        assert str(error).startswith(f"{database}: another notifier (process {other.pid}) is running on this database")
        assert "`state:`" in str(error)

    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
    async def test_it_is_free_again_however_the_process_ended(self, database: Path, number: signal.Signals) -> None:
        with held(database) as other:
            other.send_signal(number)
            other.wait()
        await make(database)

    async def test_in_one_process_it_is_held_until_the_end_of_the_block(self, database: Path) -> None:
        async with Store(database):
            assert isinstance(await refusal(database), StoreBusy)
        await make(database)

    async def test_a_store_that_could_not_be_opened_holds_nothing(self, database: Path) -> None:
        put(database, DAMAGED)
        await refusal(database)
        put(database, b"")
        await make(database)


class TestRefusals:
    """Every text says which file, what is wrong, and what to do; the cause is chained."""

    async def test_a_damaged_file(self, database: Path) -> None:
        put(database, DAMAGED)
        error = await refusal(database)
        assert str(error).startswith(f"{database}: the database failed: file is not a database; `state:` must name")
        assert content(database) == DAMAGED

    async def test_a_file_damaged_in_the_middle(self, database: Path) -> None:
        await make(database)
        whole = content(database)
        put(database, whole[:4096] + b"\xaa" * (len(whole) - 4096))
        error = await refusal(database)
        assert "malformed" in str(error)

    async def test_a_directory(self, tmp_path: Path) -> None:
        error = await refusal(tmp_path)
        assert str(error).startswith(
            f"{tmp_path}: the database failed: unable to open database file; `state:` must name"
        )

    async def test_a_folder_that_does_not_exist(self, tmp_path: Path) -> None:
        error = await refusal(tmp_path / "nowhere" / "notifier.db")
        assert "notifier.db.lock: cannot be made (No such file or directory)" in str(error)
        assert "set `state:`" in str(error)

    async def test_a_place_that_cannot_be_written(self) -> None:
        error = await refusal(Path("/proc/notifier.db"))
        assert "/proc/notifier.db.lock: cannot be made" in str(error)

    async def test_a_parent_that_is_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        error = await refusal(tmp_path / "file" / "notifier.db")
        assert "Not a directory" in str(error)


class TestReader:
    async def test_it_reads_while_the_daemon_writes(self, database: Path) -> None:
        async with Store(database) as store:
            assert Reader(database).snapshots(["s_1"]) == {}
            await _tell(store)
            reading = Reader(database)
            assert reading.snapshots(["s_1"])["s_1"].deliveries == {"pending": 1}

            def writing(_connection: Connection) -> list[str]:
                return [row.state for row in reading.deliveries()]

            assert await store._database.run(writing) == ["pending"]

    async def test_it_reads_when_no_daemon_runs(self, database: Path) -> None:
        async with Store(database) as store:
            await _tell(store)
        assert not database.with_name("notifier.db-wal").exists()
        assert [row.channel for row in Reader(database).deliveries()] == ["chat"]

    async def test_it_reads_after_the_daemon_was_killed(self, database: Path) -> None:
        with held(database) as other:
            other.kill()
            other.wait()
        assert Reader(database).snapshots(["s_1"]) == {}

    async def test_it_cannot_write(self, database: Path) -> None:
        await make(database)
        engine = reader(database)
        with engine.connect() as connection, pytest.raises(OperationalError, match="readonly"):
            connection.exec_driver_sql("DELETE FROM snapshots")
        engine.dispose()

    async def test_it_filters_and_limits(self, database: Path) -> None:
        async with Store(database) as store:
            await _tell(store, "s_1", "chat")
            await _tell(store, "s_2", "mail")
            await store.outbox.claim("mail", START, lambda waiting, muted: Batch(send=(waiting[0].delivery,)))
        reading = Reader(database)
        assert [row.channel for row in reading.deliveries()] == ["mail", "chat"]
        assert [row.channel for row in reading.deliveries(limit=1)] == ["mail"]
        assert [row.channel for row in reading.deliveries(states=("pending", "dead"))] == ["chat"]
        assert [row.channel for row in reading.deliveries(channel="mail")] == ["mail"]
        assert reading.deliveries(since=START.replace(year=2027)) == []
        assert reading.delivery(99) is None

    def test_no_database_is_said_in_words(self, database: Path) -> None:
        with pytest.raises(StoreError, match="there is no database yet; `notifier run` makes it"):
            Reader(database)
        assert not database.exists()

    @pytest.mark.parametrize("found", [DAMAGED, b""])
    def test_a_file_that_is_not_the_notifiers_is_said_in_words(self, database: Path, found: bytes) -> None:
        put(database, found)
        with pytest.raises(StoreError, match=r"notifier\.db: cannot be read: ") as caught:
            Reader(database).snapshots(["s_1"])
        assert "sqlalche" not in str(caught.value)


async def _tell(store: Store, snapshot_id: str = "s_1", channel: str = "chat") -> None:
    before = SnapshotState(snapshot_id=snapshot_id)
    after, (told,) = step(before, seen("ready"), START, timedelta(seconds=30))
    event = event_of(told, watch(snapshot_id))
    assert await store.commit(watch=watch(snapshot_id), before=before, after=after, events=[(event, [channel])])


async def test_the_process_ends_when_its_store_was_used_and_closed(database: Path) -> None:
    """The database's thread is not a daemon thread: left running it would hold up the exit for ever."""
    program = HOLD.replace("await asyncio.Event().wait()", "pass")
    ended = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", program, str(database)], timeout=20, capture_output=True, check=True
    )
    assert ended.stdout == b"held\n"
    assert ended.stderr == b""


def test_the_head_that_the_program_knows_is_the_newest_script() -> None:
    assert ScriptDirectory(SCRIPTS).get_current_head() == HEAD

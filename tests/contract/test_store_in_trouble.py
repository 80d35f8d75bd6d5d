"""A database that cannot be used for a while: what is to be written waits, none of it is lost, and none is done twice.

The disk is a real one of eight megabytes where this machine lets us mount one; elsewhere SQLite is told to count pages.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path

import pytest
from support import disks
from support.database_troubles import no_more_pages, pages_again, pragma, read_only
from support.disks import fill
from support.fakes import START, seen, watch
from support.outboxes import blank, rows, settled, sql, take, tell
from support.waiting import until

from notifier.core.delivery.routing import event_of
from notifier.core.errors import StoreError, StoreUnready
from notifier.core.health.store import StoreNews, StoreTrouble
from notifier.core.snapshot.transitions import step
from notifier.store import write_retries as patience_module
from notifier.store.sqlite.errors import trouble_of
from notifier.store.store import PollRecord, Store
from notifier.store.write_retries import StoreRetry, at_once

MUCH = "x" * 9_000
"""More than the free room of any page: what has it needs pages of its own, also where it is committed alone."""


class News:
    """What was told, and a way to wait for it."""

    def __init__(self) -> None:
        self.told: list[StoreNews] = []
        self._changed = asyncio.Event()

    def __call__(self, news: StoreNews) -> None:
        self.told.append(news)
        self._changed.set()

    async def until(self, number: int) -> None:
        async with asyncio.timeout(60):
            while len(self.told) < number:
                self._changed.clear()
                await self._changed.wait()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience_module, "PAUSES", (0.02,))
    monkeypatch.setattr(patience_module, "CALM", timedelta(milliseconds=50))


@pytest.fixture
def news() -> News:
    return News()


@pytest.fixture
async def patient(database: Path, news: News) -> AsyncIterator[Store]:
    """A store that waits, as the daemon's does."""
    async with Store(database, StoreRetry(news)) as opened:
        opened.retries.enable()
        yield opened
        opened.retries.disable()


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk that can be filled."""
    with disks.small_disk() as folder:
        yield folder


async def commit(store: Store, snapshot_id: str) -> bool:
    before = blank(snapshot_id)
    after, (changed,) = step(before, seen("ready", error_message=MUCH), START, timedelta(0))
    event = event_of(changed, watch(snapshot_id))
    return await store.commit(watch=watch(snapshot_id), before=before, after=after, events=[(event, ["chat"])])


def look(snapshot_id: str) -> PollRecord:
    return PollRecord(
        snapshot_id=snapshot_id,
        polled_at=START,
        answer="running",
        next_poll_at=None,
        seen_at=None,
        not_found=0,
        not_found_since=None,
    )


async def waiting(store: Store, number: int) -> None:
    await until(lambda: store.retries.waiting >= number)


class TestFull:
    async def test_what_is_written_on_a_full_disk_is_there_once_when_there_is_room(
        self, small_disk: Path, news: News
    ) -> None:
        """A send that was recorded in the meantime too: else it would be made again."""
        database = small_disk / "notifier.db"
        async with Store(database, StoreRetry(news)) as store:
            store.retries.enable()
            await tell(store, "chat", snapshot_id="s_sent")
            sent = (await take(store)).send
            ballast = fill(small_disk)
            writes = [asyncio.create_task(commit(store, f"s_{number}")) for number in range(100)]
            await waiting(store, 1)
            writes.append(asyncio.create_task(settled(store, sent)))
            writes.append(asyncio.create_task(_note(store, [look("s_sent")])))
            await waiting(store, 102)
            assert [each.trouble for each in news.told] == [StoreTrouble.FULL]
            assert await store.states(["s_1"]) is not None, "what only reads goes on"

            ballast.unlink()
            assert all(await asyncio.gather(*writes))
            await news.until(2)

            assert [(each.trouble, each.over) for each in news.told] == [
                (StoreTrouble.FULL, False),
                (StoreTrouble.FULL, True),
            ]
            assert news.told[1].lasted is not None
            assert f"{database}: there is no room on its disk" in news.told[0].detail
        assert sql(database, "SELECT count(*), count(DISTINCT snapshot_id) FROM events") == [(101, 101)]
        assert sql(database, "SELECT state, count(*) FROM deliveries GROUP BY state ORDER BY state") == [
            ("delivered", 1),
            ("pending", 100),
        ]
        assert sql(database, "SELECT count(*) FROM attempts") == [(1,)]
        assert sql(database, "PRAGMA integrity_check") == [("ok",)]

    async def test_a_database_that_may_not_grow_waits_and_who_reads_does_not(
        self, patient: Store, news: News, database: Path
    ) -> None:
        await no_more_pages(patient)
        writes = [asyncio.create_task(commit(patient, f"s_{number}")) for number in range(50)]
        await waiting(patient, 50)
        assert await patient.states(["s_1"]) == {}
        trouble = patient.retries.trouble
        assert trouble is not None
        assert trouble.trouble is StoreTrouble.FULL
        await pages_again(patient)
        assert all(await asyncio.gather(*writes))
        await news.until(2)
        assert patient.retries.trouble is None
        assert sql(database, "SELECT count(*) FROM events") == [(50,)]

    async def test_the_disk_is_full_already_at_the_start(self, small_disk: Path) -> None:
        """Refused with the way out: nobody is polled for yet."""
        fill(small_disk)
        with pytest.raises(StoreUnready, match="there is no room on its disk"):
            async with Store(small_disk / "notifier.db", StoreRetry()):
                pass

    async def test_who_is_cancelled_does_not_wait_and_nothing_of_it_has_happened(
        self, patient: Store, database: Path
    ) -> None:
        await no_more_pages(patient)
        writes = [asyncio.create_task(commit(patient, f"s_{number}")) for number in range(30)]
        await waiting(patient, 30)
        for write in writes:
            write.cancel()
        ended = await asyncio.gather(*writes, return_exceptions=True)
        assert {type(each) for each in ended} == {asyncio.CancelledError}
        assert patient.retries.waiting == 0
        assert sql(database, "SELECT count(*) FROM events") == [(0,)]

    async def test_at_the_end_of_patience_all_that_wait_are_told(self, patient: Store) -> None:
        await no_more_pages(patient)
        writes = [asyncio.create_task(commit(patient, f"s_{number}")) for number in range(30)]
        await waiting(patient, 30)
        patient.retries.disable()
        ended = await asyncio.gather(*writes, return_exceptions=True)
        assert {type(each) for each in ended} == {StoreUnready}
        with pytest.raises(StoreUnready):
            await commit(patient, "s_more")

    async def test_a_store_that_does_not_wait_says_it_at_once(self, store: Store) -> None:
        await no_more_pages(store)
        with pytest.raises(StoreUnready, match=r"no room on its disk .*; make some"):
            await asyncio.gather(*(commit(store, f"s_{number}") for number in range(30)))

    async def test_what_comes_and_goes_is_told_less_and_less(
        self, patient: Store, news: News, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each end has to last twice as long as the one before until it is believed."""
        monkeypatch.setattr(patience_module, "CALM", timedelta(milliseconds=1))
        for round_ in range(3):
            await no_more_pages(patient)
            writes = [asyncio.create_task(commit(patient, f"s_{round_}_{number}")) for number in range(30)]
            await waiting(patient, 30)
            await pages_again(patient)
            await asyncio.gather(*writes)
            await news.until(2 * round_ + 2)
        assert patient.retries._calm == timedelta(milliseconds=4)


async def _note(store: Store, polls: list[PollRecord]) -> bool:
    await store.note_polls(polls)
    return True


@asynccontextmanager
async def locked(store: Store, database: Path) -> AsyncIterator[None]:
    """Another program keeps the store's database locked."""
    await pragma(store, "busy_timeout=1")
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


class TestLocked:
    async def test_a_database_that_another_program_locks_is_waited_for(
        self, patient: Store, news: News, database: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(patience_module.REPORTED_AFTER, StoreTrouble.LOCKED, timedelta(0))
        async with locked(patient, database):
            write = asyncio.create_task(commit(patient, "s_1"))
            await waiting(patient, 1)
        assert await write
        await news.until(2)
        assert [(each.trouble, each.over) for each in news.told] == [
            (StoreTrouble.LOCKED, False),
            (StoreTrouble.LOCKED, True),
        ]
        assert "another program keeps it locked" in news.told[0].detail
        assert [row.state for row in rows(database)] == ["pending"]

    async def test_a_question_that_is_of_use_only_now_is_not_waited_for(self, patient: Store, database: Path) -> None:
        """Whether or not it is known already that the database is locked."""
        async with locked(patient, database):
            with pytest.raises(StoreUnready, match="another program keeps it locked"), at_once():
                await patient.outbox.oldest_open()
            write = asyncio.create_task(commit(patient, "s_1"))
            await waiting(patient, 1)
            with pytest.raises(StoreUnready, match="another program keeps it locked"), at_once():
                await patient.outbox.oldest_open()
        assert await write
        await until(lambda: patient.retries.trouble is None)
        with at_once():
            assert await patient.outbox.oldest_open() is not None

    async def test_a_trouble_whose_only_sufferer_has_gone_is_over_once_something_is_written(
        self, patient: Store, news: News, database: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Somebody who was muting a watch, say, and did not wait, while nothing else was to be written."""
        monkeypatch.setitem(patience_module.REPORTED_AFTER, StoreTrouble.LOCKED, timedelta(0))
        async with locked(patient, database):
            write = asyncio.create_task(commit(patient, "s_1"))
            await waiting(patient, 1)
            write.cancel()
            await asyncio.wait({write})
        assert await commit(patient, "s_2")
        await news.until(2)
        assert [each.over for each in news.told] == [False, True]
        assert patient.retries.trouble is None

    async def test_a_lock_of_a_moment_is_no_news(self, patient: Store, news: News, database: Path) -> None:
        async with locked(patient, database):
            write = asyncio.create_task(commit(patient, "s_1"))
            await waiting(patient, 1)
        assert await write
        await until(lambda: patient.retries.trouble is None)
        assert news.told == []


class TestFailing:
    async def test_a_database_that_became_read_only_is_waited_for(self, patient: Store, news: News) -> None:
        async with read_only(patient):
            write = asyncio.create_task(commit(patient, "s_1"))
            await waiting(patient, 1)
            assert [each.trouble for each in news.told] == [StoreTrouble.FAILING]
        assert await write

    async def test_a_database_that_is_damaged_while_it_runs_is_not_waited_for(
        self, patient: Store, database: Path
    ) -> None:
        await tell(patient, "chat")
        await patient.last_poll()
        with closing(sqlite3.connect(database)) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        _damage(database)
        await pragma(patient, "shrink_memory")  # what was read of it
        with pytest.raises(StoreError, match=r"the database failed: .*malformed.*; put a backup of it back") as caught:
            await patient.states(["s_1"])
        assert not isinstance(caught.value, StoreUnready)


def _damage(database: Path) -> None:
    size = database.stat().st_size
    with database.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xaa" * (size - 4096))


def test_where_sqlite_knows_only_of_an_error_of_io_the_disk_is_asked_whether_it_is_full(small_disk: Path) -> None:
    """So it is with a quota, and with the shared memory beside the database."""
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE
    database = small_disk / "notifier.db"
    assert trouble_of(database, error) is StoreTrouble.FAILING
    fill(small_disk)
    assert trouble_of(database, error) is StoreTrouble.FULL

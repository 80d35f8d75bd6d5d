"""Writes that share a transaction are each by itself: none is lost by another, and one that failed fails alone."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar, cast

import pytest
from sqlalchemy import Connection
from support.fakes import START, seen, watch
from support.outboxes import blank, settled, sql, take, tell

from notifier.core.delivery.channel_policy import ChannelPolicy
from notifier.core.delivery.routing import event_of
from notifier.core.errors import StoreError
from notifier.core.snapshot.model import SnapshotState
from notifier.core.snapshot.transitions import step
from notifier.store.database import Database
from notifier.store.group_commit import GroupCommit
from notifier.store.sqlite.errors import Unwritable
from notifier.store.store import Store
from notifier.store.write_retries import StoreRetry

T = TypeVar("T")

APART = ChannelPolicy(merges=False)


@pytest.fixture
def transactions(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by one with each transaction."""
    begun: list[str] = []
    run = Database.run

    async def counted(self: Database, body: Callable[[Connection], object]) -> object:
        begun.append("")
        return await run(self, body)

    monkeypatch.setattr(Database, "run", counted)
    return begun


class NoDatabase(Database):
    """Transactions of nothing."""

    async def run(self, body: Callable[[Connection], T]) -> T:
        """Run it a turn of the loop later."""
        await asyncio.sleep(0)
        return body(cast(Connection, None))


def commit(store: Store, before: SnapshotState, status: str = "ready", event_id: str = "") -> Awaitable[bool]:
    after, (changed,) = step(before, seen(status), START, timedelta(0))
    event = event_of(changed, watch(before.snapshot_id))
    event = replace(event, id=event_id or event.id)
    return store.commit(watch=watch(before.snapshot_id), before=before, after=after, events=[(event, ["chat", "mail"])])


async def test_commits_that_come_together_are_few_transactions(store: Store, transactions: list[str]) -> None:
    assert all(await asyncio.gather(*(commit(store, blank(f"s_{number}")) for number in range(100))))
    assert len(transactions) <= 3
    assert await store.outbox.open_deliveries() == {"chat": 100, "mail": 100}


async def test_what_a_commit_wrote_is_there_when_it_returns(store: Store, database: Path) -> None:
    async def one(number: int) -> None:
        assert await commit(store, blank(f"s_{number}"))
        assert sql(database, "SELECT count(*) FROM events WHERE snapshot_id = ?", f"s_{number}") == [(1,)]

    await asyncio.gather(*(one(number) for number in range(20)))


async def test_one_that_was_told_already_is_refused_alone(store: Store, database: Path) -> None:
    await tell(store, "chat", snapshot_id="s_7")
    done = await asyncio.gather(*(commit(store, blank(f"s_{number}")) for number in range(10)))
    assert [number for number, written in enumerate(done) if not written] == [7]
    assert sql(database, "SELECT count(DISTINCT snapshot_id), count(*) FROM events") == [(10, 10)]


async def test_one_that_breaks_a_rule_of_the_database_fails_alone(store: Store, database: Path) -> None:
    """The database is well, so it is no StoreError, which would end the daemon."""
    taken = (await tell(store, "chat", snapshot_id="s_0")).id
    done = await asyncio.gather(
        *(commit(store, blank(f"s_{number}"), event_id=taken if number == 5 else "") for number in range(1, 10)),
        return_exceptions=True,
    )
    assert [number for number, result in enumerate(done, 1) if isinstance(result, Unwritable)] == [5]
    assert sum(result is True for result in done) == 8
    assert sql(database, "SELECT count(*) FROM snapshots WHERE snapshot_id = 's_5'") == [(0,)]


async def test_two_of_one_snapshot_are_told_once(store: Store, database: Path) -> None:
    done = await asyncio.gather(*(commit(store, blank(), status) for status in ("running", "ready", "failed")))
    assert sorted(done) == [False, False, True]
    state = await store.state("s_1")
    done = await asyncio.gather(*(commit(store, state, "canceled") for _ in range(3)))
    assert sorted(done) == [False, False, True]
    assert sql(database, "SELECT count(*) FROM events") == [(2,)]


async def test_settlements_that_come_together_are_few_transactions_and_each_by_itself(
    store: Store, database: Path, transactions: list[str]
) -> None:
    channels = [f"channel-{number}" for number in range(20)]
    await tell(store, *channels)
    taken = [(await take(store, channel, policy=APART)).send for channel in channels]
    sql(database, "UPDATE deliveries SET state = 'dead' WHERE channel = 'channel-3'")
    transactions.clear()
    done = await asyncio.gather(*(settled(store, each) for each in taken[4:]))
    assert all(done)
    assert len(transactions) <= 2
    assert await asyncio.gather(*(settled(store, each) for each in taken[:4])) == [True, True, True, False]


async def test_a_closed_store_says_so_to_each(database: Path) -> None:
    async with Store(database) as store:
        pass
    done = await asyncio.gather(*(commit(store, blank(f"s_{number}")) for number in range(3)), return_exceptions=True)
    assert all(isinstance(each, StoreError) for each in done)


async def test_those_that_were_made_together_are_told_together() -> None:
    together: GroupCommit[int] = GroupCommit(NoDatabase(Path("none"), StoreRetry()), lambda connection, numbers: True)
    writes = [asyncio.create_task(together.write(number)) for number in range(400)]
    turns = 0
    while not all(task.done() for task in writes):
        await asyncio.sleep(0)
        turns += 1
    assert all(task.result() for task in writes)
    assert turns < 20


@pytest.mark.parametrize("alone", [False, True])
async def test_what_ends_the_one_that_writes_for_others_ends_them_too_instead_of_leaving_them_to_wait(
    alone: bool,
) -> None:
    class Ended(BaseException):
        pass

    def write(connection: Connection, numbers: Sequence[int]) -> bool:
        if alone and len(numbers) > 1:
            return False
        raise Ended

    together = GroupCommit(NoDatabase(Path("none"), StoreRetry()), write)
    async with asyncio.timeout(60):
        came = await asyncio.gather(*(together.write(number) for number in range(5)), return_exceptions=True)
    assert [type(each) for each in came] == [Ended] * 5

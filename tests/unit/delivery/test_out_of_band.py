"""Of a database that cannot be written the operators are told past the outbox, each channel once, and of its end."""

import asyncio
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.fakes import DELIVERED, DOWN, REFUSED, START, Clock
from support.outboxes import sql

from notifier.core.delivery.model import Notice, Outcome, OutcomeKind
from notifier.core.errors import StoreError
from notifier.core.health.store import StoreNews, StoreTrouble
from notifier.delivery import out_of_band as module
from notifier.delivery.operator_notices import OperatorNotices
from notifier.delivery.out_of_band import OutOfBandNotices
from notifier.store.store import Store

FULL = StoreNews(trouble=StoreTrouble.FULL, at=START, detail="notifier.db: there is no room")
OVER = StoreNews(trouble=StoreTrouble.FULL, at=START, detail="", over=True, lasted=timedelta(minutes=2))
UNCERTAIN = Outcome(kind=OutcomeKind.UNCERTAIN, reason="read_timeout")


class Bench:
    """An out_of_band over a real store, whose channels answer from a script each; the last answer is repeated."""

    def __init__(self, store: Store, **answers: list[Outcome]) -> None:
        self.answers = answers
        self.sent: list[tuple[str, str]] = []
        self.woken: list[str] = []
        self.errands: list[tuple[Any, ...]] = []
        self.clock = Clock()
        self.operators = OperatorNotices(
            channels=list(answers),
            outbox=store.outbox,
            conditions=store.conditions,
            clock=self.clock,
            committed=self._woken,
        )
        self.out_of_band = OutOfBandNotices(
            operators=self.operators, send=self._send, later=lambda *errand: self.errands.append(errand)
        )

    def _woken(self, channels: Collection[str]) -> None:
        self.woken += channels

    async def _send(self, channel: str, notice: Notice) -> Outcome:
        self.sent.append((channel, notice.title))
        script = self.answers[channel]
        return script.pop(0) if len(script) > 1 else script[0]

    async def over(self) -> None:
        """The trouble is over, and what that brings up is done."""
        self.clock.pass_(minutes=2)
        self.out_of_band.store_changed(OVER)
        for errand, *arguments in self.errands:
            await errand(*arguments)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSES", (0.001,))


async def turns() -> None:
    """Let all tasks that can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0.001)


def committed(database: Path) -> list[tuple[str, str]]:
    """What stands in the outbox, by channel."""
    return sql(
        database,
        "SELECT channel, title FROM deliveries JOIN notices ON notices.id = notice_id ORDER BY deliveries.id",
    )


async def test_whoever_was_told_directly_is_told_of_the_end_alone(store: Store, database: Path) -> None:
    bench = Bench(store, mail=[DOWN, DOWN, DELIVERED], chat=[DELIVERED])
    bench.out_of_band.store_changed(FULL)
    await turns()
    assert sorted(bench.sent) == [("chat", "the disk of the database is full")] + 3 * [
        ("mail", "the disk of the database is full")
    ]
    await bench.over()
    assert committed(database) == [
        ("mail", "the database can be written again"),
        ("chat", "the database can be written again"),
    ]


async def test_whoever_could_not_be_told_directly_is_told_both_through_the_outbox(store: Store, database: Path) -> None:
    bench = Bench(store, mail=[DOWN], chat=[REFUSED])
    bench.out_of_band.store_changed(FULL)
    await turns()
    await bench.over()
    assert [title for channel, title in committed(database) if channel == "mail"] == [
        "the disk of the database is full",
        "the database can be written again",
    ]
    assert {channel for channel, _ in committed(database)} == {"mail", "chat"}


async def test_who_may_have_been_told_is_not_told_again(store: Store) -> None:
    bench = Bench(store, mail=[UNCERTAIN])
    bench.out_of_band.store_changed(FULL)
    await turns()
    assert len(bench.sent) == 1
    await bench.out_of_band.aclose()


async def test_the_last_words_are_said_once_however_often_the_daemon_is_started_again(store: Store) -> None:
    bench = Bench(store, mail=[DELIVERED])
    for _ in range(3):
        await bench.out_of_band.announce_end(StoreError("notifier.db: a row is damaged"))
        bench.clock.pass_(seconds=5)
    assert [title for _, title in bench.sent] == ["the notifier has ended: its database cannot be used"]


async def test_the_last_words_wait_for_no_channel_that_hangs(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "END_TIMEOUT", 0.01)
    bench = Bench(store, mail=[DELIVERED])

    async def hang(channel: str, notice: Notice) -> Outcome:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(bench.out_of_band, "_send", hang)
    async with asyncio.timeout(30):
        await bench.out_of_band.announce_end(StoreError("gone"))


async def test_a_database_that_ended_the_last_daemon_is_told_as_well_again_once(store: Store, database: Path) -> None:
    bench = Bench(store, mail=[DELIVERED])
    await bench.operators.store_works()
    assert committed(database) == []
    await bench.out_of_band.announce_end(StoreError("gone"))
    bench.clock.pass_(minutes=1)
    for _ in range(2):
        await bench.operators.store_works()
    assert committed(database) == [("mail", "the database can be written again")]

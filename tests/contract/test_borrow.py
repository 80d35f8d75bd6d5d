"""One gate for the daemon and for commands, over a real socket."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from notifier.borrow import MOST_AT_ONCE, Borrower, lend
from notifier.brightdata.limiter import Limiter
from notifier.control import BORROW, Answers, connected, listening
from notifier.core.apihealth import ApiKind
from notifier.core.model import Reason
from notifier.store.store import Store


def limiter(rate: float = 1_000.0) -> Limiter:
    return Limiter(requests_per_second=rate, clock=time.monotonic)


@asynccontextmanager
async def lending(database: Path, store: Store, gate: Limiter) -> AsyncIterator[None]:
    async with listening(database, store, Answers(lend=partial(lend, gate))):
        yield


@asynccontextmanager
async def borrowing(
    database: Path, own: Limiter, held: Callable[[timedelta], None] = lambda _: None
) -> AsyncIterator[Borrower]:
    connection = await connected(database)
    assert connection is not None
    connection[1].write(BORROW)
    borrower = Borrower(*connection, own, held=held)
    try:
        yield borrower
    finally:
        await borrower.aclose()


async def until(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not met():  # noqa: ASYNC110 - a limiter has no event for its figures
            await asyncio.sleep(0.005)


async def test_a_command_takes_its_turn_of_the_daemon_and_gives_it_back(store: Store, database: Path) -> None:
    gate, own = limiter(), limiter()
    async with lending(database, store, gate), borrowing(database, own) as borrower:
        with await borrower.admit():
            assert (gate.in_flight, own.in_flight) == (1, 0)
        await until(lambda: gate.in_flight == 0)


async def test_what_a_command_is_told_by_the_api_holds_the_daemon_up_too(store: Store, database: Path) -> None:
    gate, own = limiter(), limiter()
    async with lending(database, store, gate), borrowing(database, own) as borrower:
        with await borrower.admit():
            borrower.rate_limited(timedelta(seconds=100))
            borrower.judged(Reason.RATE_LIMITED, "HTTP 429")
        await until(lambda: gate.recent_refusals == 1)
        assert gate.held_for > timedelta(seconds=90)


async def test_a_command_waits_while_the_daemon_is_held_up_and_is_told_why(store: Store, database: Path) -> None:
    gate, said = limiter(), list[timedelta]()
    gate.rate_limited(timedelta(seconds=100))
    async with lending(database, store, gate), borrowing(database, limiter(), said.append) as borrower:
        waiting = asyncio.create_task(borrower.admit())
        await until(lambda: len(said) == 1)
        assert said[0] > timedelta(seconds=90)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert gate.in_flight == 0


async def test_a_command_asks_by_itself_while_the_daemon_tries_a_refused_token_slowly(
    store: Store, database: Path
) -> None:
    gate, own = limiter(), limiter()
    for _ in range(3):
        gate.judged(Reason.UNAUTHORISED, "HTTP 401")
    assert gate.api.kind is ApiKind.UNAUTHORISED
    async with lending(database, store, gate), borrowing(database, own) as borrower:
        with await borrower.admit():
            assert (gate.in_flight, own.in_flight) == (0, 1)


async def test_the_turns_of_a_command_that_dies_are_released(store: Store, database: Path) -> None:
    gate = limiter()
    async with lending(database, store, gate):
        connection = await connected(database)
        assert connection is not None
        reader, writer = connection
        writer.write(BORROW + b'["admit", 1]\n["admit", 2]\n')
        assert [json.loads(await reader.readline()) for _ in range(2)] == [["granted", 1], ["granted", 2]]
        assert gate.in_flight == 2
        writer.transport.abort()
        await until(lambda: gate.in_flight == 0)


async def test_when_the_daemon_ends_a_command_goes_on_by_itself(store: Store, database: Path) -> None:
    gate, own = limiter(), limiter()
    gate.rate_limited(timedelta(seconds=100))
    async with asyncio.timeout(60):
        async with lending(database, store, gate):
            connection = await connected(database)
            assert connection is not None
            connection[1].write(BORROW)
            borrower = Borrower(*connection, own)
            waiting = asyncio.create_task(borrower.admit())
            await asyncio.sleep(0)
        (await waiting).release()
        with await borrower.admit():
            assert own.in_flight == 1
        await borrower.aclose()


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense\n",
        b'["admit", "x"]\n',
        b'["judged", "no such reason", ""]\n',
        b"{}\n",
        b"[" * 3_000 + b"\n",
        b"".join(b'["admit", %d]\n' % number for number in range(MOST_AT_ONCE + 1)),
    ],
)
async def test_who_says_something_senseless_gets_no_more_and_keeps_nothing(
    store: Store, database: Path, line: bytes
) -> None:
    gate = limiter()
    async with lending(database, store, gate):
        connection = await connected(database)
        assert connection is not None
        reader, writer = connection
        writer.write(BORROW + line)
        async with asyncio.timeout(60):
            await reader.read()  # to its end: the daemon hangs up
        await until(lambda: gate.in_flight == 0)
        writer.close()

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
from support.waiting import until

from notifier.brightdata.http.tokens import Identity
from notifier.brightdata.limits.limiter import Limiter
from notifier.brightdata.limits.rate_limit_breaker import SAFE_IN_FLIGHT
from notifier.control import limiter_lease
from notifier.control.client import connected
from notifier.control.handler import DaemonActions
from notifier.control.limiter_lease import MOST_AT_ONCE, LeasedLimiter, lend
from notifier.control.protocol import LEASE
from notifier.control.server import listening
from notifier.core.health import api as apihealth
from notifier.core.health.api import ApiKind
from notifier.core.snapshot.model import Reason
from notifier.store.store import Store

OURS = Identity(base_url="https://api.example.com", token="canary-token-ours")
ANOTHER_TOKEN = Identity(base_url=OURS.base_url, token="canary-token-theirs")
ANOTHER_ADDRESS = Identity(base_url="http://127.0.0.1:8080", token=OURS.token)


def limiter(rate: float = 1_000.0) -> Limiter:
    return Limiter(requests_per_second=rate, clock=time.monotonic)


@asynccontextmanager
async def lending(database: Path, store: Store, gate: Limiter) -> AsyncIterator[None]:
    async with listening(database, store, DaemonActions(lend=partial(lend, gate, lambda: OURS))):
        yield


@asynccontextmanager
async def borrowing(
    database: Path, own: Limiter, held: Callable[[timedelta], None] = lambda _: None, *, identity: Identity = OURS
) -> AsyncIterator[LeasedLimiter]:
    connection = await connected(database)
    assert connection is not None
    connection[1].write(LEASE)
    borrower = LeasedLimiter(*connection, own, identity=lambda: identity, held=held)
    try:
        yield borrower
    finally:
        await borrower.aclose()


async def test_a_command_takes_its_turn_of_the_daemon_and_gives_it_back(store: Store, database: Path) -> None:
    gate, own = limiter(), limiter()
    async with lending(database, store, gate), borrowing(database, own) as borrower:
        with await borrower.admit():
            assert (gate.in_flight, own.in_flight) == (1, 0)
        await until(lambda: gate.in_flight == 0)


async def test_a_refusal_of_a_commands_request_holds_the_daemon_too(store: Store, database: Path) -> None:
    gate, own = limiter(), limiter()
    async with lending(database, store, gate), borrowing(database, own) as borrower:
        with await borrower.admit():
            borrower.rate_limited(timedelta(seconds=100))
            borrower.judged(Reason.RATE_LIMITED, "HTTP 429")
        await until(lambda: gate.recent_refusals == 1)
        assert gate.held_for > timedelta(seconds=90)


async def test_a_command_waits_while_the_daemon_is_held_and_says_why(store: Store, database: Path) -> None:
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


async def test_a_command_that_waits_when_the_trouble_begins_asks_by_itself_and_leaves_the_probe_to_the_daemon(
    store: Store, database: Path
) -> None:
    gate, own = limiter(), limiter()
    async with lending(database, store, gate), borrowing(database, own) as borrower:
        in_flight = [await gate.admit() for _ in range(SAFE_IN_FLIGHT)]
        waiting = asyncio.create_task(borrower.admit())
        await until(lambda: gate._turn.locked())
        for _ in range(3):
            gate.judged(Reason.UNAUTHORISED, "HTTP 401")
        for permit in in_flight:
            permit.release()
        gate.try_at_once()
        (await waiting).release()
        assert (gate.in_flight, gate.wants_probe) == (0, True)


async def outcome(borrower: LeasedLimiter, reason: Reason | None) -> None:
    """One request of a command with this outcome."""
    with await borrower.admit():
        borrower.answered()
        borrower.judged(reason, "as it was")


@pytest.mark.parametrize("identity", [OURS, ANOTHER_TOKEN, ANOTHER_ADDRESS], ids=["ours", "token", "address"])
@pytest.mark.parametrize("reason", [each for each in Reason if each is not Reason.RATE_LIMITED])
async def test_nothing_bad_that_a_command_meets_judges_the_daemon(
    store: Store, database: Path, identity: Identity, reason: Reason, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its token, its proxy, its rights and its network are its own."""
    monkeypatch.setattr(apihealth, "DOWN_FOR", 0.0)
    gate, own = limiter(), limiter()
    async with lending(database, store, gate), borrowing(database, own, identity=identity) as borrower:
        for _ in range(2 * (apihealth.DOWN_AFTER + apihealth.LOCKED_AFTER)):
            own.try_at_once()
            await outcome(borrower, reason)
        await until(lambda: gate.in_flight == 0)
    assert gate.api.kind is ApiKind.OK


@pytest.mark.parametrize("identity", [OURS, ANOTHER_TOKEN, ANOTHER_ADDRESS], ids=["ours", "token", "address"])
async def test_a_good_answer_to_the_same_token_at_the_same_address_heals_the_daemon(
    store: Store, database: Path, identity: Identity
) -> None:
    gate, own = limiter(), limiter()
    async with lending(database, store, gate), borrowing(database, own, identity=identity) as borrower:
        await outcome(borrower, None)
        for _ in range(3):
            gate.judged(Reason.UNAUTHORISED, "HTTP 401")
        await outcome(borrower, None)
        if identity == OURS:
            await until(lambda: gate.api.kind is ApiKind.OK)
    assert gate.api.kind is (ApiKind.OK if identity == OURS else ApiKind.UNAUTHORISED)


async def test_a_command_that_asks_another_address_uses_its_own_limiter(store: Store, database: Path) -> None:
    gate, own = limiter(), limiter()
    async with lending(database, store, gate), borrowing(database, own, identity=ANOTHER_ADDRESS) as borrower:
        with await borrower.admit():
            assert own.in_flight == 1
            await until(lambda: gate.in_flight == 0)
            borrower.rate_limited(timedelta(seconds=100))
    assert not gate.recent_refusals


async def test_the_tokens_fingerprint_does_not_reveal_the_token(store: Store, database: Path) -> None:
    """Nor is it the same for the next command."""
    async with lending(database, store, limiter()):
        said = []
        for _ in range(2):
            connection = await connected(database)
            assert connection is not None
            connection[1].write(LEASE)
            said.append(await connection[0].readline())
            connection[1].close()
    assert said[0] != said[1]
    assert all(secret not in each for each in said for secret in (b"canary", b"example"))


async def test_a_command_that_was_stopped_with_requests_in_flight_does_not_keep_their_turns(
    store: Store, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-Z: its connection stays, and nothing is released."""
    monkeypatch.setattr(limiter_lease, "LONGEST_TURN", 0.05)
    gate, own = limiter(), limiter()
    async with lending(database, store, gate), borrowing(database, own) as borrower:
        kept = [await borrower.admit() for _ in range(8)]
        await until(lambda: gate.in_flight == 0)
        for permit in kept:
            permit.release()
        with await borrower.admit():
            assert gate.in_flight == 1


async def test_no_command_can_hold_the_daemon_for_longer_than_the_api_may(store: Store, database: Path) -> None:
    gate = limiter()
    async with lending(database, store, gate):
        connection = await connected(database)
        assert connection is not None
        connection[1].write(LEASE + b'["rate_limited", 1e9]\n')
        await until(lambda: gate.recent_refusals == 1)
        assert gate.held_for <= timedelta(hours=1)
        connection[1].close()


async def test_a_client_that_floods_and_never_reads_is_disconnected(
    store: Store, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answers that wait for it are bounded, and the daemon goes on meanwhile."""
    gate = limiter()
    for _ in range(3):
        gate.judged(Reason.UNAUTHORISED, "HTTP 401")
    async with lending(database, store, gate):
        connection = await connected(database)
        assert connection is not None
        writer = connection[1]
        connection[0]._transport.pause_reading()  # type: ignore[attr-defined]
        flood = asyncio.create_task(pour(writer))
        done, _ = await asyncio.wait({flood}, timeout=0.5)
        assert not done, "somebody takes all of it"
        flood.cancel()
        writer.transport.abort()


async def pour(writer: asyncio.StreamWriter) -> None:
    """Ask without end, as long as somebody takes it."""
    writer.write(LEASE)
    for number in range(10**9):
        writer.write(b'["admit", %d]\n' % number)
        await writer.drain()


async def test_the_turns_of_a_command_that_dies_are_released(store: Store, database: Path) -> None:
    gate = limiter()
    async with lending(database, store, gate):
        connection = await connected(database)
        assert connection is not None
        reader, writer = connection
        writer.write(LEASE + b'["admit", 1]\n["admit", 2]\n')
        assert json.loads(await reader.readline())[0] == "lender"
        assert [json.loads(await reader.readline()) for _ in range(2)] == [["granted", 1], ["granted", 2]]
        assert gate.in_flight == 2
        writer.transport.abort()
        await until(lambda: gate.in_flight == 0)


async def test_a_command_continues_by_itself_when_the_daemon_ends(store: Store, database: Path) -> None:
    gate, own = limiter(), limiter()
    gate.rate_limited(timedelta(seconds=100))
    async with asyncio.timeout(60):
        async with lending(database, store, gate):
            connection = await connected(database)
            assert connection is not None
            connection[1].write(LEASE)
            borrower = LeasedLimiter(*connection, own, identity=lambda: OURS)
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
        b'["judged", "unauthorised", "HTTP 401"]\n',
        b'["good", 1]\n',
        b'["rate_limited", 1e300]\n',
        b'["rate_limited", NaN]\n',
        b"{}\n",
        b"[" * 3_000 + b"\n",
        b"".join(b'["admit", %d]\n' % number for number in range(MOST_AT_ONCE + 1)),
    ],
)
async def test_a_client_that_sends_nonsense_is_disconnected_and_keeps_no_permit(
    store: Store, database: Path, line: bytes
) -> None:
    gate = limiter()
    async with lending(database, store, gate):
        connection = await connected(database)
        assert connection is not None
        reader, writer = connection
        writer.write(LEASE + line)
        async with asyncio.timeout(60):
            await reader.read()  # to its end: the daemon hangs up
        await until(lambda: gate.in_flight == 0)
        writer.close()

"""What commands ask of the daemon: a line of JSON over a socket beside the database, and a line in answer.

There is one writing connection to a database (see `store.engine`), so a command that wants to change something asks
whoever has it. When no daemon runs, the command opens the database itself, under the same lock, and does it.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from notifier.control.socket_file import ControlSocket, short_path, socket_of
from notifier.core.errors import NoDaemon, NotifierError, Unanswered
from notifier.core.isolation import Faults
from notifier.core.units import Unit
from notifier.failpoints import fault
from notifier.store.sqlite.lock import holder
from notifier.store.store import Store

_LONGEST_LINE = 1024 * 1024
_LONGEST_ANSWER_S = 30.0
_LONGEST_REQUEST_S = 5.0

MOST_CONNECTIONS = 128
"""Commands at a time: each `wait` and `download` keeps its connection. What is beyond them ends at once, and asks for
itself: descriptors are left for the daemon's work."""

_NO_REQUEST = (ValueError, TypeError, KeyError, OverflowError, RecursionError)
"""What a request that is none makes of the attempt to do it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mute:
    """Drop what is to be told of a watch, until a time (ISO 8601) or, for None, until it is unmuted."""

    watch: str
    until: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Unmute:
    """Tell of a watch again."""

    watch: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Retry:
    """Send again: the deliveries of these ids, or all dead ones of a channel since a time (ISO 8601).

    Of channels that are not `configured` nothing is sent again: there is nobody to send it.
    """

    ids: tuple[int, ...] = ()
    channel: str | None = None
    since: str | None = None
    configured: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Diff:
    """Tell what a reload would change. The daemon reads the files itself: it has the secrets that they want.

    The answer is `config.diff.plain`, or the `problems` for which it would be refused.
    """


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """Tell how the daemon does. The answer is `core.vitals.plain`, and `reading_since` (ISO 8601) during a reload."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GotThrough:
    """A test message got through to a channel: try what waits for it at once."""

    channel: str


Request = Mute | Unmute | Retry | Diff | Health | GotThrough
_KINDS: dict[str, type[Request]] = {
    kind.__name__.lower(): kind for kind in (Mute, Unmute, Retry, Diff, Health, GotThrough)
}


BORROW = b'"borrow"\n'
"""The line that begins a loan of the limiter."""

_LARGEST_ID = 2**63 - 1
"""What SQLite counts up to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """What only a running daemon can do; without one there is nothing to wake, and nobody who knows the rest.

    `wake` is told of channels for which something is due, `got_through` of one that works, `preview` answers a `Diff`,
    and `health` a `Health`. `lend` has a connection that began with `BORROW` for as long as it lasts: see
    `notifier.control.limiter_lease`. `faults` bounds what a request raises.
    """

    wake: Callable[[Collection[str]], None] = lambda _: None
    got_through: Callable[[str], None] = lambda _: None
    preview: Callable[[], Awaitable[dict[str, Any]]] | None = None
    health: Callable[[], Awaitable[dict[str, Any]]] | None = None
    lend: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]] | None = None
    faults: Faults = field(default_factory=Faults)


_ALONE = Answers()


async def perform(request: Request, store: Store, answers: Answers = _ALONE) -> dict[str, Any]:
    """Do what is asked, and say what came of it.

    Raises:
        NoDaemon: only a daemon could answer.
    """
    now = datetime.now(UTC)
    match request:
        case Mute(watch=watch, until=until):
            await store.outbox.mute(watch, now, _time(until))
            return {"muted": watch, "until": until}
        case Unmute(watch=watch):
            return {"unmuted": watch, "was_muted": await store.outbox.unmute(watch)}
        case Retry(ids=ids, channel=channel, since=since, configured=configured):
            if not all(0 <= each <= _LARGEST_ID for each in ids):
                raise ValueError("no delivery has such an id")
            moved = await store.outbox.retry(
                now, ids=tuple(ids), channel=channel, since=_time(since), configured=configured
            )
            answers.wake(set(moved))
            return {"retried": len(moved)}
        case GotThrough(channel=channel):
            waiting = await store.outbox.hasten(channel, now)
            answers.got_through(channel)
            return {"hastened": waiting}
        case Diff() if answers.preview is not None:
            return await answers.preview()
        case Health() if answers.health is not None:
            return await answers.health()
        case Diff() | Health():
            raise _no_daemon(request)


def _no_daemon(request: Diff | Health) -> NoDaemon:
    end = ", so there is nothing to compare the files with" if isinstance(request, Diff) else "; start `notifier run`"
    return NoDaemon(f"no daemon runs with this database{end}")


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


@asynccontextmanager
async def listening(database: Path, store: Store, answers: Answers) -> AsyncIterator[ControlSocket]:
    """Answer requests for as long as this is entered; the socket it gives is to be looked after.

    Raises:
        NotifierError: there can be no socket.
    """

    idle: set[asyncio.StreamWriter] = set()  # connections that may end with the daemon: nothing is half done there
    ended = False
    connected = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connected
        idle.add(writer)
        connected += 1
        try:
            if ended or connected > MOST_CONNECTIONS:
                return
            line = await _first_line(reader)
            if line == BORROW and answers.lend is not None:
                with answers.faults.alone(Unit.COMMAND, "borrow"):
                    await answers.lend(reader, writer)
                return
            idle.discard(writer)
            reply = await _answer(line, store, answers)
            writer.write(json.dumps(reply).encode() + b"\n")
            await writer.drain()
        except OSError:
            return  # who asked has gone; what was asked is done
        finally:
            connected -= 1
            idle.discard(writer)
            writer.close()

    socket = ControlSocket(database, answer, _LONGEST_LINE)
    await socket.open()
    try:
        yield socket
    finally:
        socket.close()
        ended = True
        for writer in idle:
            writer.close()


async def _first_line(reader: asyncio.StreamReader) -> bytes:
    """What is asked; nothing if it is longer than anything that is, or does not come."""
    try:
        async with asyncio.timeout(_LONGEST_REQUEST_S):
            return await reader.readline()
    except (ValueError, TimeoutError):
        return b""


async def _answer(line: bytes, store: Store, answers: Answers) -> dict[str, Any]:
    try:
        kind, fields = json.loads(line)
        request = _KINDS[kind](**fields)
        with answers.faults.alone(Unit.COMMAND, kind) as attempt:
            fault(Unit.COMMAND, kind)
            try:
                return {"done": await perform(request, store, answers)}
            except _NO_REQUEST as error:
                return {"error": f"the daemon does not understand the request: {error}"}
        assert attempt.fault is not None
        return {"error": f"the daemon could not do it ({attempt.fault.detail}); its log says more"}
    except _NO_REQUEST as error:
        return {"error": f"the daemon does not understand the request: {error}"}
    except NotifierError as error:
        return {"error": str(error)}


async def ask(database: Path, request: Request, *, limit: float | None = None) -> dict[str, Any]:
    """Have the daemon do something, or do it oneself when none runs.

    Args:
        database: whose daemon.
        request: what.
        limit: seconds that an answer may take, instead of the usual 30.

    Raises:
        NoDaemon: none runs, and only one could answer.
        Unanswered: one runs, but has not answered.
        NotifierError: it could not be done; the text says why.
    """
    reply = await _asked(database, request, _LONGEST_ANSWER_S if limit is None else limit)
    if reply is None and (daemon := holder(database)) is not None:
        raise Unanswered(
            f"a daemon runs ({daemon}), but it cannot be asked: its control socket {socket_of(database)} is gone. "
            "It makes the socket within seconds, also while it starts: ask again"
        )
    if reply is None and isinstance(request, Diff | Health):
        raise _no_daemon(request)
    if reply is None:
        try:
            async with Store(database) as store:
                return await perform(request, store)
        except _NO_REQUEST as error:
            raise NotifierError(f"this cannot be done: {error}") from error
    if "error" in reply:
        raise NotifierError(str(reply["error"]))
    done: dict[str, Any] = reply["done"]
    return done


async def _asked(database: Path, request: Request, limit: float) -> dict[str, Any] | None:
    """The daemon's reply; None when no daemon listens."""
    try:
        connection = await connected(database)
    except OSError as error:
        kind = Unanswered if isinstance(error, BlockingIOError) else NotifierError  # more ask than it has answered yet
        raise kind(f"{socket_of(database)}: the daemon cannot be asked: {error.strerror or error}") from error
    if connection is None:
        return None
    reader, writer = connection
    try:
        async with asyncio.timeout(limit):
            writer.write(json.dumps([type(request).__name__.lower(), asdict(request)]).encode() + b"\n")
            line = await reader.readline()
    except TimeoutError as error:
        unknown = "" if isinstance(request, Diff | Health) else ", so it is not known whether it has done it"
        raise Unanswered(f"the daemon has not answered within {limit:.0f} s{unknown}; ask again") from error
    except OSError:
        line = b""
    finally:
        writer.close()
    if not line.endswith(b"\n"):
        raise Unanswered("the daemon ended before it answered; ask again")
    reply: dict[str, Any] = json.loads(line)
    return reply


async def connected(database: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
    """A connection to the daemon; None when no daemon listens.

    Raises:
        OSError: there may be one, but it cannot be asked.
    """
    try:
        with short_path(socket_of(database)) as path:
            return await asyncio.open_unix_connection(path, limit=_LONGEST_LINE)
    except (FileNotFoundError, ConnectionRefusedError):
        return None

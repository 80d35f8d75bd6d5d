"""A command's end of the control socket: asks the daemon, or does it itself when none runs.

One connection writes to a database (`store.sqlite.engine`), so a command that wants to change something asks the daemon
that has it. When no daemon runs, the command opens the database itself, under the same lock.
"""

import asyncio
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from notifier.control.action_notes import command_of, note
from notifier.control.handler import handle, no_daemon
from notifier.control.protocol import LONGEST_LINE, MALFORMED, Diff, Health, Request, encode
from notifier.control.socket_file import short_path, socket_of
from notifier.core.errors import NotifierError, Unanswered
from notifier.store.sqlite.lock import holder
from notifier.store.store import Store

_LONGEST_ANSWER_S = 30.0


async def ask(database: Path, request: Request, *, limit: float | None = None) -> dict[str, Any]:
    """Have the daemon do something, or do it here when none runs.

    Args:
        database: whose daemon.
        request: what to do.
        limit: seconds to wait for the answer, instead of the usual 30.

    Raises:
        NoDaemon: none runs, and only one could answer.
        Unanswered: one runs, but has not answered.
        NotifierError: it could not be done; the text says why.
    """
    reply = await _ask_daemon(database, request, _LONGEST_ANSWER_S if limit is None else limit)
    if reply is None and (daemon := holder(database)) is not None:
        raise Unanswered(
            f"a daemon runs ({daemon}), but its control socket {socket_of(database)} is gone. "
            "It makes the socket within seconds, also while it starts: ask again"
        )
    if reply is None and isinstance(request, Diff | Health):
        raise no_daemon(request)
    if reply is None:
        try:
            async with Store(database) as store:
                found = await handle(request, store)
                await note(store, datetime.now(UTC), request, found, command_of(os.geteuid()))
                return found
        except MALFORMED as error:
            raise NotifierError(f"this cannot be done: {error}") from error
    if "error" in reply:
        raise NotifierError(str(reply["error"]))
    done: dict[str, Any] = reply["done"]
    return done


async def _ask_daemon(database: Path, request: Request, limit: float) -> dict[str, Any] | None:
    """The daemon's reply; None when no daemon listens."""
    try:
        connection = await connected(database)
    except OSError as error:
        kind = Unanswered if isinstance(error, BlockingIOError) else NotifierError  # more ask than it has answered yet
        raise kind(f"{socket_of(database)}: cannot connect to the daemon: {error.strerror or error}") from error
    if connection is None:
        return None
    reader, writer = connection
    try:
        async with asyncio.timeout(limit):
            writer.write(encode(request))
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
            return await asyncio.open_unix_connection(path, limit=LONGEST_LINE)
    except (FileNotFoundError, ConnectionRefusedError):
        return None

"""The daemon's end of the control socket: one request a connection, or a lease of the limiter."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from notifier.control.action_notes import command_of, note
from notifier.control.handler import DaemonActions, handle
from notifier.control.protocol import LEASE, LONGEST_LINE, MALFORMED, decode, encode_reply, kind_of
from notifier.control.socket_file import ControlSocket
from notifier.core.errors import NotifierError
from notifier.core.work_units import Unit
from notifier.failpoints import fault
from notifier.network import peer_uid
from notifier.store.store import Store

_LONGEST_REQUEST_S = 5.0

MOST_CONNECTIONS = 128
"""Commands at a time: each `wait` and `download` keeps its connection. A further connection is closed at once, and its
command does without the daemon: descriptors are left for the daemon's work."""


@asynccontextmanager
async def listening(database: Path, store: Store, daemon: DaemonActions) -> AsyncIterator[ControlSocket]:
    """Answer requests for as long as this is entered. Call `check` of the socket that it gives every few seconds.

    Raises:
        NotifierError: the socket cannot be made.
    """
    server = _Server(store, daemon)
    socket = ControlSocket(database, server.answer, LONGEST_LINE)
    await socket.open()
    try:
        yield socket
    finally:
        socket.close()
        server.close()


class _Server:
    """Answers connections."""

    def __init__(self, store: Store, daemon: DaemonActions) -> None:
        self._store = store
        self._daemon = daemon
        self._idle: set[asyncio.StreamWriter] = set()
        """Connections that may end with the daemon: nothing is half done there."""
        self._connected = 0
        self._ended = False

    def close(self) -> None:
        """End the idle connections; what is being done is done to its end."""
        self._ended = True
        for writer in self._idle:
            writer.close()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self._idle.add(writer)
        self._connected += 1
        try:
            if self._ended or self._connected > MOST_CONNECTIONS:
                return
            line = await _first_line(reader)
            if line == LEASE and self._daemon.lend is not None:
                with self._daemon.faults.alone(Unit.COMMAND, "borrow"):
                    await self._daemon.lend(reader, writer)
                return
            self._idle.discard(writer)
            origin = command_of(peer_uid(writer.get_extra_info("socket")))
            writer.write(encode_reply(await reply_to(line, self._store, self._daemon, origin)))
            await writer.drain()
        except OSError:
            return  # the command has gone; what it asked for is done
        finally:
            self._connected -= 1
            self._idle.discard(writer)
            writer.close()


async def _first_line(reader: asyncio.StreamReader) -> bytes:
    """The first line; an empty one if it is longer than any request, or does not come in time."""
    try:
        async with asyncio.timeout(_LONGEST_REQUEST_S):
            return await reader.readline()
    except (ValueError, TimeoutError):
        return b""


async def reply_to(line: bytes, store: Store, daemon: DaemonActions, origin: str) -> dict[str, Any]:
    """Do what a line asks for, note it in the history as done from `origin`, and return the reply."""
    try:
        request = decode(line)
        with daemon.faults.alone(Unit.COMMAND, kind_of(request)) as attempt:
            fault(Unit.COMMAND, kind_of(request))
            try:
                done = await handle(request, store, daemon)
                await note(store, datetime.now(UTC), request, done, origin)
                return {"done": done}
            except MALFORMED as error:
                return {"error": f"the daemon does not understand the request: {error}"}
        assert attempt.fault is not None
        return {"error": f"the daemon could not do it ({attempt.fault.detail}); its log says more"}
    except MALFORMED as error:
        return {"error": f"the daemon does not understand the request: {error}"}
    except NotifierError as error:
        return {"error": str(error)}

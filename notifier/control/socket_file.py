"""The file of the control socket beside the database: made, checked, and removed at the end.

Somebody may remove it while the daemon runs: by hand, or as a service that clears folders of temporary files. The
daemon would listen on a socket that nobody can reach, so it checks the file and makes another.
"""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import structlog

from notifier.core.errors import NotifierError

Connected = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

log = structlog.get_logger("notifier")


def socket_of(database: Path) -> Path:
    """Where the daemon of a database listens for commands."""
    file = database.resolve()
    return file.with_name(file.name + ".sock")


@contextlib.contextmanager
def short_path(path: Path) -> Iterator[str]:
    """The path in a form that fits into a socket's address, which takes 107 characters (unix(7))."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


class ControlSocket:
    """Listens beside a database. `open` it, call `check` every few seconds, and `close` it."""

    def __init__(self, database: Path, answer: Connected, longest_line: int) -> None:
        """
        Args:
            database: beside which file.
            answer: serves each connection.
            longest_line: the most bytes of a line.
        """
        self.path = socket_of(database)
        self._answer = answer
        self._longest_line = longest_line
        self._server: asyncio.Server | None = None
        self._file: tuple[int, int] | None = None
        self._failing = False

    async def open(self) -> None:
        """Make the file, for its owner only, and listen; one that is left is replaced.

        Raises:
            NotifierError: it cannot be made; the text says why.
        """
        try:
            await self._listen()
        except OSError as error:
            raise NotifierError(
                f"{self.path}: the socket for commands cannot be made ({error.strerror or error}); remove what stands "
                "there, and see that the folder can be written to"
            ) from error

    async def check(self) -> None:
        """Make the file again if it is gone or another one stands in its place; if that fails, log it once."""
        if self._file is not None and self._file == self._found():
            return
        try:
            await self._listen()
        except OSError as error:
            if not self._failing:
                log.error("control.socket_lost", path=str(self.path), detail=error.strerror or str(error))
            self._failing = True
            return
        self._failing = False
        log.warning("control.socket_made_again", path=str(self.path))

    def close(self) -> None:
        """Accept no more connections, and remove the file; connections that are open stay."""
        if self._server is not None:
            self._server.close()
        with contextlib.suppress(OSError):  # a folder, say, that somebody put in its place
            self.path.unlink(missing_ok=True)

    async def _listen(self) -> None:
        with short_path(self.path) as path:
            self.path.unlink(missing_ok=True)
            mask = os.umask(0o177)
            try:
                server = await asyncio.start_unix_server(self._answer, path, limit=self._longest_line)
            finally:
                os.umask(mask)
        before, self._server = self._server, server
        self._file = self._found()
        if before is not None:
            before.close()

    def _found(self) -> tuple[int, int] | None:
        """Which file stands there now."""
        try:
            found = self.path.lstat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

"""Runs the real command in processes that are forked from one that has imported everything already.

A start of `python -m notifier` takes most of a second of CPU, nearly all of it for imports; a fork takes milliseconds.
A forked process has its own folder, environment, streams and signals, and ends as any Python program does. Tests of the
start itself, and of what is imported when, do without it.

`Forge` is the tests' side. `python -m acceptance.forked FD` is the server: it answers each request on its socket by a
fork, and writes the exit status into the pipe that came with the request. It ends when the socket is closed.
"""

import asyncio
import gc
import importlib
import io
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from notifier import failpoints

_LONGEST_REQUEST = 1 << 17
_LIMIT = 2**24
"""The longest line that is read of a process's output, in bytes."""


class Forked:
    """A process that was forked, with the interface of `asyncio.subprocess.Process`, as far as it is used."""

    def __init__(
        self, pid: int, status: asyncio.StreamReader, stdout: asyncio.StreamReader | None, stderr: asyncio.StreamReader
    ) -> None:
        self.pid = pid
        self.stdout = stdout
        self.stderr = stderr
        self.returncode: int | None = None
        self._ending = asyncio.create_task(self._end(status))

    async def wait(self) -> int:
        """The exit status, as `subprocess` gives it, when it has ended."""
        return await asyncio.shield(self._ending)

    def send_signal(self, number: int) -> None:
        """Send a signal, if it runs."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.send_signal(signal.SIGKILL)

    async def _end(self, status: asyncio.StreamReader) -> int:
        self.returncode = os.waitstatus_to_exitcode(int(await status.read()))
        return self.returncode


class Forge:
    """Starts a server when it is first needed, and asks it for processes."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """
        Args:
            environment: the server's; a process has only what it is given itself.
        """
        self._environment = dict(environment)
        self._socket: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    async def start(
        self, arguments: Sequence[str], *, folder: Path, environment: Mapping[str, str], stdout: int
    ) -> Forked:
        """Start `notifier ARGUMENT…`, its standard input at its end.

        Args:
            arguments: those after the program's name.
            folder: where it runs.
            environment: all of its environment.
            stdout: a file for its output, or `subprocess.PIPE`.
        """
        ours, theirs = [], [os.open(os.devnull, os.O_RDONLY)]
        for wanted in (stdout, subprocess.PIPE, subprocess.PIPE):
            if wanted == subprocess.PIPE:
                reading, writing = os.pipe()
                ours.append(reading)
                theirs.append(writing)
            else:
                theirs.append(os.dup(wanted))
        request = json.dumps({"arguments": list(arguments), "folder": str(folder), "environment": dict(environment)})
        server = self._server()
        socket.send_fds(server, [request.encode()], theirs)
        for each in theirs:
            os.close(each)
        pid = int(server.recv(64))
        readers = [await _reader(each) for each in ours]
        output = readers[0] if stdout == subprocess.PIPE else None
        return Forked(pid, status=readers[-1], stdout=output, stderr=readers[-2])

    def _server(self) -> socket.socket:
        if self._socket is None:
            self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                command = (sys.executable, "-m", "acceptance.forked", str(theirs.fileno()))
                self._process = subprocess.Popen(
                    command, env=self._environment, cwd=Path(__file__).parents[1], pass_fds=[theirs.fileno()]
                )
        return self._socket


async def _reader(descriptor: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=_LIMIT)
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(descriptor, "rb"))
    return reader


def _serve(requests: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Fork a process for each request, and tell how each ended; in the fork, return the request and its streams."""
    waking, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    pipes: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([requests.fileno(), waking], [], [])
        if waking in ready:
            os.read(waking, 4096)
            while pipes:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    break
                with open(pipes.pop(pid), "w", encoding="ascii") as pipe:  # noqa: PTH123 - a descriptor
                    pipe.write(f"{status}\n")
        if requests.fileno() in ready:
            data, streams, _, _ = socket.recv_fds(requests, _LONGEST_REQUEST, 4)
            if not data:
                sys.exit()
            if not (pid := os.fork()):
                signal.set_wakeup_fd(-1)
                for each in (waking, woken, streams.pop(), requests.detach(), *pipes.values()):
                    os.close(each)
                return json.loads(data), streams
            pipes[pid] = streams.pop()
            for each in streams:
                os.close(each)
            requests.send(str(pid).encode())


def _become(request: Mapping[str, Any], streams: Sequence[int]) -> None:
    """Make this process what `python -m notifier` is when it begins."""
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for standard, stream in enumerate(streams):
        os.dup2(stream, standard)
        os.close(stream)
    sys.stdin = io.TextIOWrapper(io.FileIO(0, "r", closefd=False), encoding="utf-8")
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "w", closefd=False)), encoding="utf-8")
    sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(io.FileIO(2, "w", closefd=False)),
        encoding="utf-8",
        errors="backslashreplace",
        line_buffering=True,
    )
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    os.chdir(request["folder"])
    importlib.reload(failpoints)  # it reads the environment when it is imported
    sys.argv = ["notifier", *request["arguments"]]


def _import_everything() -> None:
    """Import what the commands import late, too, and load Apprise's plugins."""
    import apprise
    import httpx_aiohttp  # noqa: F401

    import notifier.cli
    import notifier.daemon
    import notifier.demo
    import notifier.loading.apart
    import notifier.store.migrate  # noqa: F401

    apprise.Apprise.instantiate("json://localhost")
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    _import_everything()
    _become(*_serve(socket.socket(fileno=int(sys.argv[1]))))
    from notifier.cli import main

    main()

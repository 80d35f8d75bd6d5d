"""Runs the real command in forks of a process that has imported everything.

A start of `python -m notifier` takes most of a second of CPU, nearly all of it for imports; a fork takes milliseconds.
A forked process has its own folder, environment, streams and signals, and ends as any Python program does. Tests of the
start itself, and of what is imported when, do without it.

`ForkServer` is the client in the tests. `python -m acceptance.fork_server FD` is the server: it forks for each request
on its socket, and writes the exit status into the pipe that came with the request. It ends when the socket is closed.

The process that reads a configuration for the daemon takes 0.3 s of CPU, too. A forked daemon starts `fork_loader.py`
instead, which has the server fork that process; for loads in the process of a test, `ForkServer.loads` does the same.
"""

import asyncio
import atexit
import contextlib
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
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from notifier import failpoints
from notifier.app.loading import loading_process

_LONGEST_REQUEST = 1 << 17
_LIMIT = 2**24
"""The longest line that is read of a process's output, in bytes."""

_ENDS_WITHIN_S = 10

_FORK_LOADER = Path(__file__).with_name("fork_loader.py")


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


class ForkServer:
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
        asked = {"arguments": list(arguments), "folder": str(folder), "environment": dict(environment), "reads": False}
        server = self._server()
        socket.send_fds(server, [json.dumps(asked).encode()], theirs)
        for each in theirs:
            os.close(each)
        pid = int(server.recv(64))
        readers = [await _reader(each) for each in ours]
        output = readers[0] if stdout == subprocess.PIPE else None
        return Forked(pid, status=readers[-1], stdout=output, stderr=readers[-2])

    @property
    def loads(self) -> tuple[str, str, str, str]:
        """What `loading_process.COMMAND` is to be for the process that reads a configuration to be forked, too."""
        self._server()
        assert self._process is not None
        return _loads(self._process.pid)

    def _server(self) -> socket.socket:
        if self._socket is None:
            self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                command = (sys.executable, "-m", "acceptance.fork_server", str(theirs.fileno()))
                self._process = subprocess.Popen(
                    command, env=self._environment, cwd=Path(__file__).parents[1], pass_fds=[theirs.fileno()]
                )
            assert self._socket.recv(64) == _READY
            atexit.register(self._close)
        return self._socket

    def _close(self) -> None:
        assert self._socket is not None
        assert self._process is not None
        self._socket.close()
        try:
            self._process.wait(_ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


async def _reader(descriptor: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=_LIMIT)
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(descriptor, "rb"))
    return reader


_READY = b"ready"


def _address(server: int) -> str:
    """Where the server with this process id listens for stand-ins; `@` is the NUL of an abstract address."""
    return f"@notifier-tests-forked-{server}"


def _loads(server: int) -> tuple[str, str, str, str]:
    return ("-I", "-S", str(_FORK_LOADER), _address(server))


def _serve(requests: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Fork a process for each request, and tell how each ended; in the fork, return the request and its streams."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.bind(_address(os.getpid()).replace("@", "\0"))
    listening.listen()
    requests.send(_READY)
    waking, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    pipes: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([requests.fileno(), listening.fileno(), waking], [], [])
        if waking in ready:
            os.read(waking, 4096)
            while pipes:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    break
                pipe = pipes.pop(pid)
                with contextlib.suppress(BrokenPipeError):  # a stand-in that was killed does not ask how it ended
                    os.write(pipe, f"{status}\n".encode())
                os.close(pipe)
        for each in (requests, listening):
            if each.fileno() not in ready:
                continue
            asking = requests if each is requests else listening.accept()[0]
            data, streams, _, _ = socket.recv_fds(asking, _LONGEST_REQUEST, 4)
            if not data and each is requests:
                sys.exit()
            if not data:  # a stand-in that was killed at once
                asking.close()
                continue
            if not (pid := os.fork()):
                signal.set_wakeup_fd(-1)
                for descriptor in (waking, woken, streams.pop(), *pipes.values()):
                    os.close(descriptor)
                for ours in {requests, listening, asking}:
                    ours.close()
                return json.loads(data), streams
            pipes[pid] = streams.pop()
            for stream in streams:
                os.close(stream)
            if each is requests:
                requests.send(str(pid).encode())
            else:
                asking.close()


def _become(request: Mapping[str, Any], streams: Sequence[int]) -> None:
    """Make this process what `python -m notifier` is when it begins."""
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for standard, stream in enumerate(streams):
        os.dup2(stream, standard)
        os.close(stream)
    sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, "r", closefd=False)), encoding="utf-8")
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
    vars(loading_process)["COMMAND"] = _loads(os.getppid())
    sys.argv = ["notifier", *request["arguments"]]


def _run(main: Callable[[], None]) -> NoReturn:
    """Run a program and end as Python does: threads, exit functions, garbage, streams. Nothing loaded is torn down.

    That would write to nearly every page that the fork shares with the server, which takes longer than most commands.
    """
    status: object = 0
    try:
        main()
    except SystemExit as ending:
        status = ending.code or 0
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    gc.collect()
    with contextlib.suppress(OSError):  # what a closed pipe means is left to Python
        sys.stdout.flush()
        sys.stderr.flush()
        if isinstance(status, int):
            os._exit(status)
    sys.exit(status)  # type: ignore[arg-type]


if __name__ == "__main__":
    from acceptance.fork_preload import preload

    preload()
    asked, its_streams = _serve(socket.socket(fileno=int(sys.argv[1])))
    _become(asked, its_streams)
    if asked["reads"]:
        from notifier.app.loading.loading_process_main import main
    else:
        from notifier.cli import main

    _run(main)

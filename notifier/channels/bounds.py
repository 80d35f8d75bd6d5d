"""Bounds the cost of one send: bytes received on each connection, total time, and connections left open.

Apprise's plugins reach the network through many libraries (requests, smtplib, paho, sockets of their own), none of
which bounds an answer as a whole: `smtplib` collects continuation lines without end, and the timeout of `http.client`
is for each read. All of them use Python's `socket`, so the bound is there. Inside `bounded()`, and in every thread
started inside it, each connection is recorded when it is made, the bytes received are counted, and all connections can
be cut from another thread. Code outside pays one lookup of a context variable for each call.

A connection is identified by its descriptor and inode. Wrapping it in TLS keeps both, and a descriptor that was closed
and reused has another inode. So only connections of the send are cut, and no descriptor is held open here.
"""

import contextlib
import errno
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar
from functools import partial, wraps
from typing import Any
from weakref import WeakKeyDictionary

MOST_RECEIVED = 1024 * 1024
"""Bytes on one connection. Only a few kilobytes of an answer are ever shown."""

TOO_LARGE = "answer_too_large"

AddrInfo = tuple[Any, Any, int, str, tuple[Any, ...]]
"""An address as `socket.getaddrinfo` returns it: family, type, protocol, name, address."""


class ConnectionCut(ConnectionError):
    """The connection was cut or refused: the send exceeded its bounds, or has ended."""


class SendBounds:
    """The connections of one send. Its methods may be called from any thread."""

    def __init__(self, most_received: int = MOST_RECEIVED) -> None:
        self._most_received = most_received
        self._lock = threading.Lock()
        self._opened: dict[int, int] = {}
        self._received: WeakKeyDictionary[socket.socket, int] = WeakKeyDictionary()
        self._stops: list[Callable[[], object]] = []
        self._ended = False
        self.connected = False
        """Whether any connection was attempted."""
        self.sent_encrypted = False
        """Whether anything was sent over TLS. Before that, a request over https has not been sent."""
        self.reason = ""
        """Why the connections were cut; empty otherwise."""

    def opening(self, connection: socket.socket) -> None:
        """Records a connection that is about to be made.

        Raises:
            ConnectionCut: the send has ended.
        """
        with self._lock:
            if self._ended:
                raise ConnectionCut("the send has ended")
            self.connected = True
            with contextlib.suppress(OSError):
                self._opened[os.fstat(connection.fileno()).st_ino] = connection.fileno()

    def received(self, connection: socket.socket, number: int) -> None:
        """Counts bytes.

        Raises:
            ConnectionCut: there are too many.
        """
        total = self._received[connection] = self._received.get(connection, 0) + number
        if total > self._most_received:
            self.cut(TOO_LARGE)
            raise ConnectionCut(f"more than {self._most_received} bytes came back")

    def at_end(self, stop: Callable[[], object]) -> None:
        """Registers a callback for the end of the send, or its cut; it must not block."""
        self._stops.append(stop)

    def cut(self, reason: str) -> None:
        """Ends every connection and refuses new ones: whoever waits for one gets an error at once."""
        with self._lock:
            if self._ended:
                return
            self.reason = reason
        self.end()

    def end(self) -> None:
        """Closes every connection and refuses new ones."""
        with self._lock:
            self._ended = True
            opened, self._opened = self._opened, {}
            stops, self._stops = self._stops, []
        for stop in stops:
            stop()
        for inode, descriptor in opened.items():
            _shut(descriptor, inode)


current: ContextVar[SendBounds | None] = ContextVar("bounds", default=None)
"""The bounds of the current send."""


@contextmanager
def bounded(bounds: SendBounds) -> Iterator[None]:
    """Applies the bounds to everything in the block; at its end all its connections are closed."""
    _install()
    token = current.set(bounds)
    try:
        yield
    finally:
        current.reset(token)
        bounds.end()


def _shut(descriptor: int, inode: int) -> None:
    """Shuts a connection down if the descriptor is still its own; works on a copy, which nobody else can close."""
    try:
        copy = os.dup(descriptor)
    except OSError:
        return
    with contextlib.suppress(OSError):  # the peer was quicker
        if os.fstat(copy).st_ino == inode:
            connection = socket.socket(fileno=copy)
            copy = -1
            with connection:
                connection.shutdown(socket.SHUT_RDWR)
    if copy >= 0:
        os.close(copy)


_RECEIVING = ("recv", "recv_into", "recvfrom", "recvfrom_into", "recvmsg")
"""The methods that read a plain connection. Each returns bytes or their number, alone or first in a tuple."""


def _install() -> None:
    """Patches `socket`, `ssl` and `threading`, once per process."""
    if hasattr(threading.Thread.start, "notifier_observes"):
        return
    for name in ("connect", "connect_ex"):
        setattr(socket.socket, name, _connecting(getattr(socket.socket, name)))
    for name in _RECEIVING:
        setattr(socket.socket, name, _counting(getattr(socket.socket, name)))
    ssl.SSLSocket.read = _counting(ssl.SSLSocket.read)  # type: ignore[method-assign]
    for name in ("send", "sendall"):
        setattr(ssl.SSLSocket, name, _encrypting(getattr(ssl.SSLSocket, name)))
    threading.Thread.start = _inheriting(threading.Thread.start)  # type: ignore[method-assign]


def _connecting(connect: Any) -> Any:
    @wraps(connect)
    def observed(connection: socket.socket, address: Any) -> Any:
        bounds = current.get()
        if bounds is not None:
            bounds.opening(connection)
        return connect(connection, address)

    return observed


def _counting(receive: Any) -> Any:
    @wraps(receive)
    def observed(connection: socket.socket, *arguments: Any, **options: Any) -> Any:
        received = receive(connection, *arguments, **options)
        bounds = current.get()
        if bounds is not None:
            first = received[0] if isinstance(received, tuple) else received
            bounds.received(connection, first if isinstance(first, int) else len(first))
        return received

    return observed


def _encrypting(send: Any) -> Any:
    @wraps(send)
    def observed(connection: ssl.SSLSocket, *arguments: Any, **options: Any) -> Any:
        bounds = current.get()
        if bounds is not None:
            bounds.sent_encrypted = True
        return send(connection, *arguments, **options)

    return observed


def _inheriting(start: Any) -> Any:
    """A new thread has an empty context: one that is started inside the bounds gets them, and nothing else."""

    @wraps(start)
    def observed(thread: threading.Thread) -> Any:
        bounds = current.get()
        if bounds is not None:
            context = Context()
            context.run(current.set, bounds)
            thread.run = partial(context.run, thread.run)  # type: ignore[method-assign]
        return start(thread)

    observed.notifier_observes = True  # type: ignore[attr-defined]
    return observed


class MeteredSocket(socket.socket):
    """A socket for an event loop that fails after too many bytes: aiohttp bounds each header, but not their number."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._left = MOST_RECEIVED

    def recv(self, *arguments: Any) -> bytes:
        """As `socket.recv`.

        Raises:
            ConnectionCut: too many bytes were received.
        """
        data = super().recv(*arguments)
        self._count(len(data))
        return data

    def recv_into(self, *arguments: Any) -> int:
        """As `socket.recv_into`.

        Raises:
            ConnectionCut: too many bytes were received.
        """
        number = super().recv_into(*arguments)
        self._count(number)
        return number

    def _count(self, number: int) -> None:
        self._left -= number
        if self._left < 0:
            raise ConnectionCut(errno.EMSGSIZE, f"more than {MOST_RECEIVED // 1024} KiB came back")


def metered_socket(addr_info: AddrInfo) -> socket.socket:
    """Returns a socket for this address, for aiohttp's `socket_factory`."""
    return MeteredSocket(*addr_info[:3])

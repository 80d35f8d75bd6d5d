"""Bounds what one send may cost: bytes received on each connection, total time, and connections left open.

Apprise's plugins reach the network through many libraries (requests, smtplib, paho, sockets of their own), and none of
them bounds an answer as a whole: `smtplib` gathers continuation lines without end, `http.client` waits for each read
anew. What they share is Python's `socket`. So the bound stands there: inside `bounded()`, and in every thread that is
started inside it, each connection is noted when it is made, what it receives is counted, and all of them can be cut
from another thread. Code outside such a block pays one look-up of a context variable for each call.

A connection is known by its descriptor and its inode: wrapping it in TLS keeps both, and a descriptor that was closed
and given to something else has another inode. So nothing foreign is ever cut, and no descriptor is held open here.
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
"""Bytes on one connection. An answer of a few kilobytes says all that is ever shown of it."""

TOO_LARGE = "answer_too_large"

AddrInfo = tuple[Any, Any, int, str, tuple[Any, ...]]
"""What `socket.getaddrinfo` knows of an address: family, type, protocol, name, address."""


class Cut(ConnectionError):
    """The connection was cut, or not made, because the send is over its bounds or has ended."""


class Bounds:
    """The connections of one send. Its methods may be called from any thread."""

    def __init__(self, most_received: int = MOST_RECEIVED) -> None:
        self._most_received = most_received
        self._lock = threading.Lock()
        self._opened: dict[int, int] = {}
        self._received: WeakKeyDictionary[socket.socket, int] = WeakKeyDictionary()
        self._stops: list[Callable[[], object]] = []
        self._ended = False
        self.connected = False
        """Whether any connection was begun."""
        self.sent_encrypted = False
        """Whether anything was sent over TLS. Before that, a request over https has not gone out."""
        self.reason = ""
        """Why the connections were cut; empty if they were not."""

    def opening(self, connection: socket.socket) -> None:
        """Note a connection that is about to be made.

        Raises:
            Cut: the send has ended.
        """
        with self._lock:
            if self._ended:
                raise Cut("the send has ended")
            self.connected = True
            with contextlib.suppress(OSError):
                self._opened[os.fstat(connection.fileno()).st_ino] = connection.fileno()

    def received(self, connection: socket.socket, number: int) -> None:
        """Count bytes.

        Raises:
            Cut: these were too many.
        """
        total = self._received[connection] = self._received.get(connection, 0) + number
        if total > self._most_received:
            self.cut(TOO_LARGE)
            raise Cut(f"more than {self._most_received} bytes came back")

    def at_end(self, stop: Callable[[], object]) -> None:
        """Have something called when the send ends or is cut; it must not block."""
        self._stops.append(stop)

    def cut(self, reason: str) -> None:
        """End every connection, and let no other be made: whoever waits for one of them gets an error at once."""
        with self._lock:
            if self._ended:
                return
            self.reason = reason
        self.end()

    def end(self) -> None:
        """Leave nothing open."""
        with self._lock:
            self._ended = True
            opened, self._opened = self._opened, {}
            stops, self._stops = self._stops, []
        for stop in stops:
            stop()
        for inode, descriptor in opened.items():
            _shut(descriptor, inode)


current: ContextVar[Bounds | None] = ContextVar("bounds", default=None)
"""The bounds of the send that goes on in this context."""


@contextmanager
def bounded(bounds: Bounds) -> Iterator[None]:
    """Hold everything inside this block, in this context, to these bounds; at its end no connection of it is left."""
    _install()
    token = current.set(bounds)
    try:
        yield
    finally:
        current.reset(token)
        bounds.end()


def _shut(descriptor: int, inode: int) -> None:
    """Shut a connection down, if the descriptor is still that one: on a copy, which nobody else can close."""
    try:
        copy = os.dup(descriptor)
    except OSError:
        return
    with contextlib.suppress(OSError):  # the far side was quicker
        if os.fstat(copy).st_ino == inode:
            connection = socket.socket(fileno=copy)
            copy = -1
            with connection:
                connection.shutdown(socket.SHUT_RDWR)
    if copy >= 0:
        os.close(copy)


_RECEIVING = ("recv", "recv_into", "recvfrom", "recvfrom_into", "recvmsg")
"""What a plain connection is read by. Each answers with bytes or their number, alone or first in a tuple."""


def _install() -> None:
    """Put the watchers in place; once is enough."""
    if hasattr(threading.Thread.start, "notifier_watches"):
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
    def watched(connection: socket.socket, address: Any) -> Any:
        bounds = current.get()
        if bounds is not None:
            bounds.opening(connection)
        return connect(connection, address)

    return watched


def _counting(receive: Any) -> Any:
    @wraps(receive)
    def watched(connection: socket.socket, *arguments: Any, **options: Any) -> Any:
        received = receive(connection, *arguments, **options)
        bounds = current.get()
        if bounds is not None:
            first = received[0] if isinstance(received, tuple) else received
            bounds.received(connection, first if isinstance(first, int) else len(first))
        return received

    return watched


def _encrypting(send: Any) -> Any:
    @wraps(send)
    def watched(connection: ssl.SSLSocket, *arguments: Any, **options: Any) -> Any:
        bounds = current.get()
        if bounds is not None:
            bounds.sent_encrypted = True
        return send(connection, *arguments, **options)

    return watched


def _inheriting(start: Any) -> Any:
    """A thread takes no context with it: one that is started inside the bounds gets them, and nothing else."""

    @wraps(start)
    def watched(thread: threading.Thread) -> Any:
        bounds = current.get()
        if bounds is not None:
            context = Context()
            context.run(current.set, bounds)
            thread.run = partial(context.run, thread.run)  # type: ignore[method-assign]
        return start(thread)

    watched.notifier_watches = True  # type: ignore[attr-defined]
    return watched


class MeteredSocket(socket.socket):
    """A connection for an event loop that ends when too much came in: aiohttp bounds a header, but not their number."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._left = MOST_RECEIVED

    def recv(self, *arguments: Any) -> bytes:
        """As `socket.recv`.

        Raises:
            Cut: too much came in.
        """
        data = super().recv(*arguments)
        self._count(len(data))
        return data

    def recv_into(self, *arguments: Any) -> int:
        """As `socket.recv_into`.

        Raises:
            Cut: too much came in.
        """
        number = super().recv_into(*arguments)
        self._count(number)
        return number

    def _count(self, number: int) -> None:
        self._left -= number
        if self._left < 0:
            raise Cut(errno.EMSGSIZE, f"more than {MOST_RECEIVED // 1024} KiB came back")


def metered_socket(addr_info: AddrInfo) -> socket.socket:
    """A socket for this address, for aiohttp's `socket_factory`."""
    return MeteredSocket(*addr_info[:3])

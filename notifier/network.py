"""What every connection shares: trusted certificates, and the lookup of names.

**Certificates.** The first of these variables that is set decides, alone: SSL_CERT_FILE and SSL_CERT_DIR (one rule of
OpenSSL's, both count together), then REQUESTS_CA_BUNDLE, then CURL_CA_BUNDLE. Without any, the system's authorities
count, to which a company adds its own; if the system has none (a container without `ca-certificates`), those of
certifi.

**Names.** asyncio and aiohttp look names up in the event loop's default executor, a pool of a few threads. A lookup
cannot be cancelled: while a name server does not answer, a few of them occupy all threads for half a minute or longer,
hold up everything else that needs one, and delay the exit of the process. So each lookup has a thread of its own.
"""

import asyncio
import contextlib
import errno
import os
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import certifi

if TYPE_CHECKING:
    from aiohttp.abc import AbstractResolver, ResolveResult
else:  # importing aiohttp takes 0.1 s: only modules that connect with it do
    AbstractResolver, ResolveResult = object, dict

_OPENSSL = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
VARIABLES = (*_OPENSSL, *_BUNDLES)
"""The environment variables that may name authorities, in the order of precedence."""


def tls_context(purpose: str = "") -> ssl.SSLContext:
    """Returns the TLS context with the trusted authorities, cached for the process: reading them takes some 25 ms.

    Args:
        purpose: its user. Libraries set options on a context, such as their protocol, so each gets its own.
    """
    return _context(purpose, *(os.environ.get(name) for name in VARIABLES))


@cache
def _context(_purpose: str, *_named: str | None) -> ssl.SSLContext:
    if any(os.environ.get(name) for name in _OPENSSL):
        return ssl.create_default_context()
    bundle = next((named for name in _BUNDLES if (named := os.environ.get(name))), None)
    if bundle is not None:
        return _trusting(bundle)
    context = ssl.create_default_context()
    if not _system_has_any():
        context.load_verify_locations(certifi.where())
    return context


def _trusting(bundle: str) -> ssl.SSLContext:
    """Trusts a file or folder of authorities; none if it cannot be read, as with OpenSSL's own variables."""
    where = "capath" if Path(bundle).is_dir() else "cafile"
    try:
        return ssl.create_default_context(**{where: bundle})  # type: ignore[arg-type]
    except (OSError, ssl.SSLError):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def cure() -> str:
    """Returns what to do about a certificate that is not trusted."""
    for name in VARIABLES:
        named = os.environ.get(name)
        if not named:
            continue
        if not Path(named).exists():
            return f"{name} names {named}, which does not exist"
        return f"{name} names {named}, and only its authorities are trusted: add the one that signed the certificate"
    return "if an authority of your own has signed its certificate, name that authority's file in SSL_CERT_FILE"


def _system_has_any() -> bool:
    paths = ssl.get_default_verify_paths()
    if paths.cafile is not None:
        return True
    try:
        return paths.capath is not None and any(Path(paths.capath).iterdir())
    except OSError:
        return False


Lookup = Callable[[str, int, int, int], list[Any]]
"""A function like `socket.getaddrinfo`: takes host, port, family and type, returns its list of five-tuples."""

MOST_LOOKUPS = 3
"""Lookups of one resolver at a time; each holds a thread until its answer comes."""


def _getaddrinfo(host: str, port: int, family: int, kind: int) -> list[Any]:
    """Looks a name up as aiohttp does: for addresses of the families that this machine has."""
    return socket.getaddrinfo(host, port, family, kind, flags=socket.AI_ADDRCONFIG)


class Resolver(AbstractResolver):
    """Looks names up as the system does, in a thread that holds up neither other work nor the process's exit."""

    def __init__(self, lookup: Lookup = _getaddrinfo) -> None:
        """
        Args:
            lookup: asks the system.
        """
        self._lookup = lookup
        self._looking: set[asyncio.Future[list[Any]]] = set()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Returns the addresses of a name, except those that `refuse` refuses.

        Raises:
            OSError: the name has no address, or no allowed one, or the lookup failed.
        """
        allowed: list[ResolveResult] = []
        refused: OSError | None = None
        for actual_family, _, proto, _, sockaddr in await self._looked_up(host, port, family):
            if (refusal := self.refuse(host, sockaddr[0])) is not None:
                refused = refused or refusal
                continue
            zone = f"%{sockaddr[3]}" if actual_family == socket.AF_INET6 and sockaddr[3] else ""
            allowed.append(
                ResolveResult(
                    hostname=host,
                    host=f"{sockaddr[0]}{zone}",
                    port=sockaddr[1],
                    family=actual_family,
                    proto=proto,
                    flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
                )
            )
        if refused is not None and not allowed:
            raise refused
        return allowed

    def refuse(self, host: str, address: str) -> OSError | None:
        """Returns why this address of the host is refused; None if it is allowed."""
        del host, address
        return None

    async def close(self) -> None:
        """Does nothing: there is nothing to close."""

    async def _looked_up(self, host: str, port: int, family: int) -> list[Any]:
        self._looking = {each for each in self._looking if not each.done()}
        if len(self._looking) >= MOST_LOOKUPS:
            raise OSError(errno.EAGAIN, f"{len(self._looking)} lookups before this one have had no answer yet")
        ask = partial(self._lookup, host, port, family, socket.SOCK_STREAM)
        try:
            looking = in_daemon_thread(ask, name=f"lookup-{host}")
        except RuntimeError:  # no more threads can be started: use one of the pool
            looking = asyncio.get_running_loop().run_in_executor(None, ask)
        self._looking.add(looking)
        looking.add_done_callback(_ignore_result)
        return await asyncio.shield(looking)  # cancelling the future does not end the thread


def _ignore_result(looking: asyncio.Future[list[Any]]) -> None:
    """Retrieves the exception of a lookup that nobody awaits any more: asyncio would log it as lost."""
    if not looking.cancelled():
        looking.exception()


def reset(transport: asyncio.BaseTransport) -> None:
    """Makes the connection end with a reset (RST) when it is closed, by lingering for 0 s."""
    sock = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


T = TypeVar("T")


def in_daemon_thread(call: Callable[[], T], name: str) -> asyncio.Future[T]:
    """Starts the call in a thread of its own, and returns the future of its result.

    A pool's threads are joined at exit, so a call that hangs for ever would keep the process alive; and a pool full of
    hanging calls delays the others (in Apprise's own, 12 of them cost 8 s). A thread costs about 50 µs, which is
    negligible for a send or a lookup.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def set_result(result: T) -> None:
        if not future.done():
            future.set_result(result)

    def set_exception(error: BaseException) -> None:
        if not future.done():
            future.set_exception(error)

    def hand_over(setter: Callable[[], object]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody awaits the result any more
            loop.call_soon_threadsafe(setter)

    def run() -> None:
        try:
            result = call()
        except BaseException as error:  # noqa: BLE001 - it is raised again where the future is awaited
            failure = error
            hand_over(lambda: set_exception(failure))
        else:
            hand_over(lambda: set_result(result))

    threading.Thread(target=run, name=name, daemon=True).start()
    return future


def peer_uid(connection: Any) -> int | None:
    """Return the user id of the process at the other end of a Unix socket; None where the system does not tell."""
    try:
        found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    except (OSError, AttributeError):
        return None
    return int(_UCRED.unpack(found)[1])


_UCRED = struct.Struct("3i")
"""The ids of a process, its user and its group: unix(7)."""

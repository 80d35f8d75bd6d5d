"""Pings an HTTP address, within bounds; only the status of the answer counts."""

from datetime import timedelta

import aiohttp

from notifier import __version__
from notifier.channels.bounds import metered_socket
from notifier.network import Resolver, tls_context

TIMEOUT = timedelta(seconds=10)
"""For the request as a whole."""


async def ping(url: str, resolver: Resolver | None = None) -> str | None:
    """Sends a GET and returns why it failed, without the address; None if it succeeded. Never raises.

    Proxies and certificates are those of the environment.

    Args:
        url: the address, which is a secret.
        resolver: limits the lookups without an answer; keep it from ping to ping.
    """
    timeout = aiohttp.ClientTimeout(total=TIMEOUT.total_seconds())
    headers = {"User-Agent": f"notifier/{__version__}"}
    try:
        connector = aiohttp.TCPConnector(
            ssl=tls_context(), socket_factory=metered_socket, resolver=resolver or Resolver()
        )
        async with aiohttp.ClientSession(
            connector=connector, trust_env=True, timeout=timeout, headers=headers
        ) as session:
            async with session.get(url) as response:
                return None if response.ok else f"HTTP {response.status}"
    except TimeoutError:
        return f"no answer within {TIMEOUT.total_seconds():g} s"
    except Exception as error:  # noqa: BLE001 - no failure of a ping may stop the daemon
        return _text(error)


def _text(error: Exception) -> str:
    """Returns the exception's type and, if it is the system's, its text: others quote the address."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    said = getattr(cause, "strerror", None) if isinstance(cause, OSError) else None
    return f"{type(error).__name__}: {said}" if said else type(error).__name__

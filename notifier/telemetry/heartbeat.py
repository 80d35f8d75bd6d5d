"""Pings a dead man's switch at an interval while all is well, and not while something is wrong.

The service there alerts people when no ping comes any more, also when this machine or its network is gone.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import aiohttp

from notifier import __version__
from notifier.channels.bounds import metered_socket
from notifier.config.model import Heartbeat as Wanted
from notifier.core.outcomes import HeartbeatKind, HeartbeatOutcome
from notifier.network import Resolver, tls_context

LONGEST = timedelta(seconds=10)
"""The longest wait for an answer."""


class Heartbeat:
    """A job of the daemon (`app.jobs`) calls `beat` at the interval `every`."""

    def __init__(
        self,
        wanted: Wanted | None,
        *,
        troubles: Callable[[], Awaitable[list[str]]],
        report: Callable[[HeartbeatOutcome], None],
    ) -> None:
        """
        Args:
            wanted: which address, and how often; None for none.
            troubles: why all is not well; an empty list when it is. It must not raise.
            report: told what became of each.
        """
        self._wanted = wanted
        self._troubles = troubles
        self._report = report
        self._resolver = Resolver()

    @property
    def every(self) -> timedelta | None:
        """The interval; None if no address is configured."""
        return None if self._wanted is None else self._wanted.every

    def configure(self, wanted: Wanted | None) -> bool:
        """Ask that address from now on; whether it, or the interval, is another."""
        changed, self._wanted = wanted != self._wanted, wanted
        return changed

    async def beat(self) -> None:
        """Ask the address once if all is well, and report what became of it."""
        if self._wanted is not None:
            self._report(await self._beat(self._wanted.url))

    async def _beat(self, url: str) -> HeartbeatOutcome:
        if found := await self._troubles():
            return HeartbeatOutcome(kind=HeartbeatKind.WITHHELD, detail=found[0])
        return await ping(url, self._resolver)


async def ping(url: str, resolver: Resolver | None = None) -> HeartbeatOutcome:
    """Ask the address once. Proxies and certificates are those of the environment; whatever fails is an outcome.

    Args:
        url: the address.
        resolver: remembers lookups that have had no answer yet; without it there are none.
    """
    timeout = aiohttp.ClientTimeout(total=LONGEST.total_seconds())
    headers = {"User-Agent": f"notifier/{__version__}"}
    try:
        connector = aiohttp.TCPConnector(
            ssl=tls_context(), socket_factory=metered_socket, resolver=resolver or Resolver()
        )
        async with aiohttp.ClientSession(
            connector=connector, trust_env=True, timeout=timeout, headers=headers
        ) as session:
            async with session.get(url) as response:
                if response.ok:
                    return HeartbeatOutcome(kind=HeartbeatKind.SENT)
                return HeartbeatOutcome(kind=HeartbeatKind.FAILED, detail=f"HTTP {response.status}")
    except TimeoutError:
        return HeartbeatOutcome(kind=HeartbeatKind.FAILED, detail=f"no answer within {LONGEST.total_seconds():g} s")
    except Exception as error:  # noqa: BLE001 - whatever goes wrong there must not stop the work here
        return HeartbeatOutcome(kind=HeartbeatKind.FAILED, detail=_words(error))


def _words(error: Exception) -> str:
    """What is known of it, without the address, which is a secret."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    said = getattr(cause, "strerror", None) if isinstance(cause, OSError) else None
    return f"{type(error).__name__}: {said}" if said else type(error).__name__

"""Asks the address of a dead man's switch every so often while all is well, and is silent when it is not.

Who watches there tells people when nothing comes any more: also when this machine, or its network, is gone.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import aiohttp

from notifier import __version__
from notifier.channels.bounds import metered_socket
from notifier.config.model import Heartbeat as Wanted
from notifier.core.isolation import Faults
from notifier.core.outcomes import HeartbeatKind, HeartbeatOutcome
from notifier.core.units import Unit
from notifier.failpoints import fault
from notifier.network import Resolver, tls_context

LONGEST = timedelta(seconds=10)
"""How long the far side may take."""


class Heartbeat:
    """`run()` it in a task; it ends only when it is cancelled."""

    def __init__(
        self,
        wanted: Wanted | None,
        *,
        troubles: Callable[[], Awaitable[list[str]]],
        report: Callable[[HeartbeatOutcome], None],
        faults: Faults | None = None,
    ) -> None:
        """
        Args:
            wanted: which address, and how often; None for none.
            troubles: why all is not well; an empty list when it is. It must not raise.
            report: told what became of each.
            faults: bounds what one raises.
        """
        self._wanted = wanted
        self._troubles = troubles
        self._report = report
        self._faults = faults or Faults()
        self._resolver = Resolver()
        self._woken = asyncio.Event()

    def configure(self, wanted: Wanted | None) -> None:
        """Ask that address from now on, at once if it is another."""
        if wanted != self._wanted:
            self._wanted = wanted
            self._woken.set()

    async def run(self) -> None:
        """Ask, at once and then every so often, until cancelled."""
        while True:
            self._woken.clear()
            wanted = self._wanted
            pause = None
            if wanted is not None:
                with self._faults.alone(Unit.HEARTBEAT) as attempt:
                    fault(Unit.HEARTBEAT)
                    self._report(await self._beat(wanted.url))
                pause = max(wanted.every, attempt.pause or timedelta(0)).total_seconds()
            try:
                async with asyncio.timeout(pause):
                    await self._woken.wait()
            except TimeoutError:
                continue

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

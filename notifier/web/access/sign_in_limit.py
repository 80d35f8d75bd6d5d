"""Limits the attempts to sign in that fail, for each client address and in all. Pure but for the clock."""

import ipaddress
import time
from collections.abc import Callable

OF_ONE = 10
OF_ALL = 100
"""Failed attempts in the window, of one address and of all."""

WINDOW_S = 300.0
MOST_ADDRESSES = 1_000


class SignInLimit:
    """Counts failures in windows of five minutes. It is asked by the sign-in page alone, never for a bearer token."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._failures: dict[str, int] = {}
        self._total = 0

    def wait(self, address: str) -> int:
        """Return the seconds to wait before this address may try; 0 if it may now."""
        self._turn()
        if self._failures.get(_network(address), 0) < OF_ONE and self._total < OF_ALL:
            return 0
        return max(1, int(self._began + WINDOW_S - self._clock()))

    def failed(self, address: str) -> None:
        """Count a failed attempt of this address."""
        self._turn()
        network = _network(address)
        self._total += 1
        if network in self._failures or len(self._failures) < MOST_ADDRESSES:
            self._failures[network] = self._failures.get(network, 0) + 1

    def _turn(self) -> None:
        if self._clock() >= self._began + WINDOW_S:
            self._began, self._total = self._clock(), 0
            self._failures.clear()


def _network(address: str) -> str:
    """Return the address; of IPv6 its network, because one client has all the addresses in it."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address

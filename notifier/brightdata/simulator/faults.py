"""Decides which fault a request gets: by chance from a seed, or as queued by a test. Pure and reproducible."""

from collections import deque
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TypeVar

Kind = TypeVar("Kind", bound=StrEnum)


class Fault(StrEnum):
    """A fault of an answer, by its name for `--fault`."""

    RATE_LIMITED = "429"
    SERVER_ERROR = "500"
    BAD_GATEWAY = "502"
    UNAVAILABLE = "503"
    UNAUTHORISED = "401"
    FORBIDDEN = "403"
    NOT_FOUND = "404"
    NOT_FOUND_HTML = "404-html"
    HTML = "html"
    GARBAGE = "garbage"
    CUT = "cut"
    SLOW = "slow"
    TRICKLE = "trickle"
    RESET = "reset"
    HUGE = "huge"
    REDIRECT = "redirect"
    SHORT = "short"
    LONG_LINE = "long-line"
    ENDLESS = "endless"
    GZIP = "gzip"
    BOMB = "bomb"
    BOM = "bom"
    NO_BODY = "no-body"
    BUILDING = "building"
    NOT_READY = "not-ready"
    MANY_PARTS = "many-parts"
    STALE = "stale"


MEANINGS: Mapping[Fault, str] = {
    Fault.RATE_LIMITED: "429 with Retry-After",
    Fault.SERVER_ERROR: "500 in plain text",
    Fault.BAD_GATEWAY: "502, a gateway's HTML page",
    Fault.UNAVAILABLE: "503 with Retry-After",
    Fault.UNAUTHORISED: "401 in plain text",
    Fault.FORBIDDEN: "403 in JSON",
    Fault.NOT_FOUND: "404 in plain text",
    Fault.NOT_FOUND_HTML: "404, a web server's HTML page",
    Fault.HTML: "200, an HTML page",
    Fault.GARBAGE: "200, JSON that is no progress answer",
    Fault.CUT: "the connection ends in the middle of the answer",
    Fault.SLOW: "the right answer, but late",
    Fault.TRICKLE: "an answer that comes byte by byte and never ends",
    Fault.RESET: "the connection is reset instead of an answer",
    Fault.HUGE: "200 with megabytes",
    Fault.REDIRECT: "302 to another host",
    Fault.STALE: "a dataset's list as it was when it was first asked for; any other answer is right",
    Fault.SHORT: "results that lack their last record",
    Fault.LONG_LINE: "results whose first line never ends",
    Fault.ENDLESS: "results with one record after another, without end",
    Fault.GZIP: "results packed with gzip, though nobody asked for that",
    Fault.BOMB: "results that are a few KiB of gzip and unpack without end",
    Fault.BOM: "results with a byte order mark before them",
    Fault.NO_BODY: "200 without any results",
    Fault.BUILDING: "200 with `Snapshot is building` instead of results, or of their number of parts",
    Fault.NOT_READY: "400 `Snapshot is not ready` instead of results, or of their number of parts",
    Fault.MANY_PARTS: "a million as the number of parts",
}
"""The effect of each fault, for `--help`. A fault of results does not affect other answers."""

_IN_BOTH = frozenset({Fault.BUILDING, Fault.NOT_READY})
_IN_DATA = frozenset({Fault.SHORT, Fault.LONG_LINE, Fault.ENDLESS, Fault.GZIP, Fault.BOMB, Fault.BOM, Fault.NO_BODY})
OF_RESULTS = _IN_DATA | _IN_BOTH | {Fault.MANY_PARTS}
"""The faults that only affect results."""

IN_RESULTS: Mapping[str, frozenset[Fault]] = {
    "download": _IN_DATA | _IN_BOTH | {Fault.CUT},
    "scrape": _IN_DATA | {Fault.BUILDING, Fault.CUT},
    "parts": _IN_BOTH | {Fault.MANY_PARTS},
    "snapshots": frozenset({Fault.STALE}),
}
"""The faults that alter the correct answer to a request, by the kind of the request."""


class FaultInjector:
    """Decides the fault of the next request: first those queued, then by chance.

    Args:
        seed: the same seed gives the same faults for the same requests.
        chances: the probability of each fault; their sum is at most 1.

    Raises:
        ValueError: a probability is not between 0 and 1, or their sum is above 1.
    """

    def __init__(self, *, seed: int, chances: Mapping[Fault, float]) -> None:
        checked(chances)
        self._seed = seed
        self._chances = tuple((fault, chance) for fault, chance in chances.items() if chance > 0)
        self._ordered: deque[Fault | None] = deque()
        self.usual: Fault | None = None
        """The fault of every request for which none is queued; None leaves it to chance."""
        self._count = 0

    def order(self, fault: Fault | None, times: int = 1) -> None:
        """Queues a fault for the next requests, after those queued before; None queues correct answers."""
        self._ordered.extend([fault] * times)

    def next(self) -> Fault | None:
        """Returns the fault of the next request; None for a correct answer."""
        if self._ordered:
            return self._ordered.popleft()
        if self.usual is not None or not self._chances:
            return self.usual
        self._count += 1
        return self.by_chance(self._count)

    def by_chance(self, k: int) -> Fault | None:
        """Returns the fault of the k-th request that is decided by chance."""
        rng = mixed(self._seed, k) / 2**64
        for fault, chance in self._chances:
            rng -= chance
            if rng < 0:
                return fault
        return None


def mixed(seed: int, k: int) -> int:
    """Returns 64 pseudo-random bits, the same for the same two numbers (splitmix64's finaliser)."""
    bits = (seed * 0x9E3779B97F4A7C15 + (k + 1) * 0xD1B54A32D192ED03) % 2**64
    bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB % 2**64
    return bits ^ (bits >> 31)


def parse_faults(texts: Iterable[str]) -> dict[Fault, float]:
    """Parses the values of `--fault KIND=PROBABILITY`; raises as `parse_chances` does."""
    return parse_chances(texts, Fault)


def parse_chances(texts: Iterable[str], kinds: type[Kind]) -> dict[Kind, float]:
    """Parses texts of the form KIND=PROBABILITY.

    Raises:
        ValueError: a value is not valid; says what would be.
    """
    chances: dict[Kind, float] = {}
    for text in texts:
        kind, equals, number = text.partition("=")
        if not equals:
            raise ValueError(f"{text!r} is not KIND=PROBABILITY, as in {next(iter(kinds))}=0.05")
        try:
            fault = kinds(kind.strip().lower())
        except ValueError:
            raise ValueError(f"{kind!r} is no kind of fault; there are: {', '.join(kinds)}") from None
        try:
            chances[fault] = float(number)
        except ValueError:
            raise ValueError(f"{number!r} in {text!r} is not a probability between 0 and 1") from None
    checked(chances)
    return chances


def checked(chances: Mapping[Kind, float]) -> None:
    """Checks a set of probabilities.

    Raises:
        ValueError: a probability is not between 0 and 1, or their sum is above 1.
    """
    for fault, chance in chances.items():
        if not 0 <= chance <= 1:
            raise ValueError(f"{fault}={chance} is not a probability between 0 and 1")
    if sum(chances.values()) > 1 + 1e-9:
        raise ValueError(f"the probabilities of all faults together are above 1: {sum(chances.values()):g}")

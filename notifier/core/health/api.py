"""How the API does: when it counts as locked, as unreachable, when as well again, and how often it is tried meanwhile.

Whether the API answers is another axis than any snapshot's status. Only what all answers have in common counts here:
one good answer, of whatever snapshot, ends every count. The rules:

1. `LOCKED_AFTER` answers of 401 or 403 with no good one in between: `unauthorised`. One request a minute tries it.
2. `DOWN_AFTER` requests in a row without a proper answer, over at least `DOWN_FOR`: `unreachable`. One request at a
   time tries it, with growing pauses.
3. An answer of 429 is neither good nor bad: the breaker deals with it.
4. A refusal of one request (`core.refusals`) is an answer, so it ends `unreachable`; of the token it says nothing.

Times are seconds of a clock that nobody sets.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from notifier.core.model import Reason

LOCKED_AFTER = 3
DOWN_AFTER = 5
DOWN_FOR = 30.0

LIMITED_AFTER = 60.0
"""The breaker's hold is news when it lasts longer than that."""

LOCKED_PROBES = (60.0, 120.0, 240.0, 300.0)
DOWN_PROBES = (5.0, 10.0, 20.0, 40.0, 60.0)
"""The pauses before each probe; the last one is repeated."""

_LOCKED = frozenset({Reason.UNAUTHORISED, Reason.FORBIDDEN})


class ApiKind(StrEnum):
    """How the API does, in one word."""

    OK = "ok"
    UNAUTHORISED = "unauthorised"
    UNREACHABLE = "unreachable"
    RATE_LIMITED = "rate_limited"


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiState:
    """How the API does now, for status, pages and metrics.

    `since` is when it began to be so, None for as long as is known. `detail` is what the last bad answer said.
    `requests` are those of the last minute, `refusals` the answers of 429 in five minutes, as far as they are counted
    towards a block, and `held_for` how long no request will go.
    """

    kind: ApiKind
    since: datetime | None
    detail: str
    requests: int
    refusals: int
    held_for: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiNews:
    """The API does otherwise than before. `lasted` is how long the former trouble did, if there was one that is known.

    `held_for` is how long no request will go.
    """

    kind: ApiKind
    previous: ApiKind
    at: datetime
    detail: str = ""
    lasted: timedelta | None = None
    held_for: timedelta = timedelta(0)


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiHealth:
    """What is remembered of the last answers. `next_at` is when the next probe may go, None when all may."""

    kind: ApiKind = ApiKind.OK
    detail: str = ""
    locked: int = 0
    failures: int = 0
    failing_since: float | None = None
    probes: int = 0
    next_at: float | None = None


def after_answer(health: ApiHealth, reason: Reason | None, detail: str, now: float) -> ApiHealth:
    """The health after a request came to its end.

    Args:
        health: before it.
        reason: why it did not tell what was asked; None for a good answer.
        detail: one line about that, without secrets.
        now: when it ended.
    """
    if reason is None:
        return ApiHealth()
    if reason is Reason.RATE_LIMITED:
        return replace(health, failures=0, failing_since=None)
    if reason is Reason.REFUSED:
        return _refused(health, now)
    if reason in _LOCKED:
        health = replace(health, detail=detail, locked=health.locked + 1, failures=0, failing_since=None)
        if health.kind is not ApiKind.UNAUTHORISED and health.locked >= LOCKED_AFTER:
            health = replace(health, kind=ApiKind.UNAUTHORISED, probes=0)
        return _next_probe(health, now)
    since = now if health.failing_since is None else health.failing_since
    health = replace(health, detail=detail, failures=health.failures + 1, failing_since=since)
    if health.kind is ApiKind.OK and health.failures >= DOWN_AFTER and now - since >= DOWN_FOR:
        health = replace(health, kind=ApiKind.UNREACHABLE, probes=0)
    return _next_probe(health, now)


def _refused(health: ApiHealth, now: float) -> ApiHealth:
    """The health after the API refused one request for what was asked in it."""
    if health.kind is ApiKind.UNREACHABLE:
        return ApiHealth()
    return _next_probe(replace(health, failures=0, failing_since=None), now)


def after_probe_went(health: ApiHealth, now: float) -> ApiHealth:
    """The health after a request was let go to try the API: when the next one may, if this one never ends."""
    if health.kind is ApiKind.OK:
        return health
    return _next_probe(replace(health, probes=health.probes + 1), now)


def _next_probe(health: ApiHealth, now: float) -> ApiHealth:
    if health.kind is ApiKind.OK:
        return health
    pauses = LOCKED_PROBES if health.kind is ApiKind.UNAUTHORISED else DOWN_PROBES
    return replace(health, next_at=now + pauses[min(health.probes, len(pauses) - 1)])


def try_at_once(health: ApiHealth, now: float) -> ApiHealth:
    """The health when there is reason to believe that it is over: a new token, or somebody's wish."""
    return health if health.kind is ApiKind.OK else replace(health, probes=0, next_at=now)

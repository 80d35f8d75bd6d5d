"""Health of the API: when it counts as locked, unreachable or well, and how often it is probed meanwhile.

It is independent of any snapshot's status. Only what all answers have in common counts: one good answer, about any
snapshot, ends every count. The rules:

1. `LOCKED_AFTER` answers of 401 or 403 with no good one in between: `unauthorised`. One request a minute probes it.
2. `DOWN_AFTER` requests in a row without a proper answer, over at least `DOWN_FOR`: `unreachable`. One request at a
   time probes it, with growing pauses.
3. An answer of 429 is neither good nor bad: the breaker deals with it.
4. A refusal of one request (`core.snapshot.refusals`) is an answer, so it ends `unreachable`; it says nothing about the
   token.

Times are seconds of a monotonic clock.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from notifier.core.snapshot.model import Reason

LOCKED_AFTER = 3
DOWN_AFTER = 5
DOWN_FOR = 30.0

LIMITED_AFTER = 60.0
"""A hold of the breaker for at least this many seconds is reported."""

LOCKED_PROBES = (60.0, 120.0, 240.0, 300.0)
DOWN_PROBES = (5.0, 10.0, 20.0, 40.0, 60.0)
"""Seconds before each probe; the last one repeats."""

_LOCKED = frozenset({Reason.UNAUTHORISED, Reason.FORBIDDEN})


class ApiKind(StrEnum):
    """The state of the API in one word."""

    OK = "ok"
    UNAUTHORISED = "unauthorised"
    UNREACHABLE = "unreachable"
    RATE_LIMITED = "rate_limited"


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiState:
    """The state of the API now, for status, pages and metrics.

    Attributes:
        since: when this state began; None if it has been so as long as is known.
        detail: what the last bad answer said.
        requests: requests in the last minute.
        refusals: answers of 429 in five minutes, as far as they count towards a block.
        held_for: how long no request will be made.
    """

    kind: ApiKind
    since: datetime | None
    detail: str
    requests: int
    refusals: int
    held_for: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiNews:
    """A change of the API's state.

    `lasted` is how long the former trouble lasted, if that is known; `held_for` how long no request will be made.
    """

    kind: ApiKind
    previous: ApiKind
    at: datetime
    detail: str = ""
    lasted: timedelta | None = None
    held_for: timedelta = timedelta(0)


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiHealth:
    """What is known from the last answers. `next_at` is when the next probe may be made; None: all requests may."""

    kind: ApiKind = ApiKind.OK
    detail: str = ""
    locked: int = 0
    failures: int = 0
    failing_since: float | None = None
    probes: int = 0
    next_at: float | None = None


def after_answer(health: ApiHealth, reason: Reason | None, detail: str, now: float) -> ApiHealth:
    """Return the health after a request has ended.

    Args:
        health: before it.
        reason: why there was no good answer; None for a good one.
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
    """Return the health after the API refused one request because of what it asked."""
    if health.kind is ApiKind.UNREACHABLE:
        return ApiHealth()
    return _next_probe(replace(health, failures=0, failing_since=None), now)


def after_probe_went(health: ApiHealth, now: float) -> ApiHealth:
    """Return the health after a probe was started: when the next one may be made if this one never ends."""
    if health.kind is ApiKind.OK:
        return health
    return _next_probe(replace(health, probes=health.probes + 1), now)


def _next_probe(health: ApiHealth, now: float) -> ApiHealth:
    if health.kind is ApiKind.OK:
        return health
    pauses = LOCKED_PROBES if health.kind is ApiKind.UNAUTHORISED else DOWN_PROBES
    return replace(health, next_at=now + pauses[min(health.probes, len(pauses) - 1)])


def try_at_once(health: ApiHealth, now: float) -> ApiHealth:
    """Return the health that allows a probe now: there is a new token, or a person asks for it."""
    return health if health.kind is ApiKind.OK else replace(health, probes=0, next_at=now)

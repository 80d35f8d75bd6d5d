"""Refusals of a snapshot or a dataset: repeated 4xx answers that will not change. Pure.

One such answer (`Reason.REFUSED`) may be an accident; `REFUSED_TIMES` in a row count as final. A refusal is never a
snapshot's status: the snapshot keeps its own, and is polled on with growing pauses.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from notifier.core.backoff import backoff
from notifier.core.snapshot.model import DatasetWatch, Observation, Reason, Unclear, Watch

REFUSED_TIMES = 3
"""Refusals in a row, with no status and no 404 in between, that count as final."""

LONGEST_REFUSED_PAUSE = timedelta(minutes=10)
"""The longest pause of a refused snapshot, unless its usual pause is longer."""

_PASSING = frozenset({401, 402, 403, 404, 407, 408, 409, 421, 423, 424, 425, 429})


def will_not_change(status_code: int) -> bool:
    """Whether the same request will get this HTTP status code the next time too.

    True of the 4xx that speak of the request itself (400, 405, 410, 422 and others). Not of those that speak of the
    account (401, 402, 403), of the moment (408, 409, 421, 423, 424, 425, 429) or of a proxy (407); and 404 is an
    answer of its own.
    """
    return 400 <= status_code < 500 and status_code not in _PASSING


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusals:
    """How many refusals in a row there were; `detail` is the last answer, in one line without secrets."""

    count: int = 0
    detail: str = ""

    @property
    def for_good(self) -> bool:
        """Whether the refusals count as final."""
        return self.count >= REFUSED_TIMES


NONE = Refusals()
"""No refusal."""


def after(refusals: Refusals, observation: Observation) -> Refusals:
    """Return the refusals after one more observation; other errors of the API leave them as they are."""
    match observation:
        case Unclear(reason=Reason.REFUSED, detail=detail):
            return replace(refusals, count=refusals.count + 1, detail=detail)
        case Unclear():
            return refusals
        case _:
            return NONE


def refused_pause(refusals: Refusals, usual: timedelta) -> timedelta:
    """Return the pause before the next poll: the usual one, doubled with each refusal once they count as final."""
    if not refusals.for_good:
        return usual
    times = refusals.count - REFUSED_TIMES + 2
    return backoff(times, first=usual, longest=max(usual, LONGEST_REFUSED_PAUSE))


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusalNews:
    """Bright Data refuses a watch for good, or (`over`) answers again.

    Attributes:
        subject: the id of the snapshot or the dataset.
        name: the name of its watch.
        detail: the last answer.
    """

    subject: str
    name: str
    over: bool
    count: int = 0
    detail: str = ""


def news(before: Refusals, now: Refusals, watch: Watch | DatasetWatch) -> RefusalNews | None:
    """Return what operators are to know after one more observation of a watch; None if nothing changed."""
    if before.for_good == now.for_good:
        return None
    subject = watch.snapshot_id if isinstance(watch, Watch) else watch.dataset_id
    return RefusalNews(subject=subject, name=watch.name, over=not now.for_good, count=now.count, detail=now.detail)


def known_before() -> Refusals:
    """Return the refusals of what an earlier run reported as refused for good."""
    return Refusals(count=REFUSED_TIMES)

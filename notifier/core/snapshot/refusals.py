"""When the API refuses for good to tell of a snapshot or a dataset: a 4xx that will not change, again and again. Pure.

One such answer (`Reason.REFUSED`) may be an accident of theirs. `REFUSED_TIMES` of them in a row are taken for good. A
refusal is never a snapshot's status: the snapshot keeps its own, and is polled on, with growing pauses.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from notifier.core.backoff import backoff
from notifier.core.model import DatasetWatch, Observation, Reason, Unclear, Watch

REFUSED_TIMES = 3
"""Refusals in a row, with no status and no 404 in between, that are taken for good."""

LONGEST_REFUSED_PAUSE = timedelta(minutes=10)
"""A refused snapshot is polled this often at least, unless its usual pause is longer."""

_PASSING = frozenset({401, 402, 403, 404, 407, 408, 409, 421, 423, 424, 425, 429})


def will_not_change(status_code: int) -> bool:
    """Whether the same request will be answered with this status code of HTTP the next time too.

    True of the 4xx that speak of the request itself (400, 405, 410, 422 and others). Not of those that speak of the
    account (401, 402, 403), of the moment (408, 409, 421, 423, 424, 425, 429) or of a proxy (407); and 404 is an
    answer of its own.
    """
    return 400 <= status_code < 500 and status_code not in _PASSING


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusals:
    """How often in a row the API has refused to tell; `detail` is its last answer, in one line without secrets."""

    count: int = 0
    detail: str = ""

    @property
    def for_good(self) -> bool:
        """Whether the refusals are taken for good."""
        return self.count >= REFUSED_TIMES


NONE = Refusals()
"""Nothing was refused."""


def after(refusals: Refusals, observation: Observation) -> Refusals:
    """The refusals after one more observation: another trouble of the API leaves them as they are."""
    match observation:
        case Unclear(reason=Reason.REFUSED, detail=detail):
            return replace(refusals, count=refusals.count + 1, detail=detail)
        case Unclear():
            return refusals
        case _:
            return NONE


def refused_pause(refusals: Refusals, usual: timedelta) -> timedelta:
    """The pause to the next poll: the usual one, doubled with each refusal once they are taken for good."""
    if not refusals.for_good:
        return usual
    times = refusals.count - REFUSED_TIMES + 2
    return backoff(times, first=usual, longest=max(usual, LONGEST_REFUSED_PAUSE))


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusalNews:
    """Bright Data refuses for good to tell of a watch, or (`over`) tells of it again.

    `subject` is the id of the snapshot or the dataset, `name` that of its watch, and `detail` the last answer.
    """

    subject: str
    name: str
    over: bool
    count: int = 0
    detail: str = ""


def news(before: Refusals, now: Refusals, watch: Watch | DatasetWatch) -> RefusalNews | None:
    """What is news for operators after one more observation of the watch; None if nothing is."""
    if before.for_good == now.for_good:
        return None
    subject = watch.snapshot_id if isinstance(watch, Watch) else watch.dataset_id
    return RefusalNews(subject=subject, name=watch.name, over=not now.for_good, count=now.count, detail=now.detail)


def known_before() -> Refusals:
    """What an earlier run has found to be refused for good."""
    return Refusals(count=REFUSED_TIMES)

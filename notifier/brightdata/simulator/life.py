"""The life of a simulated snapshot: its status at each age, and its facts at the end. Pure.

The fields of an answer at each status are those observed of the real API: `running_time` while it runs, `records`,
`errors` and `collection_duration` at the end, `error_codes` when something went wrong, `error_message` when it failed.
"""

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from notifier.core.snapshot.statuses import ENDS, canonical

_NO_FACTS: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A status and its duration in simulated seconds; the last one of a life lasts for ever."""

    status: str
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Life:
    """The steps of a snapshot's life, and the facts of the last one.

    For the first `hidden_for` simulated seconds the API answers 404; then the steps begin. Once the snapshot is ready,
    its results are built for another `builds_for` simulated seconds. They have `error_rows` more rows than the facts
    have records, as those of a collection with `include_errors`.

    Raises:
        ValueError: there is no step.
    """

    steps: tuple[Step, ...]
    facts: Mapping[str, object] = field(default_factory=lambda: _NO_FACTS)
    hidden_for: float = 0.0
    builds_for: float = 0.0
    error_rows: int = 0

    def __post_init__(self) -> None:
        if not self.steps:
            raise ValueError("a life has at least one step")

    @property
    def seconds(self) -> float:
        """The simulated seconds until the last step begins."""
        return self.hidden_for + sum(step.seconds for step in self.steps[:-1])

    def status_at(self, age: float) -> str | None:
        """Returns the status at an age in simulated seconds; None while the API does not know the snapshot yet."""
        left = age - self.hidden_for
        if left < 0:
            return None
        for step in self.steps[:-1]:
            left -= step.seconds
            if left < 0:
                return step.status
        return self.steps[-1].status

    def changes_after(self, age: float) -> float:
        """Returns the age in simulated seconds at which the status at this age ends; infinity for the last one."""
        ends_at = self.hidden_for
        if age < ends_at:
            return ends_at
        for step in self.steps[:-1]:
            ends_at += step.seconds
            if age < ends_at:
                return ends_at
        return math.inf

    def at(self, age: float) -> dict[str, object] | None:
        """Returns the progress answer, without ids, at an age in simulated seconds; None for a 404."""
        if age >= self.seconds:
            return {"status": self.steps[-1].status, **self.facts}
        status = self.status_at(age)
        if status is None:
            return None
        if status == "starting":
            return {"status": status}
        return {"status": status, "running_time": int((age - self.hidden_for) * 1000)}


def of(
    *statuses: str,
    seconds: float = 60.0,
    hidden_for: float = 0.0,
    builds_for: float = 0.0,
    error_rows: int = 0,
    **facts: object,
) -> Life:
    """Returns a life of these statuses: all but the last share the seconds evenly; the facts come with the last."""
    if canonical(statuses[-1]) == "ready" and "records" in facts:
        facts = {"errors": 0, **facts}  # the API reports both or neither
    each = seconds / max(1, len(statuses) - 1)
    steps = tuple(Step(status=status, seconds=each) for status in statuses)
    if canonical(statuses[-1]) in ENDS - {"canceled"} and "error_message" not in facts:
        facts = {**facts, "collection_duration": int(seconds * 1000)}
    return Life(
        steps=steps,
        facts=MappingProxyType(facts),
        hidden_for=hidden_for,
        builds_for=builds_for,
        error_rows=error_rows,
    )


def complete(*, seconds: float = 60.0, records: int = 10, builds_for: float = 0.0) -> Life:
    """Ready, with records and no errors."""
    return of("starting", "running", "ready", seconds=seconds, builds_for=builds_for, records=records, errors=0)


def partial(*, seconds: float = 60.0, records: int = 8, errors: int = 2) -> Life:
    """Ready, with records and errors."""
    codes = {"dead_page": errors}
    return of("starting", "running", "ready", seconds=seconds, records=records, errors=errors, error_codes=codes)


def empty(*, seconds: float = 60.0, errors: int = 1) -> Life:
    """Ready, with nothing in it."""
    codes = {"dead_page": errors}
    return of("starting", "running", "ready", seconds=seconds, records=0, errors=errors, error_codes=codes)


def failed(*, seconds: float = 60.0, message: str = "Collector crashed: the page changed its layout") -> Life:
    """Failed, with a reason."""
    return of("starting", "running", "failed", seconds=seconds, error_message=message)


def canceled(*, seconds: float = 60.0) -> Life:
    """Canceled by somebody."""
    return of("starting", "running", "canceled", seconds=seconds, error_codes={"aborted_page": 1})


def unknown_words(*, seconds: float = 60.0, records: int = 10) -> Life:
    """Ready, after statuses that the API's reference does not list."""
    words = ("queued", "pending", "collecting", "digesting", "validating", "closing", "pondering", "ready")
    return of(*words, seconds=seconds, records=records, errors=0)


def slow(*, seconds: float = 48 * 3600.0) -> Life:
    """Complete after days: until then it appears stuck."""
    return complete(seconds=seconds)


def quiet(*, seconds: float = 30 * 86_400.0) -> Life:
    """Running for a month: one of the many that fill an account."""
    return of("running", "ready", seconds=seconds, records=10, errors=0)


def cut_short() -> Life:
    """Canceled at once."""
    return of("canceled", error_codes={"aborted_page": 1})


def appears_late(*, hidden_for: float = 20.0, seconds: float = 60.0) -> Life:
    """Complete, but 404 for the first seconds, as the API answers after a trigger."""
    return of("running", "ready", seconds=seconds, hidden_for=hidden_for, records=10, errors=0)


LIVES: Mapping[str, Callable[[], Life]] = MappingProxyType(
    {
        "complete": complete,
        "partial": partial,
        "empty": empty,
        "failed": failed,
        "canceled": canceled,
        "unknown_words": unknown_words,
        "slow": slow,
        "appears_late": appears_late,
    }
)
"""The ready-made lives by their names."""

_MAKERS: tuple[tuple[int, Callable[[random.Random, float], Life]], ...] = (
    (60, lambda rng, seconds: complete(seconds=seconds, records=rng.randint(1, 5_000))),
    (12, lambda rng, seconds: partial(seconds=seconds, records=rng.randint(1, 5_000), errors=rng.randint(1, 50))),
    (6, lambda rng, seconds: empty(seconds=seconds, errors=rng.randint(1, 50))),
    (8, lambda _, seconds: failed(seconds=seconds)),
    (4, lambda _, seconds: canceled(seconds=seconds)),
    (6, lambda rng, seconds: unknown_words(seconds=seconds, records=rng.randint(1, 5_000))),
    (4, lambda rng, seconds: appears_late(seconds=seconds, hidden_for=rng.uniform(1, 20))),
)


def random_life(rng: random.Random) -> Life:
    """Returns a typical life: most are complete, half of them within a minute, a few take hours."""
    maker = rng.choices([make for _, make in _MAKERS], weights=[weight for weight, _ in _MAKERS])[0]
    return maker(rng, min(max(60.0 * rng.lognormvariate(0, 1.2), 2.0), 6 * 3600.0))

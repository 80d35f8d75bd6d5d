"""Stand-ins for what the use cases meet at their edges, and short ways to values. `test_fakes.py` tests them."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from notifier.brightdata.limits.permit import Permit
from notifier.core.delivery.model import Deliverable, Event, Notice, Outcome, OutcomeKind
from notifier.core.delivery.routing import event_of
from notifier.core.snapshot.model import Facts, Observation, Reason, Seen, Transition, Unclear, Watch
from notifier.core.snapshot.statuses import names_of

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
"""The time at which a test begins, unless it says otherwise."""

NO_FACTS = Facts()
DELIVERED = Outcome(kind=OutcomeKind.DELIVERED, reason="http_200")
DOWN = Outcome(kind=OutcomeKind.RETRY, reason="http_503")
REFUSED = Outcome(kind=OutcomeKind.PERMANENT, reason="http_404")
OUTAGE = Unclear(reason=Reason.SERVER_ERROR)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **duration: float) -> None:
        """Let time pass: `pass_(seconds=5)`."""
        self.now += timedelta(**duration)


class FakeObserver:
    """Answers polls from a script, one answer a poll; the last one is repeated. `polls` is what was asked."""

    def __init__(self, *answers: Observation) -> None:
        self.answers = list(answers)
        self.polls: list[str] = []

    async def observe(self, snapshot_id: str, *, permit: Permit | None = None) -> Observation:
        """The next answer of the script."""
        self.polls.append(snapshot_id)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class FakeChannel:
    """Answers sends from a script, one outcome a send; the last one is repeated. `sent` is what was sent, `left_out`
    which targets had it already.

    With `held` a send waits for `release()`; `begun` counts the sends that were begun.
    """

    def __init__(self, name: str = "chat", *outcomes: Outcome, held: bool = False) -> None:
        self.name = name
        self.outcomes = list(outcomes) or [DELIVERED]
        self.sent: list[tuple[Deliverable, ...]] = []
        self.left_out: list[frozenset[str]] = []
        self.begun = asyncio.Semaphore(0)
        self._gate = asyncio.Event()
        if not held:
            self._gate.set()

    def release(self) -> None:
        """Let the sends go through from now on."""
        self._gate.set()

    def batchable(self, told: Sequence[Deliverable]) -> Sequence[Deliverable]:
        """All of them: it takes any message."""
        return told

    async def send(self, told: Sequence[Deliverable], reached: Collection[str] = ()) -> Outcome:
        """The next outcome of the script."""
        self.begun.release()
        await self._gate.wait()
        self.sent.append(tuple(told))
        self.left_out.append(frozenset(reached))
        return self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]


class Collected(list[Any]):
    """A list that is also called with its next item, and awaited to reach a length."""

    def __init__(self) -> None:
        super().__init__()
        self._grown = asyncio.Event()

    def __call__(self, item: Any) -> None:
        self.append(item)
        self._grown.set()

    async def reaches(self, length: int) -> None:
        """Wait until there are so many items."""
        while len(self) < length:
            self._grown.clear()
            await self._grown.wait()


def fixed_jitter(value: float = 0.5) -> Callable[[], float]:
    """A source of jitter that gives the same number each time."""
    return lambda: value


def watch(snapshot_id: str = "s_1", **changes: Any) -> Watch:
    """A watch that tells `chat` everything."""
    given: dict[str, Any] = {
        "id": snapshot_id,
        "snapshot_id": snapshot_id,
        "name": "Prices",
        "every": timedelta(seconds=30),
        "notify": ("chat",),
        "on": ("all",),
    }
    return Watch(**{**given, **changes})


def seen(status: str, **facts: Any) -> Seen:
    """A poll that told this status, with these facts."""
    return Seen(status=status, facts=Facts(**facts))


def transition(status: str = "ready", facts: Facts = NO_FACTS, **changes: Any) -> Transition:
    """A transition from running to this status."""
    given: dict[str, Any] = {
        "snapshot_id": "s_1",
        "revision": 2,
        "previous": "running",
        "status": status,
        "names": names_of(status, facts),
        "facts": facts,
        "observed_at": START,
    }
    return Transition(**{**given, **changes})


def event(status: str = "ready", facts: Facts = NO_FACTS, *, name: str = "Prices", labels: Any = None) -> Event:
    """The event of such a transition."""
    return event_of(transition(status, facts), watch(name=name, labels=labels or {}))


def notice(kind: str = "broken", *, subject: str = "channel:mail", at: datetime = START) -> Notice:
    """What the operators are told of a channel."""
    return Notice(id=f"ntc_{subject}_{kind}_{at:%H%M%S%f}", kind=kind, subject=subject, title="it", body="so", at=at)


def on_grid(moments: Iterable[datetime], interval: timedelta) -> bool:
    """Whether all moments lie whole intervals apart."""
    first, *rest = moments
    return all((moment - first) % interval == timedelta(0) for moment in rest)

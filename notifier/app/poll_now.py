"""Polls a snapshot because somebody asks for it, and says what came of it."""

import asyncio
from collections.abc import Callable

from notifier.core.action_results import PollResult
from notifier.core.health.api import ApiKind, ApiState
from notifier.core.outcomes import AnyOutcome, PollOutcome, answer_word
from notifier.core.snapshot.model import NotFound, Reason, Unclear
from notifier.core.words import one_line, span
from notifier.telemetry.reporter import Reporter

LONGEST_S = 5.0
"""Seconds that somebody waits for the answer."""

MOST_WAITING = 100
"""Requests that wait for an answer; more are not answered with what came of the poll."""

_LONGEST_DETAIL = 200

_WHY = {
    Reason.UNAUTHORISED: "Bright Data refuses the token",
    Reason.FORBIDDEN: "Bright Data refuses the token",
    Reason.RATE_LIMITED: "Bright Data wants fewer requests",
    Reason.SERVER_ERROR: "Bright Data has an error",
    Reason.TIMEOUT: "Bright Data did not answer in time",
    Reason.CONNECTION: "no connection to Bright Data",
    Reason.NONSENSE: "the answer of Bright Data makes no sense",
    Reason.REFUSED: "Bright Data refuses to answer for this snapshot",
}

_HELD = {
    ApiKind.OK: "",
    ApiKind.UNAUTHORISED: ", because Bright Data refuses the token",
    ApiKind.UNREACHABLE: ", because Bright Data is unreachable",
    ApiKind.RATE_LIMITED: ", because Bright Data wants fewer requests",
}


class PollNow(Reporter):
    """Has a snapshot polled, and waits for the outcome, which is reported to it as every other is."""

    def __init__(
        self, *, hasten: Callable[[str], bool], api: Callable[[], ApiState], longest: float = LONGEST_S
    ) -> None:
        """
        Args:
            hasten: polls a snapshot at once; returns whether it is watched and has not ended.
            api: how Bright Data does.
            longest: seconds to wait for the answer.
        """
        self._hasten = hasten
        self._api = api
        self._longest = longest
        self._waiting: dict[str, list[asyncio.Future[PollOutcome]]] = {}

    def report(self, outcome: AnyOutcome) -> None:
        """Tell those who wait for it."""
        if not self._waiting or not isinstance(outcome, PollOutcome) or outcome.observation is None:
            return
        for future in self._waiting.pop(outcome.watch.snapshot_id, ()):
            if not future.done():
                future.set_result(outcome)

    async def __call__(self, snapshot_id: str) -> PollResult | None:
        """Poll a snapshot, and return what came of it; None if it is not watched, or has ended."""
        if not self._hasten(snapshot_id):
            return None
        if self._held_s() > self._longest or sum(map(len, self._waiting.values())) >= MOST_WAITING:
            return PollResult(polled=snapshot_id, text=self._why_not_yet())
        future: asyncio.Future[PollOutcome] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(snapshot_id, []).append(future)
        try:
            async with asyncio.timeout(self._longest):
                return answered(await future)
        except TimeoutError:
            return PollResult(polled=snapshot_id, text=self._why_not_yet())
        finally:
            self._forget(snapshot_id, future)

    def _forget(self, snapshot_id: str, future: asyncio.Future[PollOutcome]) -> None:
        left = [each for each in self._waiting.get(snapshot_id, ()) if each is not future]
        if left:
            self._waiting[snapshot_id] = left
        else:
            self._waiting.pop(snapshot_id, None)

    def _held_s(self) -> float:
        return self._api().held_for.total_seconds()

    def _why_not_yet(self) -> str:
        state = self._api()
        if state.held_for.total_seconds() >= 1:
            return f"Not polled yet: no request goes for {span(state.held_for)}{_HELD[state.kind]}. Then it is polled."
        return "Not answered yet: other polls go first, or the answer takes long. It shows here when it comes."


def answered(outcome: PollOutcome) -> PollResult:
    """Return what came of a poll; its outcome has an observation."""
    observation = outcome.observation
    assert observation is not None
    word = answer_word(observation)
    match observation:
        case Unclear(reason=reason, detail=detail):
            said = one_line(detail, _LONGEST_DETAIL).rstrip(".")
            text = f"Not polled: {_WHY[reason]}{f' ({said})' if said else ''}."
        case NotFound():
            text = "Polled: Bright Data does not find it."
        case _:
            same = not outcome.committed and not outcome.superseded
            text = f"Polled: {'still ' if same else ''}{word}."
    return PollResult(polled=outcome.watch.snapshot_id, answer=word, text=text)

"""The simulated Bright Data of the tests: its time passes when a test says so, and a test can wait for requests."""

from collections import deque

from acceptance.harness import TOKEN, Journal
from notifier.brightdata.simulator import Simulator
from notifier.brightdata.simulator.server import AnsweredRequest


class BrightData(Simulator):
    """A simulator that takes only the tests' token, with a clock that stands still until `advance()`.

    `asked` is the journal of what it was asked.
    """

    def __init__(self) -> None:
        self._now = 1_000.0
        super().__init__(clock=lambda: self._now, token=TOKEN, retry_after=1, slow_seconds=3600)
        self.asked: Journal[AnsweredRequest] = Journal("Bright Data")
        self.log = _Told(self.asked)

    def advance(self, seconds: float) -> None:
        """Let simulated seconds pass."""
        self._now += seconds
        self.notifications.wake()

    async def more_asked(self, number: int) -> None:
        """Wait until that many more requests came."""
        await self.asked.count(len(self.asked) + number)


class _Told(deque[AnsweredRequest]):
    """The simulator's own log, told to a journal."""

    def __init__(self, journal: Journal[AnsweredRequest]) -> None:
        super().__init__()
        self._journal = journal

    def append(self, request: AnsweredRequest) -> None:
        self._journal.add(request)

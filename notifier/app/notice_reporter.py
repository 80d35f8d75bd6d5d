"""Turns outcomes that are a trouble of the notifier, or the end of one, into notices to the operators."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from notifier.app.background_queue import BackgroundQueue
from notifier.core.health.api import ApiNews
from notifier.core.health.store import StoreNews
from notifier.core.outcomes import AnyOutcome, ChannelChange, HttpListening, ListOutcome, PollOutcome
from notifier.core.snapshot.refusals import RefusalNews
from notifier.core.snapshot.rotation import TrustNews
from notifier.core.snapshot.statuses import NAMES, is_known_word
from notifier.core.work_units import Kinds, UnitFault
from notifier.delivery.operator_notices import OperatorNotices
from notifier.delivery.out_of_band import OutOfBandNotices
from notifier.telemetry.reporter import Reporter


class NoticeReporter(Reporter):
    """Queues the notices; they are written to the outbox in the background.

    A trouble of the store bypasses the outbox (`delivery.out_of_band`).
    """

    def __init__(
        self,
        operators: OperatorNotices,
        *,
        background: BackgroundQueue,
        out_of_band: OutOfBandNotices,
        clock: Callable[[], datetime],
    ) -> None:
        """
        Args:
            operators: writes the notices.
            background: the queue in which that is done.
            out_of_band: sends notices of the store.
            clock: the time, UTC.
        """
        self._operators = operators
        self._background = background
        self._out_of_band = out_of_band
        self._clock = clock
        self._since = clock()
        self._fault_kinds = Kinds()

    def report(self, outcome: AnyOutcome) -> None:
        """Queue the notice of an outcome to the operators, if it needs one."""
        operators = self._operators
        match outcome:
            case PollOutcome():
                self._polled(outcome)
            case ListOutcome(refusal=RefusalNews() as news):
                self._notice(operators.refusal_changed, news)
            case TrustNews():
                self._notice(operators.list_trust_changed, outcome)
            case ApiNews():
                self._notice(operators.api_changed, outcome)
            case ChannelChange():
                self._notice(operators.channel_changed, outcome.channel, outcome.verdict, outcome.outcome)
            case HttpListening():
                self._notice(operators.listening, outcome.address, outcome.trouble)
            case StoreNews():
                self._out_of_band.store_changed(outcome)
            case UnitFault() if self._fault_kinds.is_news(outcome, self._clock()):
                self._notice(operators.faulted, outcome)
            case _:
                pass

    async def notify_store_works(self) -> None:
        """Tell that the database works, if it ended the last daemon."""
        self._notice(self._operators.store_works)

    async def notify_faults_over(self) -> None:
        """Tell of the internal errors that have not come up for long enough to be over."""
        self._notice(self._operators.faults_over, self._fault_kinds, self._since)

    def _polled(self, outcome: PollOutcome) -> None:
        if outcome.refusal is not None:
            self._notice(self._operators.refusal_changed, outcome.refusal)
        for each in outcome.committed:
            transition = each.event.transition
            if transition.status not in NAMES and not is_known_word(transition.status):
                self._notice(self._operators.unknown_word, transition.status, transition.snapshot_id)

    def _notice(self, notice: Callable[..., Awaitable[None]], *arguments: Any) -> None:
        self._background.notice(notice, *arguments)

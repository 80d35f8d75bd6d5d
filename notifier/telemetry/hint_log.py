"""Logs what hints came to: those that led to something one by one, the useless ones at most once a minute."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import structlog

from notifier.core.outcomes import HintOutcome
from notifier.core.snapshot.hint_queue import HintResult

LOGGED_EVERY_S = 60.0
"""The least time between two lines about hints of the same result: anybody can send them without end."""

_USELESS = frozenset({HintResult.UNKNOWN, HintResult.NAMELESS, HintResult.DROPPED, HintResult.REFUSED})


class HintLog:
    """Writes the log of hints."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """
        Args:
            clock: monotonic seconds.
        """
        self._log: Any = structlog.get_logger("notifier")
        self._clock = clock
        self._since = Counter[HintResult]()
        self._logged_at: dict[HintResult, float] = {}

    def report(self, outcome: HintOutcome) -> None:
        """Log a hint, or count it for the next line about such hints."""
        result, now = outcome.result, self._clock()
        if result is HintResult.ADOPTED:
            self._log.info("hint.adopted", snapshot=outcome.snapshot_id)
            return
        if result not in _USELESS:
            self._log.debug("hint.taken", snapshot=outcome.snapshot_id, result=result.value)
            return
        self._since[result] += 1
        last = self._logged_at.get(result)
        if last is None or now - last >= LOGGED_EVERY_S:
            self._logged_at[result] = now
            self._log.warning(
                "hint.useless",
                result=result.value,
                count=self._since.pop(result),
                snapshot=outcome.snapshot_id or None,
            )

"""Runs a channel's sends, each in a thread and within bounds; cuts one that exceeds them.

A call that does not wait for a connection cannot be cut: the lookup of a name whose server does not answer, or a plugin
that sleeps. Its thread is abandoned, and every connection that it wants to make later is refused, so that it cannot
send any more. A channel has at most `MOST_LEFT` such threads at a time.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from notifier.channels.bounds import MOST_RECEIVED, TOO_LARGE, SendBounds, bounded
from notifier.core.delivery.model import Outcome, OutcomeKind
from notifier.network import in_daemon_thread

MOST_LEFT = 3
"""Abandoned threads of one channel."""

GRACE_S = 2.0
"""Seconds for a thread to end after its connections are cut: it takes milliseconds, unless it waits for something
else."""

TIMED_OUT = "send_timeout"

_UNCERTAIN_OR_AGAIN = (OutcomeKind.UNCERTAIN, OutcomeKind.RETRY)


class BoundedSender:
    """The sends of one channel, one at a time."""

    def __init__(self, name: str, limit: timedelta) -> None:
        """
        Args:
            name: the channel's name.
            limit: the time after which a send is cut.
        """
        self._name = name
        self._limit = limit
        self._left: set[asyncio.Future[Outcome]] = set()

    async def run(self, send: Callable[[], Outcome]) -> tuple[Outcome, bool]:
        """Runs a send; returns its outcome, and whether it was cut: then what it uses may still be in use."""
        self._left = {each for each in self._left if not each.done()}
        if len(self._left) >= MOST_LEFT:
            detail = f"{len(self._left)} earlier sends hang where they cannot be cut, as in the lookup of a name"
            return Outcome(kind=OutcomeKind.RETRY, reason="busy", detail=detail), False
        bounds = SendBounds()

        def within() -> Outcome:
            with bounded(bounds):
                return send()

        try:
            sending = in_daemon_thread(within, name=f"channel-{self._name}")
        except RuntimeError as error:  # no thread is available
            return Outcome(kind=OutcomeKind.RETRY, reason="no_thread", detail=str(error)), False
        try:
            await asyncio.wait({sending}, timeout=self._limit.total_seconds())
            if not sending.done():
                bounds.cut(TIMED_OUT)
                await asyncio.wait({sending}, timeout=GRACE_S)
        except asyncio.CancelledError:
            bounds.cut("stopped")
            raise
        if not sending.done():
            self._left.add(sending)
        return self._judged(sending, bounds), bool(bounds.reason)

    def _judged(self, sending: asyncio.Future[Outcome], bounds: SendBounds) -> Outcome:
        words = (
            f"more than {MOST_RECEIVED // 1024} KiB came back"
            if bounds.reason == TOO_LARGE
            else f"no end of the send within {self._limit.total_seconds():g} s"
        )
        if not sending.done():
            # Without a connection nothing can have been sent.
            kind, where = (
                (OutcomeKind.UNCERTAIN, "the connection was cut")
                if bounds.connected
                else (OutcomeKind.RETRY, "not even a connection: the name server may be silent")
            )
            return Outcome(kind=kind, reason=bounds.reason, detail=f"{words}; {where}")
        outcome = sending.result()
        if not bounds.reason or outcome.kind not in _UNCERTAIN_OR_AGAIN:
            return outcome
        return replace(outcome, reason=bounds.reason, detail=f"{words}; the connection was cut")

"""The operators are told of outcomes that are a trouble of the notifier, or the end of one, and of no others."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, cast

import pytest
from support.fakes import DELIVERED, START, Clock, event, seen, watch

from notifier.app.background_queue import BackgroundQueue
from notifier.app.notice_reporter import NoticeReporter
from notifier.core.health.api import ApiKind, ApiNews
from notifier.core.health.channel import ChannelVerdict
from notifier.core.health.store import StoreNews, StoreTrouble
from notifier.core.outcomes import (
    AnyOutcome,
    ChannelChange,
    ClockShift,
    CommittedEvent,
    HttpListening,
    ListOutcome,
    PollOutcome,
    ReloadOutcome,
)
from notifier.core.snapshot.refusals import RefusalNews
from notifier.core.snapshot.rotation import TrustNews
from notifier.core.work_units import WELL_AFTER, Unit, UnitFault
from notifier.delivery.operator_notices import OperatorNotices
from notifier.delivery.out_of_band import OutOfBandNotices

REFUSAL = RefusalNews(subject="s_1", name="One", over=False)
ZERO = timedelta(0)


class Names:
    """Stands for an object of whose methods only the names matter."""

    def __getattr__(self, name: str) -> str:
        return name


class Notes:
    """A reporter, and what it queues: the names of notices; `past_outbox` is what is told without the queue."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.queued: list[str] = []
        self.past_outbox: list[StoreNews] = []
        self.reporter = NoticeReporter(
            cast(OperatorNotices, Names()),
            background=cast(BackgroundQueue, self),
            out_of_band=cast(OutOfBandNotices, self),
            clock=self.clock,
        )

    def notice(self, notice: Callable[..., Awaitable[None]], *arguments: Any) -> None:
        self.queued.append(cast(str, notice))

    def store_changed(self, news: StoreNews) -> None:
        self.past_outbox.append(news)


def polled(*statuses: str, refusal: RefusalNews | None = None) -> PollOutcome:
    return PollOutcome(
        watch=watch(),
        observation=seen("running"),
        committed=tuple(CommittedEvent(event=event(each), channels=()) for each in statuses),
        superseded=False,
        lag=ZERO,
        duration=ZERO,
        pause=None,
        refusal=refusal,
    )


@pytest.mark.parametrize(
    ("outcome", "notices"),
    [
        (polled("ready", "running"), []),
        (polled("ready", "pondering"), ["unknown_word"]),
        (polled(refusal=REFUSAL), ["refusal_changed"]),
        (ListOutcome(dataset_id="gd_1", lag=ZERO, duration=ZERO), []),
        (ListOutcome(dataset_id="gd_1", lag=ZERO, duration=ZERO, refusal=REFUSAL), ["refusal_changed"]),
        (TrustNews(dataset_id="gd_1", stale=True), ["list_trust_changed"]),
        (ApiNews(kind=ApiKind.UNREACHABLE, previous=ApiKind.OK, at=START), ["api_changed"]),
        (ChannelChange(channel="chat", verdict=ChannelVerdict.BROKEN, outcome=DELIVERED), ["channel_changed"]),
        (HttpListening(address="127.0.0.1:8787", trouble="taken"), ["listening"]),
        (ClockShift(shift=timedelta(hours=1)), []),
        (ReloadOutcome(duration=ZERO), []),
    ],
)
def test_each_trouble_has_its_notice(outcome: AnyOutcome, notices: list[str]) -> None:
    notes = Notes()
    notes.reporter.report(outcome)
    assert notes.queued == notices


def test_a_trouble_of_the_store_is_told_past_the_outbox() -> None:
    notes, news = Notes(), StoreNews(trouble=StoreTrouble.FULL, at=START, detail="")
    notes.reporter.report(news)
    assert (notes.past_outbox, notes.queued) == ([news], [])


def test_an_internal_error_is_told_once_until_it_has_not_come_up_for_long() -> None:
    notes, fault = Notes(), UnitFault(unit=Unit.AUDIT, subject="", error=ValueError("x"))
    notes.reporter.report(fault)
    notes.reporter.report(fault)
    assert notes.queued == ["faulted"]
    notes.clock.pass_(seconds=WELL_AFTER.total_seconds())
    notes.reporter.report(fault)
    assert notes.queued == ["faulted"] * 2

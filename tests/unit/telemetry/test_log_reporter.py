"""What happened, as log lines: one place turns outcomes into them."""

from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.fakes import DELIVERED, DOWN, REFUSED, START, event, seen, watch

from notifier.core.delivery.model import Delivery, Outcome, OutcomeKind
from notifier.core.delivery.retry_decision import decide
from notifier.core.health.api import ApiKind, ApiNews
from notifier.core.health.store import StoreNews, StoreTrouble
from notifier.core.outcomes import (
    ClockShift,
    CommittedEvent,
    DeliveryOutcome,
    HeartbeatKind,
    HeartbeatOutcome,
    HttpListening,
    PollOutcome,
    UnreadableEntries,
)
from notifier.core.snapshot.model import Facts, NotFound, Observation, Reason, Unclear
from notifier.core.work_units import Unit, UnitFault
from notifier.telemetry.log_reporter import LogReporter


def poll(observation: Observation, *committed: CommittedEvent, superseded: bool = False) -> PollOutcome:
    return PollOutcome(
        watch=watch(),
        observation=observation,
        committed=committed,
        superseded=superseded,
        lag=timedelta(seconds=1),
        duration=timedelta(milliseconds=250),
        pause=None,
    )


def told_of(*polls: PollOutcome) -> list[dict[str, Any]]:
    """The lines about these polls, without those at debug."""
    with capture_logs() as lines:
        reporter = LogReporter()
        for each in polls:
            reporter.report(each)
    return [dict(line) for line in lines if line["log_level"] != "debug"]


def test_a_poll_that_changed_nothing_is_told_only_at_debug() -> None:
    with capture_logs() as lines:
        LogReporter().report(poll(NotFound()))
    assert [(line["log_level"], line["event"], line["answer"]) for line in lines] == [
        ("debug", "poll.done", "not_found")
    ]


def test_a_transition_is_told_with_all_that_identifies_it() -> None:
    committed = CommittedEvent(event=event("ready", Facts(records=3, errors=0)), channels=("chat",))
    (line,) = told_of(poll(seen("ready"), committed))
    assert line["event"] == "transition.committed"
    assert (line["event_id"], line["status"], line["names"], line["channels"]) == (
        committed.event.id,
        "ready",
        ["ready", "complete"],
        ["chat"],
    )


def test_a_poll_that_could_not_tell_says_why() -> None:
    (line,) = told_of(poll(Unclear(reason=Reason.SERVER_ERROR, detail="HTTP 500", retry_after=timedelta(seconds=7))))
    assert (line["event"], line["reason"], line["detail"]) == ("poll.unclear", "server_error", "HTTP 500")
    assert (line["log_level"], line["retry_after_s"]) == ("info", 7.0)


def test_a_trouble_of_the_api_is_told_when_it_begins_and_how_long_it_was_when_it_ends() -> None:
    with capture_logs() as lines:
        reporter = LogReporter()
        for kind, previous in ((ApiKind.UNREACHABLE, ApiKind.OK), (ApiKind.OK, ApiKind.UNREACHABLE)):
            reporter.report(ApiNews(kind=kind, previous=previous, at=START, lasted=timedelta(seconds=90)))
    assert [(line["log_level"], line["event"], line["was"]) for line in lines] == [
        ("warning", "api.trouble", "ok"),
        ("info", "api.recovered", "unreachable"),
    ]
    assert lines[1]["lasted_s"] == 90


def test_a_change_that_somebody_else_told_is_no_transition_here() -> None:
    assert [line["event"] for line in told_of(poll(seen("ready"), superseded=True))] == ["transition.superseded"]


@pytest.mark.parametrize(
    ("outcome", "age", "name", "level"),
    [
        (DELIVERED, timedelta(0), "delivery.delivered", "info"),
        (DOWN, timedelta(0), "delivery.retrying", "warning"),
        (REFUSED, timedelta(0), "delivery.retrying", "warning"),
        (Outcome(kind=OutcomeKind.UNCERTAIN, reason="read_timeout"), timedelta(0), "delivery.uncertain", "warning"),
        (DOWN, timedelta(days=3), "delivery.dead", "error"),
    ],
)
def test_each_end_of_an_attempt_has_a_name_of_its_own(outcome: Outcome, age: timedelta, name: str, level: str) -> None:
    delivery = Delivery(id=7, channel="chat", attempt=2, created_at=START, wanted_at=START, event=event())
    decision = decide(delivery, outcome, START + age, 0.5)
    with capture_logs() as lines:
        LogReporter().report(
            DeliveryOutcome(delivery=delivery, outcome=outcome, decision=decision, duration=timedelta(seconds=1))
        )
    (line,) = lines
    assert (line["event"], line["log_level"], line["delivery"], line["reason"]) == (name, level, 7, outcome.reason)
    assert ("next_try" in line) is (decision.not_before is not None)


def test_a_moved_clock_is_told() -> None:
    with capture_logs() as lines:
        LogReporter().report(ClockShift(shift=timedelta(hours=-1)))
    assert [(line["event"], line["shift_s"]) for line in lines] == [("clock.shifted", -3600.0)]


def test_a_database_that_cannot_be_written_is_an_error_and_its_end_says_how_long_it_lasted() -> None:
    with capture_logs() as lines:
        reporter = LogReporter()
        reporter.report(StoreNews(trouble=StoreTrouble.FULL, at=START, detail="no room"))
        reporter.report(
            StoreNews(trouble=StoreTrouble.FULL, at=START, detail="", over=True, lasted=timedelta(seconds=7))
        )
    assert [(line["log_level"], line["event"]) for line in lines] == [
        ("error", "store.trouble"),
        ("info", "store.recovered"),
    ]
    assert (lines[0]["trouble"], lines[1]["lasted_s"]) == ("full", 7.0)


def test_heartbeats_are_told_when_they_are_otherwise_than_before() -> None:
    kinds = (
        HeartbeatKind.SENT,
        HeartbeatKind.SENT,
        HeartbeatKind.FAILED,
        HeartbeatKind.FAILED,
        HeartbeatKind.WITHHELD,
        HeartbeatKind.SENT,
    )
    with capture_logs() as lines:
        reporter = LogReporter()
        for kind in kinds:
            reporter.report(HeartbeatOutcome(kind=kind))
    assert [line["event"] for line in lines] == [
        "heartbeat.sent",
        "heartbeat.failed",
        "heartbeat.withheld",
        "heartbeat.sent",
    ]


def test_where_the_daemon_listens_is_told_and_why_it_does_not() -> None:
    with capture_logs() as lines:
        for address, trouble in (("a:1", ""), ("a:1", "taken"), ("", "")):
            LogReporter().report(HttpListening(address=address, trouble=trouble))
    assert [(line["event"], line["log_level"]) for line in lines] == [
        ("http.listening", "info"),
        ("http.not_listening", "error"),
        ("http.off", "debug"),
    ]


def raised(error: Exception) -> Exception:
    """The error as it is caught: with its traceback."""
    try:
        raise error
    except type(error) as caught:
        return caught


def test_a_unit_that_raised_is_logged_each_time_and_its_traceback_once() -> None:
    reporter = LogReporter()
    with capture_logs() as lines:
        for failures in (1, 2):
            error = raised(OverflowError("date value out of range"))
            fault = UnitFault(
                unit=Unit.LIST, subject="gd_1", error=error, failures=failures, pause=timedelta(seconds=5 * failures)
            )
            reporter.report(fault)
    first, second = lines
    assert first["event"] == second["event"] == "unit.internal_error"
    assert (first["unit"], first["subject"], first["error"]) == (
        "list",
        "gd_1",
        "OverflowError: date value out of range",
    )
    assert (second["failures"], second["next_try_s"]) == (2, 10.0)
    assert "exc_info" in first
    assert "exc_info" not in second


def test_an_entry_that_cannot_be_read_is_named_once_however_often_its_list_has_it() -> None:
    reporter = LogReporter()
    with capture_logs() as lines:
        for _ in range(3):
            reporter.report(UnreadableEntries(dataset_id="gd_1", entries=('{"id":7}', "NaN")))
        reporter.report(UnreadableEntries(dataset_id="gd_2", entries=("NaN",)))
    assert [(line["event"], line["dataset"], line["count"], line["entries"]) for line in lines] == [
        ("list.entry_unreadable", "gd_1", 2, ['{"id":7}', "NaN"]),
        ("list.entry_unreadable", "gd_2", 1, ["NaN"]),
    ]

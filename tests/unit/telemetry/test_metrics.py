"""What is counted, under few labels whatever others say, and what is read off when Prometheus asks."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from support.deliveries import delivery_of
from support.fakes import DELIVERED, DOWN, START, Clock, event, seen, watch

from notifier.brightdata.limits.rate_limit_breaker import BreakerState
from notifier.core.config_diff import ConfigDiff
from notifier.core.delivery.model import Outcome, OutcomeKind
from notifier.core.delivery.retry_decision import decide
from notifier.core.health.api import ApiKind, ApiState
from notifier.core.health.jobs import JobState
from notifier.core.isolation import Faults
from notifier.core.outcomes import (
    AnyOutcome,
    ClockShift,
    CommittedEvent,
    DeliveryOutcome,
    DroppedDeliveries,
    HeartbeatKind,
    HeartbeatOutcome,
    ListOutcome,
    PollOutcome,
    ReloadOutcome,
    RequestOutcome,
    UnreadableEntries,
)
from notifier.core.snapshot.model import Observation, Reason, Unclear
from notifier.core.work_units import Unit, UnitFault
from notifier.telemetry.gauges import Readings, Stored
from notifier.telemetry.labels import MOST, OTHER, BoundedLabels, code_label, status_label
from notifier.telemetry.metrics import Metrics
from notifier.telemetry.reporter import Reporter, Reporters

API = ApiState(kind=ApiKind.OK, since=None, detail="", requests=0, refusals=2, held_for=timedelta(seconds=3))
READINGS = Readings(
    at=START,
    api=API,
    breaker=BreakerState.CLOSED,
    in_flight=1,
    due_polls=4,
    overdue=timedelta(seconds=5),
    watches={"snapshot": 2, "dataset": 1},
    snapshots={"running": 2},
    broken={"chat": False, "mail": True},
    config_hash="abc",
    jobs={"audit": JobState(last_run=START, duration=timedelta(seconds=2), failures=3, interval=timedelta(seconds=60))},
    stored=Stored(open_deliveries={"chat": 3, "gone": 1}, oldest_open=START - timedelta(seconds=60), healthy=True),
)


def samples(metrics: Metrics, readings: Readings = READINGS) -> dict[tuple[str, ...], float]:
    """Every sample of the page by its name and the values of its labels, in the order of their names."""
    families = text_string_to_metric_families(metrics.page(readings).decode())
    return {
        (sample.name.removeprefix("notifier_"), *(sample.labels[each] for each in sorted(sample.labels))): sample.value
        for family in families
        for sample in family.samples
    }


def poll(observation: Observation | None, *words: str) -> PollOutcome:
    committed = tuple(CommittedEvent(event=event(word), channels=()) for word in words)
    lag, duration = timedelta(seconds=2), timedelta(seconds=1)
    return PollOutcome(
        watch=watch(),
        observation=observation,
        committed=committed,
        superseded=False,
        lag=lag,
        duration=duration,
        pause=None,
    )


def delivery(outcome: Outcome, age: timedelta = timedelta(0)) -> DeliveryOutcome:
    made = replace(delivery_of(1, event()), channel="chat", created_at=START, wanted_at=START)
    decision = decide(made, outcome, START + age, 0.5)
    return DeliveryOutcome(delivery=made, outcome=outcome, decision=decision, duration=timedelta(seconds=1))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def metrics(clock: Clock) -> Metrics:
    return Metrics(clock)


def test_polls_are_counted_by_their_answer_and_transitions_by_their_status(metrics: Metrics) -> None:
    metrics.report(poll(seen("ready"), "ready"))
    metrics.report(poll(Unclear(reason=Reason.TIMEOUT)))
    metrics.report(poll(None, "stalled"))
    metrics.report(ListOutcome(dataset_id="d", lag=timedelta(0), duration=timedelta(0)))
    found = samples(metrics)
    polls = {key[1:]: value for key, value in found.items() if key[0] == "polls_total"}
    assert polls == {("status", "snapshot"): 1, ("timeout", "snapshot"): 1, ("status", "dataset"): 1}
    assert (found["transitions_total", "ready"], found["transitions_total", "stalled"]) == (1, 1)
    assert (found["poll_lag_seconds_count", "snapshot"], found["poll_lag_seconds_sum", "snapshot"]) == (2, 4)


def test_only_an_end_counts_as_a_delivery_and_every_attempt_as_one(metrics: Metrics, clock: Clock) -> None:
    metrics.configure(["chat", "mail"])
    clock.pass_(seconds=7)
    metrics.report(delivery(DOWN))
    metrics.report(delivery(DELIVERED))
    metrics.report(delivery(DOWN, timedelta(days=4)))
    metrics.report(DroppedDeliveries(channel="chat", reason="muted", number=5))
    found = samples(metrics)
    ends = {key[1:]: value for key, value in found.items() if key[0] == "deliveries_total"}
    assert ends == {
        ("chat", "delivered"): 1, ("chat", "dead"): 1, ("chat", "dropped"): 5,
        ("mail", "delivered"): 0, ("mail", "dead"): 0, ("mail", "dropped"): 0,
    }  # fmt: skip
    assert found["delivery_attempts_total", "chat", "retry", DOWN.reason] == 2
    assert (found["delivery_delay_seconds_count", "chat"], found["delivery_delay_seconds_sum", "chat"]) == (1, 7)
    assert found["deliveries_dropped_total", "chat", "muted"] == 5


def test_the_last_run_of_each_job_is_read_off_and_its_failures_are_a_counter(metrics: Metrics) -> None:
    found = {key[0]: value for key, value in samples(metrics).items() if key[0].startswith("job_")}
    assert found == {
        "job_last_run_timestamp_seconds": START.timestamp(), "job_last_duration_seconds": 2,
        "job_interval_seconds": 60, "job_failures_total": 3,
    }  # fmt: skip
    assert "# TYPE notifier_job_failures_total counter" in metrics.page(READINGS).decode()


def test_a_refused_reload_is_seen_until_one_is_done(metrics: Metrics, clock: Clock) -> None:
    clock.pass_(seconds=9)
    metrics.report(ReloadOutcome(refused=("x",), duration=timedelta(0)))
    found = samples(metrics)
    assert found["config_last_reload_successful",] == 0
    assert found["config_last_reload_success_timestamp_seconds",] == START.timestamp()
    metrics.report(ReloadOutcome(changed=ConfigDiff(), duration=timedelta(0)))
    found = samples(metrics)
    assert found["config_last_reload_successful",] == 1
    assert found["config_last_reload_success_timestamp_seconds",] == START.timestamp() + 9
    assert (found["config_reloads_total", "done"], found["config_reloads_total", "refused"]) == (1, 1)


def test_heartbeats_requests_and_the_clock_are_counted(metrics: Metrics) -> None:
    metrics.report(HeartbeatOutcome(kind=HeartbeatKind.WITHHELD))
    metrics.report(ClockShift(shift=timedelta(hours=1)))
    for status in (200, 204, 301, 404, 429, 503, None):
        metrics.report(RequestOutcome(status=status))
    found = samples(metrics)
    assert found["heartbeats_total", "withheld"] == found["clock_shifts_total",] == 1
    requests = {key[1]: value for key, value in found.items() if key[0] == "requests_total"}
    assert requests == {"2xx": 2, "3xx": 1, "4xx": 1, "429": 1, "5xx": 1, "none": 1}


def test_the_readings_are_on_the_page(metrics: Metrics) -> None:
    found = samples(metrics)
    assert found["open_deliveries", "chat"] == 3
    assert (found["open_deliveries", "mail"], found["open_deliveries", "gone"]) == (0, 1)
    assert found["oldest_open_delivery_age_seconds",] == 60
    assert (found["api_state", "ok"], found["api_state", "unauthorised"]) == (1, 0)
    assert (found["breaker_state", "closed"], found["breaker_state", "open"]) == (1, 0)
    assert (found["channel_broken", "chat"], found["channel_broken", "mail"]) == (0, 1)
    assert (found["due_polls",], found["poll_overdue_seconds",], found["recent_refusals",]) == (4, 5, 2)
    assert (found["healthy",], found["store_up",], found["config_info", "abc"]) == (1, 1, 1)


def test_a_store_that_does_not_answer_is_seen_and_the_rest_of_the_page_too(metrics: Metrics) -> None:
    found = samples(metrics, replace(READINGS, stored=None))
    assert (found["store_up",], found["healthy",], found["due_polls",]) == (0, 0, 4)
    assert not [key for key in found if "open_deliver" in key[0]]


def test_two_daemons_in_one_process_count_apart(metrics: Metrics, clock: Clock) -> None:
    metrics.report(ClockShift(shift=timedelta(hours=1)))
    assert samples(Metrics(clock))["clock_shifts_total",] == 0


@given(st.text())
def test_no_word_of_the_api_makes_a_label_of_its_own(word: str) -> None:
    known = {"ready", "failed", "canceled", "starting", "running", "building", OTHER}
    assert status_label(word) in known or status_label(word) == status_label(status_label(word))
    assert status_label(f"api:{word}") == OTHER


@given(st.integers(100, 599))
def test_status_codes_make_few_classes(status: int) -> None:
    assert code_label(status) in {"1xx", "2xx", "3xx", "4xx", "429", "5xx"}


@given(st.lists(st.text(st.sampled_from("ab_9 é\n"), max_size=50), max_size=300))
def test_reasons_make_few_labels_and_the_same_one_each_time(words: list[str]) -> None:
    few = BoundedLabels()
    labels = {word: few(word) for word in words}
    assert len(set(labels.values())) <= MOST + 1
    assert all(few(word) == label for word, label in labels.items())
    assert all(label in (word, OTHER) for word, label in labels.items())


def test_many_reasons_do_not_make_many_series(metrics: Metrics) -> None:
    for number in range(3 * MOST):
        metrics.report(delivery(Outcome(kind=OutcomeKind.RETRY, reason=f"odd_{number}")))
    found: dict[Any, float] = {key: n for key, n in samples(metrics).items() if key[0] == "delivery_attempts_total"}
    assert len(found) == MOST + 1
    assert found["delivery_attempts_total", "chat", "retry", OTHER] == 2 * MOST


def test_units_that_raised_and_entries_that_make_no_sense_are_counted(metrics: Metrics) -> None:
    metrics.report(UnitFault(unit=Unit.POLL, subject="s_1", error=ValueError("x")))
    metrics.report(UnitFault(unit=Unit.POLL, subject="s_2", error=KeyError("x")))
    metrics.report(UnreadableEntries(dataset_id="gd_1", entries=("NaN", "{}")))
    found = samples(metrics)
    assert found["internal_errors_total", "poll"] == 2
    assert found["internal_errors_total", "audit"] == 0
    assert found["list_entries_unreadable_total",] == 2


def test_a_reporter_that_raises_costs_no_other_a_word() -> None:
    class Broken(Reporter):
        def report(self, outcome: AnyOutcome) -> None:
            raise KeyError("x")

    class Good(Reporter):
        def __init__(self) -> None:
            self.told: list[object] = []

        def report(self, outcome: AnyOutcome) -> None:
            self.told.append(outcome.kind if isinstance(outcome, UnitFault) else outcome)

    good = Good()
    reporters = Reporters([Broken(), good])
    reporters._faults = Faults(reporters.report)
    reporters.report(RequestOutcome(status=200))
    assert good.told == ["report:KeyError", RequestOutcome(status=200)]

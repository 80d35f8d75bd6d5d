"""Each outcome changes what a page can show of it, and nothing else."""

from dataclasses import replace
from datetime import timedelta

import pytest
from support.deliveries import event_about
from support.fakes import OUTAGE, START, notice
from support.outcomes import delivered, list_of, poll_of

from notifier.core.config_diff import ConfigDiff
from notifier.core.outcomes import (
    AnyOutcome,
    DroppedDeliveries,
    HeartbeatKind,
    HeartbeatOutcome,
    HttpListening,
    ReloadOutcome,
    RequestOutcome,
)
from notifier.core.work_units import Unit, UnitFault
from notifier.web.live.changes import MOST_POLLED, MOST_SAID, MOST_TOPICS, Changes


def noted(*outcomes: AnyOutcome) -> Changes:
    changes = Changes()
    for outcome in outcomes:
        changes.note(outcome, START)
    return changes


RELOADED = ReloadOutcome(changed=ConfigDiff(), duration=timedelta(0))
FAULT = UnitFault(unit=Unit.POLL, subject="s_1", error=ValueError())


@pytest.mark.parametrize(
    ("outcome", "topics"),
    [
        (poll_of("s_1"), []),
        (poll_of("s_1", "ready", channels=()), ["watches", "watch:s_1"]),
        (
            poll_of("gd/s_1", "ready"),
            ["watches", "watch:gd/s_1", "watch:gd", "channel:chat", "deliveries", "channels"],
        ),
        (
            delivered(7, event_about("s_1")),
            ["delivery:7", "channel:chat", "deliveries", "channels", "watch:s_1"],
        ),
        (delivered(7, notice()), ["delivery:7", "channel:chat", "deliveries", "channels"]),
        (list_of("gd_1"), []),
        (list_of("gd_1", found=1), ["dataset:gd_1", "watches"]),
        (list_of("gd_1", unclear=OUTAGE), ["dataset:gd_1", "watches"]),
        (DroppedDeliveries(channel="chat", reason="muted", number=2), ["channel:chat", "channels", "deliveries"]),
        (RELOADED, ["configuration", "conditions"]),
        (HttpListening(address="http://127.0.0.1:1"), ["conditions"]),
        (FAULT, ["conditions"]),
        (RequestOutcome(status=200), []),
        (HeartbeatOutcome(kind=HeartbeatKind.SENT), []),
    ],
)
def test_an_outcome_changes_what_shows_it(outcome: AnyOutcome, topics: list[str]) -> None:
    changes = Changes()
    assert changes.note(outcome, START) == bool(topics)
    assert list(changes.topics) == topics


def test_a_poll_that_changed_nothing_moves_the_times_of_its_polls() -> None:
    assert noted(poll_of("s_1"), list_of("gd_1")).polled == {
        "watch:s_1": (START, START + timedelta(seconds=30)),
        "dataset:gd_1": (START, None),
    }


def test_a_poll_that_changed_something_moves_them_too() -> None:
    changes = noted(poll_of("s_1", "ready"), replace(list_of("gd_1"), pause=timedelta(seconds=45)))
    assert changes.polled == {
        "watch:s_1": (START, START + timedelta(seconds=30)),
        "dataset:gd_1": (START, START + timedelta(seconds=45)),
    }


def test_only_as_many_times_of_polls_are_told_as_an_eye_can_follow() -> None:
    assert len(noted(*(poll_of(f"s_{number}") for number in range(2 * MOST_POLLED))).polled) == MOST_POLLED


def test_a_burst_is_told_as_a_whole() -> None:
    changes = noted(*(poll_of(f"s_{number}", "ready") for number in range(2 * MOST_TOPICS)))
    assert changes.everything
    assert len(changes.topics) <= MOST_TOPICS


def test_another_configuration_changes_everything() -> None:
    assert noted(RELOADED).everything
    assert not noted(ReloadOutcome(refused=("no",), duration=timedelta(0))).everything


def test_what_went_wrong_is_said_and_what_went_well_is_not() -> None:
    changes = noted(poll_of("s_1", "ready"), poll_of("s_2", "failed"), poll_of("s_3", "running"))
    assert list(changes.said) == ["watch:s_2"]
    assert "Job s_2: failed" in changes.said["watch:s_2"]


def test_only_a_few_sentences_are_said_and_the_others_counted() -> None:
    changes = noted(*(poll_of(f"s_{number}", "failed") for number in range(MOST_SAID + 3)))
    assert len(changes.said) == MOST_SAID
    assert changes.unsaid == 3

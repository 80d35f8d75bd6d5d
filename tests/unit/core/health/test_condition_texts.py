"""Whatever is in trouble is said in one sentence, with since when and what to do."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from support.fakes import START
from support.web import WELL

from notifier.core.health import conditions
from notifier.core.health.api import ApiKind
from notifier.core.health.condition_texts import condition_resources, with_waiting
from notifier.core.health.conditions import Condition
from notifier.core.health.store import StoreNews, StoreTrouble
from notifier.core.health.vitals import LastReload, Vitals
from notifier.core.work_units import Unit

SUBJECTS = [
    value
    for name, value in vars(conditions).items()
    if name.isupper() and isinstance(value, str) and value != conditions.LAST
]


def vitals(**changes: Any) -> Vitals:
    """Those of a daemon that is well, but for these."""
    return replace(WELL, **changes)


def standing(*subjects: str) -> tuple[Condition, ...]:
    return tuple(Condition(subject=each, kind="broken", since=START, detail="why") for each in subjects)


def test_a_daemon_that_is_well_has_no_conditions() -> None:
    assert condition_resources(WELL) == []


@pytest.mark.parametrize("subject", sorted(SUBJECTS))
def test_each_subject_that_can_be_in_trouble_has_its_own_words(subject: str) -> None:
    """Those of the API and of the database come from memory, which knows them better."""
    name = subject + ("poll:ValueError" if subject == conditions.FAULT else "some")
    whole = name if subject.endswith(":") else subject
    found = condition_resources(vitals(conditions=standing(whole)))
    if subject in (conditions.API, conditions.STORE):
        assert found == []
        return
    (condition,) = found
    assert (condition.subject, condition.since) == (whole, START)
    assert condition.sentence.endswith(": why.")
    assert condition.sentence[0].isupper()
    assert "in trouble" not in condition.sentence
    assert "log says more" not in condition.cure
    assert "{" not in condition.sentence + condition.cure


@pytest.mark.parametrize("kind", [kind for kind in ApiKind if kind is not ApiKind.OK])
def test_every_trouble_of_the_api_has_words_and_a_cure(kind: ApiKind) -> None:
    api = replace(WELL.api, kind=kind, since=START, detail="http_401", held_for=timedelta(minutes=5))
    (condition,) = condition_resources(vitals(api=api))
    assert (condition.subject, condition.kind, condition.since) == ("api", kind, START)
    assert condition.sentence.startswith("Bright Data ")
    assert condition.sentence.endswith(": http_401.")
    assert ("gets none for 5 min" in condition.sentence) is (kind is ApiKind.RATE_LIMITED)
    assert condition.cure.endswith(".")


@pytest.mark.parametrize("trouble", StoreTrouble)
def test_every_trouble_of_the_database_says_not_to_restart(trouble: StoreTrouble) -> None:
    news = StoreNews(trouble=trouble, at=START, detail="notifier.db: no")
    (condition,) = condition_resources(vitals(store=news))
    assert (condition.subject, condition.kind, condition.since) == ("store", trouble, START)
    assert "Do not restart the notifier" in condition.cure


def test_what_stops_everything_comes_before_what_costs_only_itself() -> None:
    api = replace(WELL.api, kind=ApiKind.UNAUTHORISED)
    subjects = ("internal_error:poll:ValueError", "list:gd_1", "channel:mail", "reload")
    found = condition_resources(vitals(api=api, conditions=standing(*subjects)))
    assert [each.subject for each in found] == ["api", "reload", "channel:mail", subjects[0], "list:gd_1"]


def test_polls_that_do_not_progress_are_cured_by_a_restart() -> None:
    (condition,) = condition_resources(vitals(overdue=timedelta(minutes=5)))
    assert condition.sentence == "Polls do not progress: one has been due for 5 min."
    assert "systemctl restart notifier" in condition.cure


def test_a_refused_reload_is_a_condition_at_once_and_only_one() -> None:
    """The operators are told of it only once it has lasted."""
    refused = vitals(reload=LastReload(at=START, refused=("config.yaml:3:1: odd: unknown key", "another")))
    (condition,) = condition_resources(refused)
    assert condition.sentence == (
        "The configuration has errors and was not loaded: the old one runs: config.yaml:3:1: odd: unknown key."
    )
    assert (condition.since, "notifier config check" in condition.cure) == (START, True)
    assert len(condition_resources(replace(refused, conditions=standing("reload")))) == 1
    last = vitals(reload=LastReload(at=START, refused=("a: b",), runs_of=START))
    assert "started with the last valid one: a: b." in condition_resources(last)[0].sentence


def test_a_shortage_and_a_port_that_is_taken_are_conditions_before_they_are_stored() -> None:
    found = condition_resources(vitals(machine="out of file descriptors", page="127.0.0.1:1 is taken"))
    assert [each.subject for each in found] == ["machine", "http"]


def test_a_fault_is_named_by_its_unit() -> None:
    (condition,) = condition_resources(vitals(conditions=standing(f"internal_error:{Unit.POLL}:ValueError")))
    assert condition.sentence == "An internal error in a poll of a snapshot: ValueError: why."


def test_a_broken_channel_says_why_in_plain_words_and_how_many_messages_wait() -> None:
    broken = Condition(subject="channel:mail", kind="broken", since=START, detail="http_401: Verification Failed.")
    (condition,) = condition_resources(vitals(conditions=(broken,)))
    assert with_waiting(condition, {"mail": 3}).sentence == (
        "The channel mail is broken: it refuses our login (401). 3 messages wait."
    )
    assert with_waiting(condition, {"ops": 3}) == condition

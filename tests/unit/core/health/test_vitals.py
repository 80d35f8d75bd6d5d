"""What of a daemon's vitals is a reason to worry."""

from dataclasses import replace
from datetime import timedelta

import pytest
from support.fakes import START

from notifier.core.health.api import ApiKind, ApiState
from notifier.core.health.conditions import Condition
from notifier.core.health.resources import plain
from notifier.core.health.store import StoreNews, StoreTrouble
from notifier.core.health.vitals import LastReload, Vitals, fixable_by_restart, remarks, troubles

API = ApiState(kind=ApiKind.OK, since=None, detail="", requests=0, refusals=0, held_for=timedelta(0))
FINE = Vitals(api=API, overdue=timedelta(0), watches=1, channels=1, oldest_open=None, reload=None)
LATE = timedelta(minutes=2)


def test_a_daemon_whose_polls_progress_is_healthy() -> None:
    assert plain(FINE)["healthy"] is True
    assert plain(FINE)["remarks"] == []


def test_polls_that_wait_while_nothing_holds_them_and_none_is_made_are_stuck() -> None:
    assert "do not progress" in troubles(replace(FINE, overdue=LATE))[0]


@pytest.mark.parametrize(
    ("api", "said"),
    [
        (replace(API, kind=ApiKind.UNREACHABLE), "held back"),
        (replace(API, held_for=timedelta(seconds=9)), "held back"),
        (replace(API, requests=40), "are late"),
    ],
)
def test_polls_that_are_held_or_late_are_said_and_are_no_trouble(api: ApiState, said: str) -> None:
    vitals = replace(FINE, api=api, overdue=LATE)
    assert troubles(vitals) == []
    assert said in remarks(vitals)[0]


def test_a_refused_token_is_a_trouble_that_names_the_cure() -> None:
    found = troubles(replace(FINE, api=replace(API, kind=ApiKind.UNAUTHORISED, detail="HTTP 401")))
    assert "refuses the token (HTTP 401)" in found[0]


def test_pages_that_cannot_be_had_are_told_and_are_no_trouble() -> None:
    vitals = replace(FINE, page="127.0.0.1:8787: taken")
    assert plain(vitals)["healthy"] is True
    assert "127.0.0.1:8787: taken" in remarks(vitals)[0]


def test_a_broken_channel_and_a_stale_list_are_told_and_are_no_trouble() -> None:
    conditions = (
        Condition(subject="api", kind="rate_limited", since=START),
        Condition(subject="channel:chat", kind="broken", since=START, detail="it has an error of its own (503)"),
        Condition(subject="list:gd_1", kind="stale", since=START, detail="s_1 has ended"),
    )
    found = plain(replace(FINE, conditions=conditions))
    assert found["healthy"] is True
    assert found["remarks"] == [
        "the channel chat is broken since 2026-11-23T12:00:00.000Z: it has an error of its own (503)",
        "the list of the dataset gd_1 is stale since 2026-11-23T12:00:00.000Z: s_1 has ended",
    ]
    assert found["conditions"][0] == {
        "subject": "api",
        "kind": "rate_limited",
        "since": "2026-11-23T12:00:00.000Z",
        "detail": "",
    }


def test_a_refused_reload_is_told_and_is_no_trouble() -> None:
    vitals = replace(FINE, reload=LastReload(at=START, refused=("a",)))
    assert plain(vitals)["healthy"] is True
    assert "refused" in remarks(vitals)[0]


def test_that_the_last_configuration_runs_is_told_and_is_no_trouble() -> None:
    """A restart would not mend it: a supervisor must not restart the daemon for that."""
    vitals = replace(FINE, reload=LastReload(at=START, refused=("a",), runs_of=START))
    found = plain(vitals)
    assert (found["healthy"], found["reload"]["runs_of"]) == (True, START.isoformat(timespec="milliseconds")[:-6] + "Z")
    (remark,) = remarks(vitals)
    assert "started with the one that it loaded last" in remark


def test_a_database_that_cannot_be_written_is_the_trouble_and_polls_that_wait_for_it_are_none() -> None:
    store = StoreNews(trouble=StoreTrouble.FULL, at=START, detail="notifier.db: there is no room")
    (said,) = troubles(replace(FINE, store=store, overdue=LATE))
    assert said == "notifier.db: there is no room (since 2026-11-23T12:00:00.000Z)"
    assert plain(replace(FINE, store=store))["store"] == {
        "trouble": "full",
        "since": "2026-11-23T12:00:00.000Z",
        "detail": "notifier.db: there is no room",
    }
    assert plain(FINE)["store"] is None


def test_a_restart_mends_no_disk_so_that_polls_which_wait_for_it_are_no_reason_for_one() -> None:
    store = StoreNews(trouble=StoreTrouble.FULL, at=START, detail="notifier.db: there is no room")
    assert fixable_by_restart(replace(FINE, overdue=LATE))
    assert fixable_by_restart(replace(FINE, store=store, overdue=LATE)) == []

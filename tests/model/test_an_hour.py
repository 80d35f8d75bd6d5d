"""An hour of random faults of all kinds: the daemon lives, and all healthy neighbours are told within their usual time.

`make chaos` plays more of them: CHAOS_HOURS=50, from CHAOS_SEED=1 on.
"""

import os
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from chaos import Hour
from faulty_parts import DOWNLOADED, EVERY, HEALTHY

MEMORY = Path("/dev/shm")
FIRST = int(os.environ.get("CHAOS_SEED", "1"))
HOURS = int(os.environ.get("CHAOS_HOURS", "3"))

USUAL = EVERY.total_seconds() + 30
"""Seconds from an end to its message: the pause between two polls, a list behind it, a send, and the next digest."""

FETCH = 45
"""More for one whose message waits for its file: that of two others, which hang for 10 s each, may go first."""


@pytest.fixture(scope="module", params=range(FIRST, FIRST + HOURS))
def hour(request: pytest.FixtureRequest) -> Iterator[Hour]:
    """An hour that has passed; if it ended the daemon, this raises why."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None, prefix="notifier-hour-") as folder:
        lived = Hour(request.param, Path(folder))
        lived.live()
        yield lived


@pytest.mark.parametrize("channel", HEALTHY)
def test_every_healthy_end_is_told_once_within_its_usual_time(hour: Hour, channel: str) -> None:
    told = [(at, event) for at, event in hour.receivers[channel].events() if "good" in event.transition.snapshot_id]
    healthy = {id_: ends for id_, ends in hour.ends.items() if "good" in id_}
    assert Counter(event.transition.snapshot_id for _, event in told) == dict.fromkeys(healthy, 1)
    late = {event.transition.snapshot_id: at - healthy[event.transition.snapshot_id] for at, event in told}
    usual = {id_: USUAL + FETCH * (id_ in DOWNLOADED) for id_ in late}
    assert {id_: each for id_, each in late.items() if not 0 <= each <= usual[id_]} == {}


@pytest.mark.parametrize("channel", HEALTHY)
def test_what_misbehaved_is_told_too_when_that_is_over(hour: Hour, channel: str) -> None:
    told = Counter(
        event.transition.snapshot_id
        for _, event in hour.receivers[channel].events()
        if "ready" in event.transition.names and "sick" in event.transition.snapshot_id
    )
    unnamed = {each.snapshot_id for each in hour.config.watches if each.name == "\ud800"}
    assert told == dict.fromkeys((each for each in hour.ends if "sick" in each and each not in unnamed), 1)


def test_operators_are_told_of_each_trouble_once(hour: Hour) -> None:
    with closing(sqlite3.connect(hour.folder / "notifier.db")) as database:
        notices = database.execute("SELECT subject, kind FROM notices ORDER BY at").fetchall()
    kinds: dict[str, list[str]] = {}
    for subject, kind in notices:
        kinds.setdefault(subject, []).append(kind)
    assert all(one != other for told in kinds.values() for one, other in pairwise(told)), kinds
    assert any(subject.startswith("internal_error:") for subject in kinds)

"""The pages of events, the newest first, and the bar of a snapshot's statuses."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support.fakes import START, Clock, watch
from support.histories import add_delivery, add_event, add_snapshot, written

from notifier.core.errors import BadCursor
from notifier.store.reading.filters import EventFilters
from notifier.store.reading.reading import Reading, Watched

MINUTE = timedelta(minutes=1)


@pytest.fixture
def reading(database: Path) -> Reading:
    """Twelve events of two snapshots, of which one was found by a dataset's watch; some at the same time."""
    with written(database) as connection:
        for number in range(12):
            found = number % 3 == 0
            add_event(
                connection,
                f"evt_{number:02}",
                snapshot="s_2" if found else "s_1",
                watch="gd_1/s_2" if found else "s_1",
                revision=number + 1,
                at=START + number // 2 * MINUTE,
            )
            add_delivery(connection, f"evt_{number:02}", tries=("retry", "delivered"))
    return Reading(database, Clock())


def ids(reading: Reading, filters: EventFilters) -> list[str]:
    """The ids on all pages."""
    found: list[str] = []
    cursor: str | None = None
    for _ in range(20):
        page = reading.events(replace(filters, cursor=cursor))
        found += [each.event_id for each in page.events]
        cursor = page.next_cursor
        if cursor is None:
            return found
    raise AssertionError("the pages have no end")


@pytest.mark.parametrize("limit", [1, 2, 5, 12, 100])
def test_each_event_comes_once_the_newest_first(reading: Reading, limit: int) -> None:
    assert ids(reading, EventFilters(limit=limit)) == [f"evt_{number:02}" for number in reversed(range(12))]


def test_events_are_filtered_by_watch_snapshot_and_time(reading: Reading) -> None:
    """A dataset's watch has those of all snapshots that it found."""
    found = [f"evt_{number:02}" for number in (9, 6, 3, 0)]
    assert ids(reading, EventFilters(watch="gd_1", limit=3)) == found
    assert ids(reading, EventFilters(watch="gd_1/s_2", limit=3)) == found
    assert ids(reading, EventFilters(snapshot="s_2")) == found
    assert ids(reading, EventFilters(watch="gd_1/s_1")) == []
    between = EventFilters(since=START + MINUTE, until=START + 2 * MINUTE)
    assert ids(reading, between) == ["evt_03", "evt_02"]


def test_an_event_has_its_deliveries_and_on_the_page_of_a_watch_their_attempts(reading: Reading) -> None:
    (event,) = reading.events(EventFilters(limit=1)).events
    assert [(each.channel, each.state, each.attempts) for each in event.deliveries] == [("chat", "delivered", None)]
    shown = reading.watch(Watched(watches=(watch("s_1"),), datasets=()), "s_1", limit=1)
    assert shown is not None
    attempts = shown.events[0].deliveries[0].attempts
    assert attempts is not None
    assert [(each.number, each.outcome) for each in attempts] == [(1, "retry"), (2, "delivered")]
    following = reading.watch(Watched(watches=(watch("s_1"),), datasets=()), "s_1", cursor=shown.next_cursor)
    assert following is not None
    assert [each.event_id for each in (*shown.events, *following.events)] == ids(reading, EventFilters(watch="s_1"))


def test_the_cursor_of_another_list_is_refused(reading: Reading) -> None:
    with pytest.raises(BadCursor):
        reading.events(EventFilters(cursor="nonsense"))
    assert len(ids(reading, EventFilters())) == 12


def test_the_bar_has_each_status_from_when_until_when(database: Path) -> None:
    """A derived event leaves the status as it is; what was before the first kept event is known from that event."""
    with written(database) as connection:
        add_snapshot(connection, "s_1", status="ready", since=START + 9 * MINUTE)
        moves = [("starting", "running", 2), ("running", "stalled", 5), ("running", "ready", 9)]
        for revision, (previous, status, minute) in enumerate(moves, 2):
            at = START + minute * MINUTE
            add_event(
                connection, f"evt_{revision}", revision=revision, previous=previous, status=status, at=at, since=START
            )
    shown = Reading(database, Clock()).watch(Watched(watches=(watch("s_1"),), datasets=()), "s_1")
    assert shown is not None
    assert [(each.status, each.begin, each.end) for each in shown.statuses] == [
        ("starting", START, START + 2 * MINUTE),
        ("running", START + 2 * MINUTE, START + 9 * MINUTE),
        ("ready", START + 9 * MINUTE, None),
    ]

"""The page of a dataset: its collections over time, and the usual range of their numbers."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from support.fakes import START, Clock
from support.histories import add_snapshot, dataset_watch, written

from notifier.core.resource_parts import UsualResource
from notifier.store.reading.reading import Reading, Watched

MINUTE = timedelta(minutes=1)
WATCHED = Watched(watches=(), datasets=(dataset_watch("found", dataset_id="gd_1"),))


def test_the_last_200_collections_are_shown_the_oldest_first(database: Path) -> None:
    with written(database) as connection:
        for number in range(250):
            facts: dict[str, Any] = {"dataset_id": "gd_1", "records": number, "collection_duration_ms": 1_000}
            add_snapshot(connection, f"s_{number}", status="ready", since=START + number * MINUTE, **facts)
        add_snapshot(connection, "s_other", status="ready", since=START, dataset_id="gd_2")
    page = Reading(database, Clock()).dataset(WATCHED, "gd_1")
    assert page is not None
    assert [each.records for each in page.collections] == list(range(50, 250))
    last = page.collections[-1]
    assert (last.status, last.started, last.ended) == ("ready", START + 249 * MINUTE, START + 249 * MINUTE)
    assert last.duration_s == 1.0
    assert page.watch is not None
    assert page.watch.watch == "found"


def test_the_usual_range_is_over_what_ended_ready_and_needs_five(database: Path) -> None:
    with written(database) as connection:
        for number, records in enumerate((100, 110, 90, 105)):
            add_snapshot(connection, f"s_{number}", status="ready", dataset_id="gd_1", records=records)
        add_snapshot(connection, "s_failed", status="failed", dataset_id="gd_1", records=0)
    reading = Reading(database, Clock())
    page = reading.dataset(WATCHED, "gd_1")
    assert page is not None
    assert page.usual_records is None
    with written(database) as connection:
        add_snapshot(connection, "s_5", status="Ready", dataset_id="gd_1", records=95)
    page = reading.dataset(WATCHED, "found")
    assert page is not None
    assert page.usual_records == UsualResource(median=100, low=95, high=105, collections=5)
    assert (page.usual_errors, page.usual_duration_s and page.usual_duration_s.median) == (None, 0.0)


def test_the_snapshots_in_progress_come_in_pages_the_newest_first(database: Path) -> None:
    """Also those that are watched by themselves, in a dataset that nobody watches."""
    with written(database) as connection:
        for number in range(5):
            at = START + number * MINUTE
            add_snapshot(connection, f"s_{number}", watch=f"found/s_{number}", since=at, dataset_id="gd_1")
        add_snapshot(connection, "s_ended", watch="found/s_ended", status="ready", dataset_id="gd_1")
    reading = Reading(database, Clock())
    first = reading.dataset(WATCHED, "gd_1", limit=3)
    assert first is not None
    following = reading.dataset(WATCHED, "gd_1", cursor=first.next_cursor, limit=3)
    assert following is not None
    found = [each.snapshot for each in (*first.snapshots, *following.snapshots)]
    assert (found, following.next_cursor) == (["s_4", "s_3", "s_2", "s_1", "s_0"], None)
    unwatched = reading.dataset(Watched(watches=(), datasets=()), "gd_1")
    assert unwatched is not None
    assert (unwatched.watch, len(unwatched.collections)) == (None, 6)

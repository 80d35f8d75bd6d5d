"""Reading answers for what is watched, for what was watched, and for a database that is not there."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.fakes import START, Clock, watch
from support.histories import add_delivery, add_event, add_poll, add_snapshot, dataset_watch, written
from support.outboxes import sql

from notifier.core.errors import BadCursor, StoreError
from notifier.core.resources import DatasetResource
from notifier.store.reading.filters import DeliveryFilters, SnapshotFilters, Sort
from notifier.store.reading.reading import Reading, Watched

HOUR = timedelta(hours=1)
WATCHED = Watched(watches=(watch("s_1", name="Prices"),), datasets=(dataset_watch("gd_1"),))


def test_without_a_database_every_watch_is_unknown(tmp_path: Path) -> None:
    reading = Reading(tmp_path / "none.db", Clock())
    page = reading.overview(WATCHED, SnapshotFilters())
    assert [(each.snapshot, each.status, each.since) for each in page.snapshots] == [("s_1", "unknown", None)]
    assert page.counts == {"unknown": 1}
    assert [(each.watch, each.in_progress) for each in page.datasets] == [("gd_1", 0)]
    assert len(reading.everything(WATCHED)) == 2
    assert not (tmp_path / "none.db").exists()


def test_a_snapshot_that_is_watched_by_name_is_shown_once_and_not_as_one_that_its_dataset_found(database: Path) -> None:
    with written(database) as connection:
        add_snapshot(connection, "s_1", watch="gd_1/s_1", dataset_id="gd_1")
        add_snapshot(connection, "s_2", watch="gd_1/s_2", dataset_id="gd_1")
    reading = Reading(database, Clock())
    page = reading.overview(WATCHED, SnapshotFilters(dataset="gd_1"))
    assert sorted((each.watch, each.dataset) for each in page.snapshots) == [("gd_1/s_2", "gd_1"), ("s_1", "gd_1")]
    assert page.datasets[0].in_progress == 1
    entries = reading.everything(WATCHED)
    assert [each.watch for each in entries] == ["s_1", "gd_1", "gd_1/s_2"]
    (dataset,) = [each for each in entries if isinstance(each, DatasetResource)]
    assert (dataset.in_progress, dataset.statuses) == (1, {"running": 1})


def test_a_snapshot_says_whom_its_newest_event_was_told_and_when_it_is_likely_to_end(database: Path) -> None:
    """By the median of the collections of its dataset that ended ready, if there are five of them."""
    with written(database) as connection:
        for number, minutes in enumerate((10, 20, 30, 40, 500)):
            ended: dict[str, Any] = {"dataset_id": "gd_1", "collection_duration_ms": minutes * 60_000}
            add_snapshot(connection, f"s_old_{number}", status="ready", since=START - HOUR, **ended)
        add_snapshot(connection, "s_1", dataset_id="gd_1", since=START)
        add_snapshot(connection, "s_2", watch="gd_1/s_2", dataset_id="gd_2", since=START)
        add_event(connection, "evt_1", revision=1, previous="unknown", status="running")
        add_event(connection, "evt_2", revision=2)
        delivery_id = add_delivery(connection, "evt_1", state="dead")
    first, second = Reading(database, Clock()).overview(WATCHED, SnapshotFilters()).snapshots
    assert [(each.delivery, each.channel, each.state) for each in first.notified] == [(delivery_id, "chat", "dead")]
    assert first.likely_end == START + timedelta(minutes=30)
    assert (second.likely_end, second.notified) == (None, ())


def test_a_failure_is_urgent_for_a_week_and_what_a_dataset_found_is_shown_for_as_long(database: Path) -> None:
    """While the page is open: the clock goes on, and nothing else changes."""
    with written(database) as connection:
        add_snapshot(connection, "s_1", status="failed")
        add_snapshot(connection, "s_2", watch="gd_1/s_2", status="ready")
        add_snapshot(connection, "s_3", watch="gd_1/s_3", status="running", since=START - HOUR)
    clock = Clock()
    reading = Reading(database, clock)

    def shown() -> list[str]:
        page = reading.overview(WATCHED, SnapshotFilters())
        assert sum(page.counts.values()) == len(page.snapshots)
        return [each.snapshot for each in page.snapshots]

    assert shown() == ["s_1", "s_3", "s_2"]
    clock.pass_(days=7, seconds=1)
    assert shown() == ["s_3", "s_1"]


def test_the_next_poll_is_that_of_the_last_stored_poll(database: Path) -> None:
    """A poll alone is no event: it changes no status, only the order by the next poll."""
    with written(database) as connection:
        for number, minutes in ((1, 5), (2, 3)):
            add_snapshot(connection, f"s_{number}", watch=f"gd_1/s_{number}")
            add_poll(connection, f"s_{number}", at=START, following=START + timedelta(minutes=minutes))
    reading = Reading(database, Clock(START + timedelta(seconds=30)))
    filters = SnapshotFilters(sort=Sort.NEXT_POLL)
    assert [each.snapshot for each in reading.overview(WATCHED, filters).snapshots] == ["s_2", "s_1"]
    sql(database, "UPDATE polls SET polled_at = polled_at + 1, next_poll_at = 0 WHERE snapshot_id = 's_1'")
    assert [each.snapshot for each in reading.overview(WATCHED, filters).snapshots] == ["s_1", "s_2"]


def test_a_watch_that_was_removed_keeps_its_page_and_one_that_never_was_has_none(database: Path) -> None:
    with written(database) as connection:
        add_snapshot(connection, "s_9", watch="old", status="ready", error_codes={"timeout": 2}, error_message="no")
        add_event(connection, "evt_1", snapshot="s_9", watch="old")
    reading = Reading(database, Clock())
    shown = reading.watch(WATCHED, "old")
    assert shown is not None
    assert (shown.snapshot.snapshot, shown.snapshot.status, len(shown.events)) == ("s_9", "ready", 1)
    assert (shown.error_message, shown.error_codes) == ("no", {"timeout": 2})
    assert reading.watch(WATCHED, "never") is None
    assert reading.watch(WATCHED, "gd_1/never") is None
    assert reading.dataset(WATCHED, "never") is None
    never_polled = reading.watch(WATCHED, "s_1")
    assert never_polled is not None
    assert (never_polled.snapshot.status, never_polled.statuses, never_polled.events) == ("unknown", (), ())


def test_a_bad_cursor_costs_nothing_but_its_answer(database: Path) -> None:
    with written(database) as connection:
        add_snapshot(connection, "s_1")
    reading = Reading(database, Clock())
    for ask in (
        lambda: reading.overview(WATCHED, SnapshotFilters(cursor="x")),
        lambda: reading.deliveries(DeliveryFilters(cursor="x")),
        lambda: reading.dataset(WATCHED, "gd_1", cursor="x"),
        lambda: reading.watch(WATCHED, "s_1", cursor="x"),
    ):
        with pytest.raises(BadCursor):
            ask()
    assert reading.overview(WATCHED, SnapshotFilters()).counts == {"running": 1}


def test_a_file_that_is_no_database_is_an_error_in_words(tmp_path: Path) -> None:
    file = tmp_path / "notifier.db"
    file.write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match=r"notifier\.db: cannot be read: .*`state:` must name"):
        Reading(file, Clock()).overview(WATCHED, SnapshotFilters())

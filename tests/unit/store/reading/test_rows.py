"""Single rows are those of the pages, and an id that has none is left out."""

from pathlib import Path

from support.fakes import START, Clock, watch
from support.histories import add_delivery, add_event, add_snapshot, dataset_watch, written

from notifier.store.reading.reading import Reading, Watched

WATCHED = Watched(watches=(watch("s_1", id="prices"), watch("s_2")), datasets=(dataset_watch("gd_1"),))


def test_rows_are_read_by_their_ids(tmp_path: Path) -> None:
    database = tmp_path / "notifier.db"
    with written(database) as connection:
        add_snapshot(connection, "s_1", watch="prices", status="ready")
        add_snapshot(connection, "s_9", watch="gd_1/s_9", status="failed")
        add_event(connection, "evt_1")
        add_delivery(connection, "evt_1", channel="chat")
        add_delivery(connection, "evt_1", channel="mail")
    reading = Reading(database, Clock(START))

    snapshots, deliveries = reading.rows(WATCHED, ["prices", "gd_1/s_9", "s_2", "gd_1", "gone", "gd_1/gone"], [2, 99])

    assert [(each.watch, each.snapshot, each.status) for each in snapshots] == [
        ("prices", "s_1", "ready"),
        ("gd_1/s_9", "s_9", "failed"),
        ("s_2", "s_2", "unknown"),
    ]
    assert [(each.id, each.channel) for each in deliveries] == [(2, "mail")]
    assert reading.rows(WATCHED, [], []) == ([], [])

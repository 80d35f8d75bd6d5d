"""The pages of the watched snapshots are what a plain list of them would be, filtered, sorted and cut."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert
from support.fakes import START, Clock, watch
from support.histories import add_event, add_poll, add_snapshot, dataset_watch, written

from notifier.core.resources import SnapshotResource
from notifier.core.snapshot.statuses import Phase, canonical, phase_of
from notifier.store.reading.filters import SnapshotFilters, Sort
from notifier.store.reading.reading import Reading, Watched
from notifier.store.tables import mutes

NOW = START
STATUSES = ("running", "ready", "failed", "Cancelled", "missing", "queued")


@dataclass(frozen=True)
class Row:
    """A snapshot of the model: whether it has a watch of its own, the dataset's watch that found it, what is known."""

    snapshot: str
    own: bool
    parent: str | None
    known: bool
    status: str
    age: timedelta
    next_in: int | None

    @property
    def watched(self) -> bool:
        return self.own or (self.known and self.parent in ("gd_1", "gd_2") and self.fresh)

    @property
    def fresh(self) -> bool:
        return phase_of(self.status) is not Phase.ENDED or self.age <= timedelta(days=7)

    @property
    def word(self) -> str:
        return canonical(self.status) if self.known else "unknown"

    @property
    def phase(self) -> Phase:
        return phase_of(self.status) if self.known else Phase.UNKNOWN

    @property
    def name(self) -> str:
        return f"Name {self.snapshot[-1]}" if self.own else f"Found By {self.parent} ({self.snapshot})"

    @property
    def dataset(self) -> str | None:
        return self.parent if self.known else None

    @property
    def since(self) -> datetime | None:
        return NOW - self.age if self.known else None


ROWS = st.lists(
    st.builds(
        Row,
        snapshot=st.builds("s_{}".format, st.text("abX", min_size=1, max_size=3)),
        own=st.booleans(),
        parent=st.sampled_from(["gd_1", "gd_2", "gd_gone", None]),
        known=st.booleans(),
        status=st.sampled_from(STATUSES),
        age=st.sampled_from([timedelta(0), timedelta(hours=1), timedelta(days=6), timedelta(days=30)]),
        next_in=st.sampled_from([None, 5, 60]),
    ),
    max_size=12,
    unique_by=lambda row: row.snapshot.lower(),
)
FILTERS = st.builds(
    SnapshotFilters,
    statuses=st.sampled_from([(), ("FAILED",), ("canceled", "running")]),
    phases=st.sampled_from([(), (Phase.ACTIVE, Phase.MISSING), (Phase.ENDED,)]),
    dataset=st.sampled_from([None, "gd_1", "gd_none"]),
    watch=st.sampled_from([None, "gd_2", "w_s_a"]),
    text=st.sampled_from(["", "NAME", "s_a", "found by gd_2"]),
    sort=st.sampled_from(list(Sort)),
    limit=st.integers(1, 5),
)


def fill(database: Path, rows: Sequence[Row]) -> Watched:
    """The database and the configuration with these."""
    with written(database) as connection:
        for row in rows:
            if not row.known:
                continue
            found = row.parent is not None
            of = f"{row.parent}/{row.snapshot}" if found else f"w_{row.snapshot}"
            facts = {"dataset_id": row.parent} if found else {}
            add_snapshot(connection, row.snapshot, watch=of, status=row.status, since=NOW - row.age, **facts)
            if row.next_in is not None:
                add_poll(connection, row.snapshot, at=NOW, following=NOW + timedelta(seconds=row.next_in))
    return Watched(
        watches=tuple(
            watch(row.snapshot, id=f"w_{row.snapshot}", name=f"Name {row.snapshot[-1]}") for row in rows if row.own
        ),
        datasets=tuple(dataset_watch(each, name=f"Found By {each}") for each in ("gd_1", "gd_2")),
    )


def expected(rows: Sequence[Row], filters: SnapshotFilters) -> list[str]:
    """What passes the filters, in order."""
    chosen = [
        row
        for row in passing(rows, filters)
        if (not filters.statuses or row.word in map(canonical, filters.statuses))
        and (not filters.phases or row.phase in filters.phases)
    ]
    return [row.snapshot for row in sorted(chosen, key=lambda row: key(row, filters.sort))]


def passing(rows: Sequence[Row], filters: SnapshotFilters) -> list[Row]:
    text = filters.text.casefold()
    return [
        row
        for row in rows
        if row.watched
        and filters.dataset in (None, row.dataset)
        and filters.watch in (None, watch_of(row), None if row.own else row.parent)
        and any(text in each.casefold() for each in (row.name, row.snapshot, watch_of(row)))
    ]


def watch_of(row: Row) -> str:
    return f"w_{row.snapshot}" if row.own else f"{row.parent}/{row.snapshot}"


def key(row: Row, sort: Sort) -> tuple[object, ...]:
    newest = -(row.since or datetime.fromtimestamp(0, NOW.tzinfo)).timestamp()
    match sort:
        case Sort.URGENCY:
            failed = row.word in ("failed", "missing") and row.age <= timedelta(days=7)
            return 0 if failed else 2 if row.phase is Phase.ENDED else 1, newest, row.snapshot
        case Sort.NAME:
            return row.name.casefold(), row.snapshot.lower(), row.snapshot
        case Sort.SINCE:
            return newest, row.snapshot
        case Sort.STATUS:
            return row.word, newest, row.snapshot
        case Sort.NEXT_POLL:
            polled = row.known and row.phase is not Phase.ENDED and row.next_in is not None
            return row.next_in if polled else 1e9, row.snapshot


def pages(reading: Reading, watched: Watched, filters: SnapshotFilters) -> list[SnapshotResource]:
    """All pages, one after the other."""
    found: list[SnapshotResource] = []
    cursor = None
    while True:
        page = reading.overview(watched, replace(filters, cursor=cursor))
        assert len(page.snapshots) <= filters.limit
        found += page.snapshots
        cursor = page.next_cursor
        if cursor is None:
            return found
        assert page.snapshots


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(rows=ROWS, filters=FILTERS)
def test_the_pages_are_what_a_plain_list_would_be(rows: list[Row], filters: SnapshotFilters) -> None:
    """Each row once, in order, whatever the filter; the counts are those of the rows."""
    with TemporaryDirectory() as folder:
        database = Path(folder) / "notifier.db"
        watched = fill(database, rows)
        reading = Reading(database, Clock(NOW))
        found = pages(reading, watched, filters)
        counts = reading.overview(watched, filters).counts
        reading.close()
    by_id = {row.snapshot: row for row in rows}
    assert [each.snapshot for each in found] == expected(rows, filters)
    assert counts == Counter(row.word for row in passing(rows, filters))
    for each in found:
        row = by_id[each.snapshot]
        assert (each.watch, each.name, canonical(each.status), each.since) == (
            watch_of(row),
            row.name,
            row.word,
            row.since,
        )


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    rows=ROWS, muted=st.sets(st.sampled_from(["gd_1", "w_s_a", "w_s_b", "gd_2/s_a"])), sort=st.sampled_from(list(Sort))
)
def test_the_muted_ones_are_those_that_are_muted_by_themselves_or_with_their_dataset(
    rows: list[Row], muted: set[str], sort: Sort
) -> None:
    with TemporaryDirectory() as folder:
        database = Path(folder) / "notifier.db"
        watched = fill(database, rows)
        with written(database) as connection:
            for each in muted:
                connection.execute(insert(mutes).values(watch_id=each, muted_at=NOW, until=NOW + timedelta(hours=1)))
            connection.execute(insert(mutes).values(watch_id="w_s_X", muted_at=NOW, until=NOW - timedelta(hours=1)))
        reading = Reading(database, Clock(NOW))
        everything = pages(reading, watched, SnapshotFilters(sort=sort))
        found = pages(reading, watched, SnapshotFilters(muted_at=NOW, sort=sort, limit=2))
        reading.close()
    assert found == [each for each in everything if each.muted]


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(rows=ROWS, later=ROWS, filters=FILTERS)
def test_what_changes_shows_on_the_next_page_that_is_asked_for(
    rows: list[Row], later: list[Row], filters: SnapshotFilters
) -> None:
    """A transition comes with its event; a baseline with new rows alone."""
    with TemporaryDirectory() as folder:
        database = Path(folder) / "notifier.db"
        watched = fill(database, rows)
        reading, fresh = Reading(database, Clock(NOW)), Reading(database, Clock(NOW))
        reading.overview(watched, filters)
        known = {row.snapshot.lower(): row for row in rows}
        with written(database) as connection:
            for number, row in enumerate(later):
                before = known.get(row.snapshot.lower())
                if before is not None and before.snapshot == row.snapshot and before.known:
                    connection.exec_driver_sql(
                        "UPDATE snapshots SET status = ? WHERE snapshot_id = ?", (row.status, row.snapshot)
                    )
                    add_event(connection, f"evt_{number}", snapshot=row.snapshot, status=row.status)
                elif before is None:
                    of = f"{row.parent}/{row.snapshot}"
                    add_snapshot(connection, row.snapshot, watch=of, status=row.status, since=NOW - row.age)
        assert reading.overview(watched, filters) == fresh.overview(watched, filters)
        reading.close()
        fresh.close()

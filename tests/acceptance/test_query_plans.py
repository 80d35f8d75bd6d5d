"""No statement reads a whole table: what is asked costs what is shown, however long the history is.

Every statement of a daemon's life and of every command is explained by SQLite as it is executed. SQLite plans by the
indexes that there are, so a small database has the plans of a large one.
"""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from acceptance.bright_data import BrightData
from acceptance.harness import Notifier
from acceptance.in_process import running
from acceptance.receivers import Answer, Receiver
from notifier.brightdata.simulator import life as lives
from notifier.config.model import Config
from notifier.core.resource_parts import MessageResource
from notifier.store import completion_names
from notifier.store.completion_names import StoredNames
from notifier.store.migrate import migrate
from notifier.store.reader import Reader
from notifier.store.reading.filters import DeliveryFilters, EventFilters, SnapshotFilters, Sort
from notifier.store.reading.reading import Reading, Watched
from notifier.store.sqlite.engine import writer

OF_WHAT_GOES_ON = "USING INDEX ix_snapshots_going_on"
"""An index that has only the snapshots that have not ended: the start reads those."""

IN_ORDER = "USING INDEX ix_events_observed_at_id"
"""The order of a page of all events: it is read from one end, as far as the page goes."""

TABLES = {"snapshots", "polls", "datasets", "events", "downloads", "notices", "deliveries", "attempts"}
"""All but those of what is muted now, and of the answers of 429 of the last ten minutes."""


class Plans:
    """The scans of the statements that are executed, each with its statement."""

    def __init__(self) -> None:
        self.statements: set[str] = set()
        self.scans: dict[str, str] = {}

    def explain(self, driver: sqlite3.Connection, statement: str, values: Any) -> None:
        """See how SQLite would do this."""
        words = statement.lstrip().upper()
        if statement in self.statements or not words.startswith(("SELECT", "WITH", "UPDATE", "DELETE", "INSERT")):
            return
        self.statements.add(statement)
        known = dict(re.findall(r"\b(\w+) AS (\w+)\b", statement))
        tables = {alias: table for table, alias in known.items()}
        for *_, step in driver.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall():
            scanned = re.match(r"SCAN (\w+)(?! VIRTUAL TABLE)\b(.*)", step)
            if scanned is None or "VIRTUAL TABLE" in step:
                continue
            walks = IN_ORDER in step and "LIMIT" in statement
            if tables.get(scanned[1], scanned[1]) in TABLES and OF_WHAT_GOES_ON not in step and not walks:
                self.scans[step] = statement


@pytest.fixture
def plans() -> Iterator[Plans]:
    """Every statement that SQLAlchemy executes from now on is explained."""
    found = Plans()

    def explain(
        connection: Connection, cursor: object, statement: str, values: Any, context: object, many: bool
    ) -> None:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        first = values[0] if many and values else values
        found.explain(driver, statement, first)

    event.listen(Engine, "before_cursor_execute", explain)
    yield found
    event.remove(Engine, "before_cursor_execute", explain)


async def test_no_statement_of_the_daemon_or_of_a_command_reads_a_whole_table(
    api: BrightData, team: Receiver, ops: Receiver, notifier: Notifier, plans: Plans
) -> None:
    """A daemon that starts, looks, tells, fails to, falls back, audits, warns, forgets; and all that commands ask."""
    for number in range(3):
        api.add(f"s_{number}", lives.of("running", "ready", seconds=60), dataset_id="gd_1")
    api.add("s_own", lives.of("running", "failed", seconds=60))
    api.add("s_slow", lives.of("running", "ready", seconds=1e9), dataset_id="gd_1")
    team.usual = Answer(status=401)
    notifier.configure(
        api=api.url,
        channels={"team": {"url": team.url, "fallback": "ops", "fallback_after": "1s"}, "ops": ops.url},
        watches=["s_own", {"dataset": "gd_1", "id": "found", "on": ["all"]}],
        operators=["ops"],
        defaults={"notify": ["team"], "every": "1s"},
    )
    for _ in range(2):
        async with running(notifier) as (daemon, _):
            parts = daemon._components
            await api.more_asked(4)
            api.advance(60)
            await team.received.count(1)
            await parts.maintenance.run_once()
            await parts.polling.warn_expiring()
            await parts.polling.flush()
            await daemon._observability._page()
            await daemon._health()
            now = datetime.now(UTC)
            store = parts.store
            await store.outbox.release(now, ["team"])
            await store.outbox.retry_now("team", now)
            await store.outbox.retry(now, since=now - timedelta(days=1), configured=["team"])
            await store.outbox.retry(now, ids=[1, 2], configured=["team"])
            await store.downloads.next_due(())
            read_pages(parts.reading, parts.config)
            await store.maintenance.prune(before=now + timedelta(days=1), watched=["s_own"], now=now)
    look_around(notifier)
    assert plans.scans == {}
    assert len(plans.statements) > 60


def read_pages(reading: Reading, config: Config) -> None:
    """Everything that pages and API ask, in every order."""
    watched = Watched(watches=config.watches, datasets=config.datasets)
    now = datetime.now(UTC)
    for sort in Sort:
        filters = SnapshotFilters(sort=sort, limit=1)
        cursor = reading.overview(watched, filters).next_cursor
        assert cursor is not None
        reading.overview(watched, replace(filters, cursor=cursor, dataset="gd_1", watch="found", text="s_"))
    reading.everything(watched)
    for watch in ("s_own", "found/s_1", "old"):
        reading.watch(watched, watch)
    reading.dataset(watched, "gd_1")
    for chosen in (
        DeliveryFilters(limit=1),
        DeliveryFilters(states=["dead"], channel="team", since=now - timedelta(days=1), until=now),
        DeliveryFilters(watch="found"),
        DeliveryFilters(watch="found", states=["dead"]),
        DeliveryFilters(watch="found/s_1", channel="team"),
        DeliveryFilters(snapshot="s_1"),
        DeliveryFilters(event="evt_0123"),
        DeliveryFilters(event="evt_"),
    ):
        cursor = reading.deliveries(chosen).next_cursor
        reading.deliveries(replace(chosen, cursor=cursor))
    for asked in (EventFilters(limit=1), EventFilters(watch="found"), EventFilters(snapshot="s_1", since=now)):
        cursor = reading.events(asked).next_cursor
        reading.events(replace(asked, cursor=cursor))
    reading.actions()
    reading.rows(watched, ["s_own", "found/s_1"], [1, 2])
    reading.delivery(1, lambda *_: MessageResource(title=None, body=""))


def look_around(notifier: Notifier) -> None:
    """Every command that reads the database, with everything that can be asked."""
    for words in (
        "status",
        "watch list",
        "watch show s_own",
        "watch show found",
        "delivery list",
        "delivery list --state dead --state retrying",
        "delivery list --channel team --since 1d",
        "delivery list --snapshot s_own --state dead --channel team",
        "delivery list --watch s_own",
        "delivery list --watch found --since 1d",
        "replay --since 90d",
        "config check",
    ):
        notifier.glance(*words.split())
    for row in notifier.glance("delivery", "list")[:1]:
        notifier.glance("delivery", "show", str(row["id"]))
        notifier.glance("delivery", "show", row["event_id"])
        notifier.glance("delivery", "list", "--event", row["event_id"])
    reader = Reader(notifier.database)
    assert not reader.deliveries(told="ntc_0123456789abcdef0123")
    assert not reader.deliverable_ids("ntc_01234", 5)


def test_channel_list_searches_an_index_by_state(notifier: Notifier, plans: Plans) -> None:
    notifier.configure(api="http://127.0.0.1:9", channels={"team": "json://127.0.0.1:9"}, watches=["s_1"])
    engine = writer(notifier.database)
    with engine.begin() as connection:
        migrate(connection, str(notifier.database))
    engine.dispose()
    plans.scans.clear()
    assert notifier.glance("channel", "list")
    assert any(" IN (" in each and "count(*)" in each for each in plans.statements)
    assert plans.scans == {}


async def test_completion_reads_no_whole_table(
    api: BrightData, notifier: Notifier, plans: Plans, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most the newest `WINDOW` of a table, by an index in that order."""
    notifier.configure(api=api.url, channels={"team": "json://127.0.0.1:9"}, watches=["s_1"])
    async with running(notifier):
        pass
    asked: list[tuple[str, tuple[str, ...]]] = []

    def note(_: StoredNames, query: str, *values: str) -> list[tuple[object, ...]]:
        asked.append((query, values))
        return []

    monkeypatch.setattr(StoredNames, "_rows", note)
    stored = StoredNames(notifier.database)
    for ask in (stored.watches, stored.muted, stored.snapshots, stored.datasets, stored.channels, stored.statuses):
        ask("s")
    stored.deliveries("1")
    stored.deliveries("1", ["dead"])
    assert len(asked) == 9
    with closing(sqlite3.connect(notifier.database)) as connection:
        for query, values in asked:
            plans.explain(connection, f"{query} LIMIT {completion_names.MOST}", values)
    assert len(plans.scans) == 2
    assert all(f"LIMIT {completion_names.WINDOW}" in statement for statement in plans.scans.values())


def test_a_scan_is_found(plans: Plans, tmp_path: Path) -> None:
    """Also under another name: else nothing would be held here."""
    with closing(sqlite3.connect(tmp_path / "some.db")) as connection:
        connection.execute("CREATE TABLE deliveries (id, state)")
        plans.explain(connection, "SELECT * FROM deliveries", ())
        plans.explain(connection, "SELECT other.id FROM deliveries AS other WHERE other.state = ?", ("dead",))
    assert len(plans.scans) == 2

"""A database of an older version keeps everything it knows."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from support.fakes import START, notice
from support.outboxes import micros, rows, settled, sql, take

from notifier.core.delivery.model import DeliveryState
from notifier.core.health.conditions import Condition
from notifier.store.migrate import SCRIPTS
from notifier.store.reader import Reader
from notifier.store.store import Store
from notifier.store.tables import metadata

NOW = micros(START)
STATES = [state.value for state in DeliveryState]


def upgrade(database: Path, revision: str) -> None:
    """Bring a database, perhaps a new one, to a version by the migrations."""
    engine = create_engine(f"sqlite:///{database}")
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(SCRIPTS))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


@pytest.fixture
def old(database: Path) -> Path:
    """A database of version 0001, with a delivery in every state."""
    upgrade(database, "0001")
    with closing(sqlite3.connect(database)) as older, older:
        for number, state in enumerate(STATES, 1):
            open_ = state in ("pending", "retrying", "uncertain")
            older.execute("INSERT INTO snapshots VALUES (?, 'w', 'ready', 1, '{}', ?, ?)", (f"s{number}", NOW, NOW))
            older.execute(
                "INSERT INTO events VALUES (?, ?, 1, 'w', 'Prices', '{}', 'running', 'ready', "
                '\'["ready", "complete"]\', \'{"records": 3}\', ?, 0)',
                (f"e{number}", f"s{number}", NOW),
            )
            older.execute(
                "INSERT INTO deliveries VALUES (?, ?, 'chat', ?, ?, ?, ?, ?, NULL, 'why')",
                (
                    number,
                    f"e{number}",
                    state,
                    2 if state == "sending" else 1,
                    NOW if open_ else None,
                    NOW + number,
                    NOW,
                ),
            )
            older.execute("INSERT INTO attempts VALUES (?, 1, ?, 5, 'retry', 'http_503', 'no')", (number, NOW))
        older.execute("INSERT INTO looks VALUES ('s1', ?, ?, 'ready', NULL, 0, NULL)", (NOW, NOW))
    return database


def dump(database: Path, table: str, columns: str) -> list[object]:
    return sql(database, f"SELECT {columns} FROM {table} ORDER BY 1, 2")


KEPT = {
    "snapshots": "snapshot_id, watch_id, status, revision, facts, first_seen_at, since",
    "events": "id, snapshot_id, revision, watch_id, name, labels, previous, status, names, facts, observed_at, late_by",
    "deliveries": "id, event_id, channel, state, attempt, not_before, created_at, claimed_at, settled_at, reason",
    "attempts": "delivery_id, number, started_at, duration, outcome, reason, detail",
}


POLLS = "snapshot_id, {polled_at}, seen_at, answer, {next_poll_at}, not_found, not_found_since"
"""The columns of the polls, of which two had other names, as the table had, up to version 0011."""


async def test_nothing_is_lost_on_the_way_to_this_version(old: Path) -> None:
    before = {table: dump(old, table, columns) for table, columns in KEPT.items()}
    polls = dump(old, "looks", POLLS.format(polled_at="looked_at", next_poll_at="next_look_at"))
    async with Store(old):
        pass
    assert {table: dump(old, table, columns) for table, columns in KEPT.items()} == before
    assert dump(old, "polls", POLLS.format(polled_at="polled_at", next_poll_at="next_poll_at")) == polls
    assert sql(old, "PRAGMA foreign_key_check") == []
    assert sql(old, "PRAGMA integrity_check") == [("ok",)]


async def test_what_the_last_notices_say_is_in_trouble_stays_so_and_is_told_once(database: Path) -> None:
    """Until version 0010 the last notice about a subject said how it was."""
    upgrade(database, "0010")
    said = [
        ("channel:mail", "healed", 1, "again"),
        ("channel:mail", "broken", 2, "http_503: no\nIt is kept."),
        ("channel:mail", "broken", 0, "http_500"),
        ("channel:chat", "broken", 1, "http_404"),
        ("channel:chat", "healed", 2, ""),
        ("api", "unauthorised", 1, "The last answer: HTTP 401.\nPut a valid one there."),
        ("reload", "ok", 3, ""),
        ("list:gd_1", "stale", 4, "why"),
        ("refused:s_1", "refuses", 5, "why"),
        ("internal_error:look:ValueError", "internal_error", 6, "why"),
        ("status:odd", "unknown", 7, ""),
        ("dead:mail", "2026-11-23T12:00:00+00:00", 8, ""),
        ("download:evt_1", "late", 9, ""),
    ]
    with closing(sqlite3.connect(database)) as older, older:
        for number, (subject, kind, minute, body) in enumerate(said):
            values = (f"ntc_{number}", kind, subject, "title", body, NOW + minute * 60_000_000)
            older.execute("INSERT INTO notices VALUES (?, ?, ?, ?, ?, ?)", values)
    async with Store(database) as store:
        standing = {each.subject: each for each in await store.conditions.standing()}
        assert {subject: each.kind for subject, each in standing.items()} == {
            "channel:mail": "broken",
            "api": "unauthorised",
            "list:gd_1": "stale",
            "refused:s_1": "refuses",
            "internal_error:poll:ValueError": "internal_error",
        }
        assert standing["channel:mail"] == Condition(
            subject="channel:mail", kind="broken", since=START + timedelta(minutes=2), detail="http_503: no"
        )
        assert not await store.conditions.begin(notice("broken"), "http_503", ["chat"])
        assert await store.conditions.end(notice("healed"), ["chat"])
        assert not await store.conditions.end(notice("healed"), ["chat"])
        assert await store.outbox.notified_subjects("status:") == {"status:odd"}


async def test_the_schema_is_what_the_tables_say(old: Path) -> None:
    async with Store(old):
        pass
    engine = create_engine(f"sqlite:///{old}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


async def test_a_new_database_is_what_the_migrations_would_have_made(tmp_path: Path) -> None:
    made, migrated = tmp_path / "made.db", tmp_path / "migrated.db"
    async with Store(made):
        pass
    upgrade(migrated, "head")
    assert schema(made) == schema(migrated)


def schema(database: Path) -> dict[str, object]:
    """Every table with its columns and foreign keys, every index with what it covers; in whatever order."""
    found: dict[str, object] = {"version": sql(database, "SELECT version_num FROM alembic_version")}
    for (table,) in sql(database, "SELECT name FROM sqlite_schema WHERE type = 'table'"):
        columns = sorted(row[1:] for row in sql(database, f"PRAGMA table_info({table})"))
        keys = sorted(row[2:] for row in sql(database, f"PRAGMA foreign_key_list({table})"))
        found[table] = columns, keys
        for _, index, unique, *_ in sql(database, f"PRAGMA index_list({table})"):
            covered = [name for _, _, name in sql(database, f"PRAGMA index_info({index})")]
            found[f"{table}({', '.join(covered)})"] = unique
    return found


async def test_each_delivery_was_wanted_when_it_was_decided(old: Path) -> None:
    async with Store(old):
        pass
    assert sql(old, "SELECT count(*) FROM deliveries WHERE wanted_at <> created_at") == [(0,)]
    assert {row.attempts[0].together for row in map(Reader(old).delivery, range(1, 8)) if row} == {1}


async def test_what_was_open_goes_on(old: Path) -> None:
    async with Store(old) as store:
        assert await store.outbox.recover(START) == 1
        batch = await take(store)
        assert {each.id for each in batch.send} == {
            STATES.index(state) + 1 for state in ("pending", "sending", "retrying", "uncertain")
        }
        assert await settled(store, batch.send)
        assert (await store.maintenance.audit(now=START, longest_send=START - START, resending=())).sound
    assert {row.state for row in rows(old)} == {"delivered", "dead", "dropped"}

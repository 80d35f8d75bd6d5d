"""A database of an older version keeps everything it knows."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from support.fakes import START
from support.outboxes import micros, rows, settled, sql, take

from notifier.core.delivery.model import DeliveryState
from notifier.store.migrate import SCRIPTS
from notifier.store.reader import Reader
from notifier.store.store import Store
from notifier.store.tables import metadata

NOW = micros(START)
STATES = [state.value for state in DeliveryState]


@pytest.fixture
def old(database: Path) -> Path:
    """A database of version 0001, with a delivery in every state."""
    engine = create_engine(f"sqlite:///{database}")
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(SCRIPTS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()
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
    "looks": "snapshot_id, looked_at, seen_at, answer, next_look_at, not_found, not_found_since",
    "events": "id, snapshot_id, revision, watch_id, name, labels, previous, status, names, facts, observed_at, late_by",
    "deliveries": "id, event_id, channel, state, attempt, not_before, created_at, claimed_at, settled_at, reason",
    "attempts": "delivery_id, number, started_at, duration, outcome, reason, detail",
}


async def test_nothing_is_lost_on_the_way_to_this_version(old: Path) -> None:
    before = {table: dump(old, table, columns) for table, columns in KEPT.items()}
    async with Store(old):
        pass
    assert {table: dump(old, table, columns) for table, columns in KEPT.items()} == before
    assert sql(old, "PRAGMA foreign_key_check") == []
    assert sql(old, "PRAGMA integrity_check") == [("ok",)]


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
    engine = create_engine(f"sqlite:///{migrated}")
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(SCRIPTS))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()
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
        assert (await store.upkeep.audit(now=START, longest_send=START - START, resending=())).sound
    assert {row.state for row in rows(old)} == {"delivered", "dead", "dropped"}

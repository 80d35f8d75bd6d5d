"""What must be true whenever a daemon is killed, and at the end of a case."""

import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from acceptance.kill_scenarios import Scenario, World

_ORPHANS = """
select count(*) from deliveries
    left join events on events.id = deliveries.event_id left join notices on notices.id = deliveries.notice_id
    where events.id is null and notices.id is null
"""
_UNTOLD = """
select count(*) from events
    where json_array_length(channels) > (select count(*) from deliveries where event_id = events.id)
"""
_DELIVERIES = """
select coalesce(event_id, notice_id), channel, state, reason,
    (select count(*) from attempts where delivery_id = deliveries.id and reason = 'interrupted') from deliveries
"""


@contextmanager
def _remains(folder: Path) -> Iterator[sqlite3.Connection]:
    """A copy of the database as the dead left it: SQLite's own recovery is left to the daemon that follows."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        for path in folder.glob("notifier.db*"):
            if path.name in ("notifier.db", "notifier.db-wal"):
                shutil.copy(path, scratch)
        with closing(sqlite3.connect(Path(scratch) / "notifier.db")) as connection:
            yield connection


def check_database(case: str, folder: Path) -> None:
    """What must be true at every instant."""
    with _remains(folder) as connection:
        if not connection.execute("select 1 from sqlite_master where name = 'attempts'").fetchone():
            return
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",), case
        assert not connection.execute("pragma foreign_key_check").fetchall(), case
        assert connection.execute(_ORPHANS).fetchone() == (0,), f"{case}: a delivery without its event"
        assert connection.execute(_UNTOLD).fetchone() == (0,), f"{case}: an event without its deliveries"


def check_receivers(case: str, world: World, scenario: Scenario, between: int) -> None:
    """At the end: everything was told, to everybody, again only after an interruption; and nothing else."""
    folder = world.notifier.folder
    with _remains(folder) as connection:
        found = connection.execute(_DELIVERIES).fetchall()
        events = Counter(connection.execute("select snapshot_id, status from events").fetchall())
        ended = {row[0] for row in connection.execute("select snapshot_id from snapshots where status <> 'running'")}
    came = {(name, told): times for name, each in world.receivers.items() for told, times in each.copies.items()}
    assert ended == set(world.snapshots), f"{case}: not all was seen: {ended}"
    assert not events or max(events.values()) == 1, f"{case}: told twice: {events}"
    for told, channel, state, reason, interrupted in found:
        times = came.get((channel, told), 0)
        if (state, reason) != ("dropped", "superseded"):
            assert state == "delivered", f"{case}: {told} to {channel} is {state} ({reason})"
            assert times >= 1, f"{case}: {told} was lost for {channel}"
        assert times <= 1 + interrupted, f"{case}: {told} came to {channel} {times} times: {end_of_log(folder)}"
        if scenario.alone:
            assert times <= 1 + between, f"{case}: a second copy though nobody died between send and settle"
    if scenario.request.forgets:
        assert not found, f"{case}: not all that is old was forgotten"
        assert set(came.values()) == {1}, f"{case}: told again after it was forgotten"
        assert len(came) == len(world.snapshots), case
    else:
        assert came.keys() <= {(channel, told) for told, channel, *_ in found}, f"{case}: invented"


def end_of_log(folder: Path) -> str:
    return (folder / "log").read_text("utf-8")[-6000:]

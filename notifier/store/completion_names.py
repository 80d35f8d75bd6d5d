"""Reads names from the database for completion in a shell.

It asks SQLite itself: SQLAlchemy takes longer to import than a shell may wait for its user.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

MOST = 200
"""Names of one kind; a shell shows no more without asking."""

WINDOW = 10_000
"""The newest snapshots or deliveries that are searched: a long history must not hold up the shell."""

_NEWEST = f"SELECT watch_id, snapshot_id, status FROM snapshots ORDER BY since DESC, snapshot_id DESC LIMIT {WINDOW}"

_CHANNELS = """
WITH RECURSIVE states(state) AS (
    SELECT min(state) FROM deliveries
    UNION ALL
    SELECT (SELECT min(state) FROM deliveries WHERE state > states.state) FROM states WHERE state IS NOT NULL
), found(state, channel) AS (
    SELECT state, (SELECT min(channel) FROM deliveries WHERE state = states.state) FROM states WHERE state IS NOT NULL
    UNION ALL
    SELECT state, (SELECT min(channel) FROM deliveries WHERE state = found.state AND channel > found.channel)
    FROM found WHERE channel IS NOT NULL
)"""
"""Every channel of every state, each by one search of the index: `SELECT DISTINCT` would read all of it."""

LAST = "\U0010ffff"
"""The last character: what begins with a text lies between that text and the text followed by this."""

_LONGEST_WAIT_S = 0.1


class StoredNames:
    """Names with a beginning, the newest first, at most `MOST`. A database that cannot be read has none."""

    def __init__(self, database: Path) -> None:
        self._database = database

    def watches(self, begin: str) -> list[str]:
        """Return the ids of watches whose snapshots were seen; one that a dataset's watch found is `WATCH/SNAPSHOT`."""
        return self._first(f"SELECT watch_id FROM ({_NEWEST}) WHERE instr(watch_id, ?) = 1", begin)

    def muted(self, begin: str) -> list[str]:
        """Return the ids of the watches that are muted."""
        return self._first("SELECT watch_id FROM mutes WHERE instr(watch_id, ?) = 1 ORDER BY muted_at DESC", begin)

    def snapshots(self, begin: str) -> list[str]:
        """Return the ids of the snapshots that were seen."""
        newest = self._first(f"SELECT snapshot_id FROM ({_NEWEST}) WHERE instr(snapshot_id, ?) = 1", begin)
        if len(newest) == MOST:
            return newest
        query = "SELECT snapshot_id FROM snapshots WHERE snapshot_id >= ? AND snapshot_id < ?"
        return list(dict.fromkeys([*newest, *self._first(query, begin, begin + LAST)]))[:MOST]

    def datasets(self, begin: str) -> list[str]:
        """Return the ids of the datasets that were listed."""
        query = "SELECT dataset_id FROM datasets WHERE dataset_id >= ? AND dataset_id < ?"
        return self._first(query, begin, begin + LAST)

    def channels(self, begin: str) -> list[str]:
        """Return the channels that deliveries were for, also of those that are no longer configured."""
        return self._first(f"{_CHANNELS} SELECT DISTINCT channel FROM found WHERE instr(channel, ?) = 1", begin)

    def statuses(self, begin: str) -> list[str]:
        """Return the statuses that snapshots have, in lower case."""
        query = f"SELECT DISTINCT lower(status) FROM ({_NEWEST}) WHERE instr(lower(status), ?) = 1"
        return self._first(query, begin)

    def deliveries(self, begin: str, states: Sequence[str] = ()) -> list[tuple[str, str]]:
        """Return the numbers of deliveries, each with its state and channel, of `states` or of any state."""
        chosen = f"AND state IN ({', '.join('?' * len(states))})" if states else ""
        newest = f"SELECT id, state, channel FROM deliveries ORDER BY id DESC LIMIT {WINDOW}"
        query = f"SELECT id, state || ', ' || channel FROM ({newest}) WHERE instr(id, ?) = 1 {chosen} ORDER BY id DESC"
        return [(str(number), str(text)) for number, text in self._rows(query, begin, *states)]

    def _first(self, query: str, *arguments: str) -> list[str]:
        return [str(row[0]) for row in self._rows(query, *arguments)]

    def _rows(self, query: str, *arguments: str) -> list[tuple[object, ...]]:
        place = f"file:{quote(str(self._database))}?mode=ro"
        try:
            with closing(sqlite3.connect(place, uri=True, timeout=_LONGEST_WAIT_S)) as connection:
                return connection.execute(f"{query} LIMIT {MOST}", arguments).fetchall()
        except sqlite3.Error:  # none yet, not ours to read, or of another version
            return []

"""The names that stand in the database, for a shell that completes them.

It asks SQLite itself: SQLAlchemy takes longer to import than a shell may wait for its user.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

MOST = 200
"""Of one kind; a shell shows no more without asking."""

_LONGEST_WAIT_S = 0.1


class StoredNames:
    """Names that begin with a text, the newest first, at most `MOST`. A database that cannot be read has none."""

    def __init__(self, database: Path) -> None:
        self._database = database

    def watches(self, begin: str) -> list[str]:
        """The ids of the watches whose snapshots were seen; one that a dataset's watch found is `WATCH/SNAPSHOT`."""
        return self._first("SELECT watch_id FROM snapshots WHERE instr(watch_id, ?) = 1 ORDER BY since DESC", begin)

    def muted(self, begin: str) -> list[str]:
        """The ids of the watches that are muted."""
        return self._first("SELECT watch_id FROM mutes WHERE instr(watch_id, ?) = 1 ORDER BY muted_at DESC", begin)

    def snapshots(self, begin: str) -> list[str]:
        """The ids of the snapshots that were seen."""
        query = "SELECT snapshot_id FROM snapshots WHERE instr(snapshot_id, ?) = 1 ORDER BY since DESC"
        return self._first(query, begin)

    def datasets(self, begin: str) -> list[str]:
        """The ids of the datasets that were listed."""
        return self._first("SELECT dataset_id FROM datasets WHERE instr(dataset_id, ?) = 1", begin)

    def channels(self, begin: str) -> list[str]:
        """The channels that deliveries were for, also such as are configured no more."""
        return self._first("SELECT DISTINCT channel FROM deliveries WHERE instr(channel, ?) = 1", begin)

    def statuses(self, begin: str) -> list[str]:
        """The statuses that snapshots have, in lower case."""
        return self._first("SELECT DISTINCT lower(status) FROM snapshots WHERE instr(lower(status), ?) = 1", begin)

    def deliveries(self, begin: str, states: Sequence[str] = ()) -> list[tuple[str, str]]:
        """The numbers of deliveries, each with its state and channel; only those in some states if any are given."""
        chosen = f"AND state IN ({', '.join('?' * len(states))})" if states else ""
        query = f"SELECT id, state || ', ' || channel FROM deliveries WHERE instr(id, ?) = 1 {chosen} ORDER BY id DESC"
        return [(str(number), str(text)) for number, text in self._rows(query, begin, *states)]

    def _first(self, query: str, begin: str) -> list[str]:
        return [str(row[0]) for row in self._rows(query, begin)]

    def _rows(self, query: str, *arguments: str) -> list[tuple[object, ...]]:
        place = f"file:{quote(str(self._database))}?mode=ro"
        try:
            with closing(sqlite3.connect(place, uri=True, timeout=_LONGEST_WAIT_S)) as connection:
                return connection.execute(f"{query} LIMIT {MOST}", arguments).fetchall()
        except sqlite3.Error:  # none yet, not ours to read, or of another version
            return []

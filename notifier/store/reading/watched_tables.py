"""The temporary tables of what is watched; `watched` keeps them as the database and the configuration are."""

from sqlalchemy import Column, Index, Integer, MetaData, String, Table

FAILED, GOES_ON, ENDED = range(3)
"""The ranks of snapshots in the order of urgency."""

metadata = MetaData()

watched = Table(
    "watched",
    metadata,
    Column("snapshot_id", String, nullable=False, unique=True),
    Column("watch_id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("search", String, nullable=False),
    Column("parent", String),
    Column("dataset_id", String),
    Column("status", String, nullable=False),
    Column("phase", String, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("newest", Integer, nullable=False),
    Column("expires", Integer),
    Column("polled", Integer),
    Column("due", Integer),
    Index("watched_by_rank", "rank", "newest", "snapshot_id"),
    Index("watched_by_newest", "newest", "snapshot_id"),
    Index("watched_by_parent", "parent", "status"),
    Index("watched_by_dataset", "dataset_id", "status"),
    prefixes=["TEMPORARY"],
)
"""A watched snapshot.

`parent` is the watch of the dataset that found it, `status` in lower case. `search` is its name, id and watch in lower
case. `newest` is the time of its status in microseconds, negative, so that all orders ascend; 0 without a status.
`expires` is the time of its end, where that is to be left out some day. `polled` and `due` are the times of its last
poll by itself and of the next one.
"""

Index("watched_by_end", watched.c.expires, sqlite_where=watched.c.expires.is_not(None))

configured = Table(
    "configured",
    metadata,
    Column("snapshot_id", String, primary_key=True),
    Column("watch_id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("search", String, nullable=False),
    sqlite_with_rowid=False,
    prefixes=["TEMPORARY"],
)
"""The watches of snapshots."""

parents = Table(
    "parents",
    metadata,
    Column("watch_id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("search", String, nullable=False),
    Column("dataset_id", String),
    sqlite_with_rowid=False,
    prefixes=["TEMPORARY"],
)
"""The watches of datasets, and one without a name and a dataset for adopted snapshots."""

changed = Table(
    "changed",
    metadata,
    Column("snapshot_id", String, primary_key=True),
    sqlite_with_rowid=False,
    prefixes=["TEMPORARY"],
)
"""The snapshots that have to be read again."""

"""The tables. `migrations/` makes them in a database that exists; a test compares the two."""

from collections.abc import Iterable

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Computed,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    bindparam,
    func,
    literal_column,
)

from notifier.core.delivery.model import DeliveryState
from notifier.core.delivery.states import OPEN
from notifier.core.snapshot.statuses import SPELLINGS_OF_ENDS
from notifier.store.column_types import Instant, Span


def _literals(values: Iterable[str]) -> ColumnElement[str]:
    """Write these values into the statement: SQLite uses a partial index only for a condition that equals its own."""
    return bindparam(None, sorted(values), expanding=True, literal_execute=True, unique=True)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_DATASET_ID = "CASE WHEN json_valid(facts) THEN json_extract(facts, '$.dataset_id') END"
"""Damaged facts must not keep the row from being written."""

snapshots = Table(
    "snapshots",
    metadata,
    Column("snapshot_id", String, primary_key=True),
    Column("watch_id", String, nullable=False),
    Column("status", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("first_seen_at", Instant, nullable=False),
    Column("since", Instant, nullable=False),
    Column("created_at", Instant),
    Column("derived", String),
    Column("left_end", String),
    Column("dataset_id", String, Computed(_DATASET_ID, persisted=False)),
    Index(None, "dataset_id", "since"),
)
"""The state of each snapshot; written at a transition, and only if `revision` is still the one before it."""

in_progress = func.lower(snapshots.c.status).not_in(_literals(SPELLINGS_OF_ENDS))
"""Snapshots that have not ended (`core.snapshot.statuses.has_ended`), in the form of their partial index."""

unwarned = and_(func.lower(snapshots.c.status).in_(_literals(("ready",))), snapshots.c.derived.is_(None))
"""Ready snapshots without a derived event."""

Index("ix_snapshots_going_on", snapshots.c.watch_id, sqlite_where=in_progress, postgresql_where=in_progress)
Index(
    "ix_snapshots_unwarned",
    snapshots.c.first_seen_at,
    snapshots.c.snapshot_id,
    sqlite_where=unwarned,
    postgresql_where=unwarned,
)
Index(None, snapshots.c.since, snapshots.c.snapshot_id)

polls = Table(
    "polls",
    metadata,
    Column("snapshot_id", String, primary_key=True),
    Column("polled_at", Instant, nullable=False, index=True),
    Column("seen_at", Instant),
    Column("answer", String, nullable=False),
    Column("next_poll_at", Instant),
    Column("not_found", Integer, nullable=False),
    Column("not_found_since", Instant),
)
"""The last poll of each snapshot, recorded in batches. If the newest are lost, `status` is less exact, and no more."""

datasets = Table(
    "datasets",
    metadata,
    Column("dataset_id", String, primary_key=True),
    Column("baseline_at", Instant),
    Column("polled_at", Instant),
    Column("answer", String, nullable=False),
    Column("next_poll_at", Instant),
)
"""The datasets that were listed: the last list, and since when the dataset is watched (`baseline_at`)."""

_has_baseline = datasets.c.baseline_at.is_not(None)
Index("ix_datasets_baseline", datasets.c.baseline_at, sqlite_where=_has_baseline, postgresql_where=_has_baseline)

past_snapshots = Table(
    "past_snapshots",
    metadata,
    Column("dataset_id", String, primary_key=True),
    Column("snapshot_id", String, primary_key=True),
    Column("missed_at", Instant),
    sqlite_with_rowid=False,
)
"""The snapshots of a watched dataset that ended before its first list, or whose rows were removed after `keep`. Their
end causes no notification. `missed_at` is when a complete list first omitted one, if none has had it since."""

events = Table(
    "events",
    metadata,
    Column("id", String, primary_key=True),
    Column("snapshot_id", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("watch_id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("labels", JSON, nullable=False),
    Column("previous", String, nullable=False),
    Column("status", String, nullable=False),
    Column("names", JSON, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("observed_at", Instant, nullable=False),
    Column("late_by", Span, nullable=False),
    Column("channels", JSON),
    Column("since", Instant),
    Column("until", Instant),
    Column("family", String, Computed("substr(watch_id, 1, instr(watch_id || '/', '/') - 1)", persisted=False)),
    UniqueConstraint("snapshot_id", "revision"),
    Index(None, "observed_at", "id"),
    Index(None, "family", "observed_at", "id"),
)
"""Every transition; `channels` are those to notify of it, maybe none; `family` is the id of the watch, or of the
dataset's watch that found the snapshot."""

downloads = Table(
    "downloads",
    metadata,
    Column("event_id", String, ForeignKey("events.id"), primary_key=True),
    Column("folder", String, nullable=False),
    Column("format", String, nullable=False),
    Column("state", String, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("not_before", Instant),
    Column("created_at", Instant, nullable=False),
    Column("settled_at", Instant),
    Column("path", String),
    Column("records", Integer),
    Column("reason", String, nullable=False),
    Column("detail", Text, nullable=False),
    Index(None, "state", "not_before"),
)
"""The downloads of results, one for an event: waiting, fetched or given up."""

notices = Table(
    "notices",
    metadata,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("title", String, nullable=False),
    Column("body", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Index(None, "subject", "at"),
    Index(None, "at", "id"),
)
"""Notices to the operators about the notifier itself."""

conditions = Table(
    "conditions",
    metadata,
    Column("subject", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("since", Instant, nullable=False),
    Column("detail", Text, nullable=False),
)
"""What is in trouble now. A row is added with the notice of the trouble, and removed with the notice of its end."""

rate_limits = Table(
    "refusals",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False, index=True),
)
"""The API's last answers of 429: a restart does not reset their count."""

actions = Table(
    "actions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False),
    Column("action", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("origin", String, nullable=False),
    Column("detail", Text, nullable=False),
    Index(None, "subject", "at"),
    Index(None, "at", "id"),
)
"""What somebody did by a command, the API or a page, and from where."""

mutes = Table(
    "mutes",
    metadata,
    Column("watch_id", String, primary_key=True),
    Column("muted_at", Instant, nullable=False),
    Column("until", Instant),
)
"""The muted watches, with the time until which; None: until they are unmuted."""

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("event_id", String, ForeignKey("events.id")),
    Column("notice_id", String, ForeignKey("notices.id")),
    Column("channel", String, nullable=False),
    Column("state", String, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("not_before", Instant),
    Column("created_at", Instant, nullable=False),
    Column("wanted_at", Instant, nullable=False),
    Column("claimed_at", Instant),
    Column("settled_at", Instant),
    Column("reason", String, nullable=False),
    Column("reached", JSON(none_as_null=True)),
    UniqueConstraint("event_id", "channel"),
    UniqueConstraint("notice_id", "channel"),
    Index(None, "state", "channel", "created_at"),
)
"""The outbox: an event, or a notice, for a channel. `attempt` counts the attempts begun; `reason` explains the state.

`reached` are fingerprints of the channel's targets that have it, if some do not.
"""

state_now = deliveries.c.state.concat(literal_column("''"))
"""A delivery's state, in a form that keeps SQLite from choosing the index by state."""

is_open = state_now.in_(_literals(OPEN))
"""Open deliveries, in the form of their partial index: by channel, in the order in which they are due. Over all
channels the index by state is better."""

is_dead = state_now.in_(_literals((DeliveryState.DEAD,)))
"""Dead deliveries, in the form of their partial index."""

Index(
    "ix_deliveries_open", deliveries.c.channel, deliveries.c.not_before, sqlite_where=is_open, postgresql_where=is_open
)
Index(
    "ix_deliveries_dead", deliveries.c.channel, deliveries.c.settled_at, sqlite_where=is_dead, postgresql_where=is_dead
)

attempts = Table(
    "attempts",
    metadata,
    Column("delivery_id", Integer, ForeignKey("deliveries.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("started_at", Instant, nullable=False),
    Column("duration", Span, nullable=False),
    Column("outcome", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("detail", Text, nullable=False),
    Column("together", Integer, nullable=False, server_default="1"),
)
"""Every attempt that ended, with the receiver's answer; `together` deliveries went out as one message."""

in_digest = attempts.c.together > literal_column("1")
"""Attempts whose message carried more than one delivery."""

Index("ix_attempts_digest", attempts.c.started_at, sqlite_where=in_digest, postgresql_where=in_digest)

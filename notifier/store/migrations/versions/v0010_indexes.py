"""Indexes by which every question is answered at a cost that does not grow with the history.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# SQLite takes a partial index for a query whose condition is written exactly so: see `notifier.store.tables`.
_OPEN = "state || '' IN ('pending', 'retrying', 'sending', 'uncertain')"
_DEAD = "state || '' IN ('dead')"
_GOING_ON = "(lower(status) NOT IN ('canceled', 'cancelled', 'failed', 'ready'))"
_UNWARNED = "lower(status) IN ('ready') AND derived IS NULL"


def upgrade() -> None:
    """From one index for the outbox, by channel, state and time."""
    op.drop_index("ix_deliveries_channel_state_not_before", "deliveries")
    op.drop_index("ix_events_observed_at", "events")
    op.create_index("ix_deliveries_state_channel_created_at", "deliveries", ["state", "channel", "created_at"])
    op.create_index("ix_events_observed_at_id", "events", ["observed_at", "id"])
    op.create_index("ix_snapshots_since_snapshot_id", "snapshots", ["since", "snapshot_id"])
    op.create_index("ix_looks_looked_at", "looks", ["looked_at"])
    op.create_index("ix_notices_at_id", "notices", ["at", "id"])
    _partial("ix_deliveries_open", "deliveries", ["channel", "not_before"], _OPEN)
    _partial("ix_deliveries_dead", "deliveries", ["channel", "settled_at"], _DEAD)
    _partial("ix_snapshots_going_on", "snapshots", ["watch_id"], _GOING_ON)
    _partial("ix_snapshots_unwarned", "snapshots", ["first_seen_at", "snapshot_id"], _UNWARNED)
    _partial("ix_datasets_baseline", "datasets", ["baseline_at"], "baseline_at IS NOT NULL")
    _partial("ix_attempts_digest", "attempts", ["started_at"], "together > 1")


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))

"""The outbox: snapshots, looks, events, deliveries, attempts.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From an empty database."""
    op.create_table(
        "snapshots",
        sa.Column("snapshot_id", sa.String, primary_key=True),
        sa.Column("watch_id", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("first_seen_at", sa.BigInteger, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "looks",
        sa.Column("snapshot_id", sa.String, primary_key=True),
        sa.Column("looked_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger),
        sa.Column("answer", sa.String, nullable=False),
        sa.Column("next_look_at", sa.BigInteger),
        sa.Column("not_found", sa.Integer, nullable=False),
        sa.Column("not_found_since", sa.BigInteger),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("snapshot_id", sa.String, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("watch_id", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("labels", sa.JSON, nullable=False),
        sa.Column("previous", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("names", sa.JSON, nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("observed_at", sa.BigInteger, nullable=False),
        sa.Column("late_by", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("snapshot_id", "revision"),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("event_id", sa.String, sa.ForeignKey("events.id"), nullable=False),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("not_before", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("claimed_at", sa.BigInteger),
        sa.Column("settled_at", sa.BigInteger),
        sa.Column("reason", sa.String, nullable=False),
        sa.UniqueConstraint("event_id", "channel"),
    )
    op.create_index("ix_deliveries_channel_state_not_before", "deliveries", ["channel", "state", "not_before"])
    op.create_table(
        "attempts",
        sa.Column("delivery_id", sa.Integer, sa.ForeignKey("deliveries.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("duration", sa.BigInteger, nullable=False),
        sa.Column("outcome", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )

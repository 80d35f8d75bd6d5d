"""Results that are fetched for ready watches.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A job for each event whose watch has `download:`."""
    op.create_table(
        "downloads",
        sa.Column("event_id", sa.String, sa.ForeignKey("events.id"), primary_key=True),
        sa.Column("folder", sa.String, nullable=False),
        sa.Column("format", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("not_before", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("settled_at", sa.BigInteger),
        sa.Column("path", sa.String),
        sa.Column("records", sa.Integer),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_index("ix_downloads_state_not_before", "downloads", ["state", "not_before"])

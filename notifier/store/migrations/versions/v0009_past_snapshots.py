"""Which snapshots of a watched dataset ended so long ago that nothing else is known of them.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "past_snapshots",
        sa.Column("dataset_id", sa.String, nullable=False),
        sa.Column("snapshot_id", sa.String, nullable=False),
        sa.Column("missed_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("dataset_id", "snapshot_id", name="pk_past_snapshots"),
        sqlite_with_rowid=False,
    )

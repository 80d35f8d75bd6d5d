"""What is remembered of a snapshot's endings: derived events, the end it came back from, when it was begun.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From the trust in channels."""
    op.add_column("snapshots", sa.Column("created_at", sa.BigInteger))
    op.add_column("snapshots", sa.Column("derived", sa.String))
    op.add_column("snapshots", sa.Column("left_end", sa.String))
    op.add_column("events", sa.Column("since", sa.BigInteger))
    op.add_column("events", sa.Column("until", sa.BigInteger))

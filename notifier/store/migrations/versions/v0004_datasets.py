"""What is remembered of datasets: their last look, and since when they are watched as a whole.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From every ending."""
    op.create_table(
        "datasets",
        sa.Column("dataset_id", sa.String, nullable=False),
        sa.Column("baseline_at", sa.BigInteger),
        sa.Column("looked_at", sa.BigInteger),
        sa.Column("answer", sa.String, nullable=False),
        sa.Column("next_look_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("dataset_id", name="pk_datasets"),
    )

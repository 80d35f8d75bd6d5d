"""What pages ask for: the snapshots of a dataset, the events of a dataset's watch, and what somebody did.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_DATASET_ID = "CASE WHEN json_valid(facts) THEN json_extract(facts, '$.dataset_id') END"
_FAMILY = "substr(watch_id, 1, instr(watch_id || '/', '/') - 1)"


def upgrade() -> None:
    """Add two computed columns, which take no room, with their indexes, and the table of actions."""
    dataset_id = sa.Computed(_DATASET_ID, persisted=False)
    op.add_column("snapshots", sa.Column("dataset_id", sa.String, dataset_id))
    op.create_index("ix_snapshots_dataset_id_since", "snapshots", ["dataset_id", "since"])
    family = sa.Computed(_FAMILY, persisted=False)
    op.add_column("events", sa.Column("family", sa.String, family))
    op.drop_index("ix_events_watch_id", "events")
    op.create_index("ix_events_family_observed_at_id", "events", ["family", "observed_at", "id"])
    op.create_table(
        "actions",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("origin", sa.String, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_actions"),
    )
    op.create_index("ix_actions_subject_at", "actions", ["subject", "at"])
    op.create_index("ix_actions_at_id", "actions", ["at", "id"])

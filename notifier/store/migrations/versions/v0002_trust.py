"""How channels are served: when a delivery was wanted, mutes, notices to the operators, which channels were told.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From the first outbox."""
    op.create_table(
        "notices",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_notices_subject_at", "notices", ["subject", "at"])
    op.create_table(
        "mutes",
        sa.Column("watch_id", sa.String, primary_key=True),
        sa.Column("muted_at", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger),
    )
    with op.batch_alter_table("events") as events:
        events.add_column(sa.Column("channels", sa.JSON))
        events.create_index("ix_events_observed_at", ["observed_at"])
    with op.batch_alter_table("attempts") as attempts:
        attempts.add_column(sa.Column("together", sa.Integer, nullable=False, server_default="1"))
    # SQLite changes a column by making the table anew, and drops no table that another one's rows refer to.
    op.execute("CREATE TEMPORARY TABLE kept AS SELECT * FROM attempts")
    op.execute("DELETE FROM attempts")
    with op.batch_alter_table("deliveries") as deliveries:
        deliveries.alter_column("event_id", existing_type=sa.String, nullable=True)
        deliveries.add_column(sa.Column("notice_id", sa.String))
        deliveries.add_column(sa.Column("wanted_at", sa.BigInteger))
        deliveries.create_foreign_key("fk_deliveries_notice_id", "notices", ["notice_id"], ["id"])
        deliveries.create_unique_constraint("uq_deliveries_notice_id_channel", ["notice_id", "channel"])
    op.execute("UPDATE deliveries SET wanted_at = created_at")
    with op.batch_alter_table("deliveries") as deliveries:
        deliveries.alter_column("wanted_at", existing_type=sa.BigInteger, nullable=False)
    op.execute("INSERT INTO attempts SELECT * FROM kept")
    op.execute("DROP TABLE kept")

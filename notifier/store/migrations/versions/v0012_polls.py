"""A poll is called a poll: the table `looks` and the columns that had the other word.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_UNITS = {"look": "poll", "flush_looks": "flush_polls"}
"""The units whose faults have another name, by their old names."""


def upgrade() -> None:
    """Rename the table, its index, the columns, and the conditions of units that are named after polls."""
    op.drop_index("ix_looks_looked_at", "looks")
    op.rename_table("looks", "polls")
    for table in ("polls", "datasets"):
        op.alter_column(table, "looked_at", new_column_name="polled_at")
        op.alter_column(table, "next_look_at", new_column_name="next_poll_at")
    op.create_index("ix_polls_polled_at", "polls", ["polled_at"])
    conditions = sa.table("conditions", sa.column("subject"))
    for old, new in _UNITS.items():
        before, after = f"internal_error:{old}:", f"internal_error:{new}:"
        op.execute(
            conditions.update()
            .where(conditions.c.subject.startswith(before, autoescape=True))
            .values(subject=sa.func.replace(conditions.c.subject, before, after))
        )

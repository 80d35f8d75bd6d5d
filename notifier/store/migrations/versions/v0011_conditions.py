"""A table of what is in trouble now; earlier versions read it from the last notice about each subject.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_ENDS = ("ok", "healed")
"""Kinds of notices about the end of a trouble."""

_LASTING = ("api", "audit", "http", "machine", "reload", "store", "channel:", "internal_error:", "list:", "refused:")
"""Beginnings of the subjects whose troubles have an end. Other notices only tell what happened."""


def upgrade() -> None:
    """Add the table, and fill it with what the last notices say."""
    table = op.create_table(
        "conditions",
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_conditions"),
    )
    notices = sa.table("notices", *(sa.column(name) for name in ("subject", "kind", "at", "body")))
    newer = notices.alias("newer")
    is_last = ~sa.exists().where(newer.c.subject == notices.c.subject, newer.c.at > notices.c.at)
    rows = op.get_bind().execute(sa.select(notices).where(is_last, notices.c.kind.not_in(_ENDS))).all()
    standing = {
        row.subject: {
            "subject": row.subject,
            "kind": row.kind,
            "since": row.at,
            "detail": row.body.partition("\n")[0],
        }
        for row in rows
        if row.subject.startswith(_LASTING)
    }
    if standing:
        op.bulk_insert(table, list(standing.values()))

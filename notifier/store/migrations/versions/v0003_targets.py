"""Which targets of a channel have a delivery that did not reach all of them.

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
    """From a delivery that reaches all of its targets or none."""
    op.add_column("deliveries", sa.Column("reached", sa.JSON))

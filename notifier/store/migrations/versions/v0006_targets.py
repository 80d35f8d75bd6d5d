"""Which targets of a channel have a delivery that did not reach all of them.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From a delivery that reaches all of its targets or none."""
    op.add_column("deliveries", sa.Column("reached", sa.JSON))

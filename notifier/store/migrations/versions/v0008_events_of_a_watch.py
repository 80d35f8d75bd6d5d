"""An index of the events by their watch: the deliveries of one watch are listed.

Revision ID: 0008
Revises: 0007
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_events_watch_id", "events", ["watch_id"])

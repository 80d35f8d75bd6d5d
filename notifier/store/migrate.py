"""Brings a database to this program's version, at start, in one transaction."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from notifier.core.errors import StoreTooNew


def migrate(connection: Connection, database: str) -> None:
    """Upgrade the database behind the connection to the newest version.

    Raises:
        StoreTooNew: it was written by a later version of the program; nothing is changed.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    scripts = ScriptDirectory.from_config(config)
    current = MigrationContext.configure(connection).get_current_revision()
    if current == scripts.get_current_head():
        return
    if current is not None:
        try:
            scripts.get_revision(current)
        except CommandError as error:
            raise StoreTooNew(
                f"{database}: written by a newer notifier (its schema is {current}, this program knows up to "
                f"{scripts.get_current_head()}); install that version again, or give this one a database of its own "
                "with `state:`"
            ) from error
    config.attributes["connection"] = connection
    command.upgrade(config, "head")

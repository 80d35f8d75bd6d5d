"""Brings a database to this program's version, at start, in one transaction."""

from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, String, Table, column, insert, inspect, select, table

from notifier.core.errors import StoreTooNew
from notifier.store.tables import metadata

HEAD = "0013"
"""The newest migration; a test holds it against the scripts."""

SCRIPTS = Path(__file__).parent / "migrations"


def migrate(connection: Connection, database: str) -> None:
    """Upgrade the database behind the connection to the newest version.

    Raises:
        StoreTooNew: it was written by a later version of the program; nothing is changed.
    """
    current = _revision(connection)
    if current == HEAD:
        return  # as at nearly every start: without importing Alembic, which takes a quarter of a second
    if current is None and not inspect(connection).get_table_names():
        _make(connection)  # nor does a new database need it: nothing is to be kept
        return
    _upgrade(connection, current, database)


def _make(connection: Connection) -> None:
    """A new database, as the migrations would have left it; a test holds the two against each other."""
    metadata.create_all(connection)
    version = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))
    version.create(connection)
    connection.execute(insert(version).values(version_num=HEAD))


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(select(column("version_num")).select_from(table("alembic_version"))).scalar()


def _upgrade(connection: Connection, current: str | None, database: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))  # the option is a configparser's
    if current is not None:
        try:
            ScriptDirectory.from_config(config).get_revision(current)
        except CommandError as error:
            raise StoreTooNew(
                f"{database}: written by a newer notifier (its schema is {current}, this program knows up to {HEAD}); "
                "install that version again, or give this one a database of its own with `state:`"
            ) from error
    config.attributes["connection"] = connection
    command.upgrade(config, "head")

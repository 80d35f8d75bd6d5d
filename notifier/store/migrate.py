"""Brings a database to this program's version, at start, in one transaction."""

from functools import cache
from pathlib import Path

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    String,
    Table,
    column,
    create_mock_engine,
    insert,
    inspect,
    select,
    table,
)
from sqlalchemy.dialects import sqlite

from notifier.core.errors import StoreTooNew
from notifier.store.tables import metadata

HEAD = "0013"
"""The newest migration; a test holds it against the scripts."""

SCRIPTS = Path(__file__).parent / "migrations"

_VERSION = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))


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
    for statement in _statements():
        connection.exec_driver_sql(statement)
    connection.execute(insert(_VERSION).values(version_num=HEAD))


@cache
def _statements() -> tuple[str, ...]:
    """The statements that make the tables, without asking for each whether it is there."""
    made: list[str] = []
    compiled_for = sqlite.dialect()
    engine = create_mock_engine("sqlite://", lambda sql, *_: made.append(str(sql.compile(dialect=compiled_for))))
    for tables in (metadata, _VERSION.metadata):
        tables.create_all(engine, checkfirst=False)
    return tuple(made)


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

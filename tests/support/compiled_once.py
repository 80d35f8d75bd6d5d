"""Has the SQL of the program compiled once in a process of tests, and not once for each database.

The program compiles it once, too, for its one database. Here it takes a third of a short life.
"""

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

_COMPILED: dict[Any, Any] = {}


def share() -> None:
    """Let all engines of this process share what they compile, from now on."""
    dialect: Any = SQLiteDialect_pysqlite  # a part of the key of what is compiled; each engine has one of its own
    dialect.__eq__ = lambda one, other: type(one) is type(other)
    dialect.__hash__ = lambda one: hash(type(one))
    engine: Any = Engine
    make = engine.__init__

    def make_sharing(self: Any, *positional: Any, **named: Any) -> None:
        make(self, *positional, **named)
        self._compiled_cache = _COMPILED

    engine.__init__ = make_sharing

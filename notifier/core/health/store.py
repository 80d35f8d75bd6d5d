"""How the database does: what keeps it from being written, and what is told of that."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class StoreTrouble(StrEnum):
    """Why the database cannot be used now. Each may pass, so that what is to be written waits and is tried again."""

    FULL = "full"
    LOCKED = "locked"
    FAILING = "failing"


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreNews:
    """The database cannot be used, or (`over`) can be again.

    `at` is when that was so, `detail` what it said, for people, and `lasted` how long a trouble did that is over.
    """

    trouble: StoreTrouble
    at: datetime
    detail: str
    over: bool = False
    lasted: timedelta | None = None

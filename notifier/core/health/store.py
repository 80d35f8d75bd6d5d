"""Health of the database: the troubles that keep it from being written."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class StoreTrouble(StrEnum):
    """Why the database is unusable. Each may pass, so that writes wait and are retried."""

    FULL = "full"
    LOCKED = "locked"
    FAILING = "failing"


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreNews:
    """The database is unusable, or (`over`) usable again.

    `at` is when that began, `detail` the error for people, and `lasted` how long a trouble that is over lasted.
    """

    trouble: StoreTrouble
    at: datetime
    detail: str
    over: bool = False
    lasted: timedelta | None = None

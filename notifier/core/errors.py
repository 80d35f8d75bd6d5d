"""The errors that end a command, with what a user reads and the exit status it means.

NotifierError              1  it could not be done
├── ConfigurationRefused   2  the YAML has errors: all of them, each with its place
├── UsageError             2  the command was asked for something that makes no sense
│   └── BadCursor          2  a list was asked to go on from a place that it does not have
├── NoDaemon               1  no daemon runs that could be asked
├── Unanswered             1  a daemon runs, but has not answered
├── DownloadError          1  results could not be fetched; 3 if there is no such snapshot, 4 if not authorised
└── StoreError             1  the database cannot be used
    ├── StoreUnready       1  it cannot be used now, but may be later
    ├── StoreBusy          1  another daemon has it
    └── StoreTooNew        1  a newer version of the program wrote it

The text of each says what is wrong and what to do; causes are chained for the log. Nothing else may reach a user.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from notifier.core.health.store import StoreTrouble


class NotifierError(Exception):
    """What a command could not do, in words for its user."""

    exit_status = 1


class UsageError(NotifierError):
    """The command was asked for something that makes no sense."""

    exit_status = 2


class BadCursor(UsageError):
    """A list was asked to go on from a place that it does not have."""


class NoDaemon(NotifierError):
    """No daemon runs that could be asked."""


class Unanswered(NotifierError):
    """A daemon runs, but has not answered; asked again, it may."""


class DownloadTrouble(StrEnum):
    """Why results could not be fetched. The same word stands in the log and in the database."""

    NOT_READY = "not_ready"
    NO_RESULTS = "no_results"
    EMPTY = "empty"
    EXPIRED = "expired"
    NOT_FOUND = "not_found"
    UNAUTHORISED = "unauthorised"
    UNREACHABLE = "unreachable"
    WRONG_COUNT = "wrong_count"
    NO_RECORDS = "no_records"
    TOO_LARGE = "too_large"
    EXISTS = "exists"
    FOLDER = "folder"
    NO_SPACE = "no_space"
    BUSY = "busy"
    INTERNAL = "internal_error"


_EXIT_STATUSES = {DownloadTrouble.NOT_FOUND: 3, DownloadTrouble.UNAUTHORISED: 4}
_FINAL = frozenset(
    {
        DownloadTrouble.NO_RESULTS,
        DownloadTrouble.EMPTY,
        DownloadTrouble.EXPIRED,
        DownloadTrouble.NOT_FOUND,
        DownloadTrouble.EXISTS,
        DownloadTrouble.TOO_LARGE,
    }
)


class DownloadError(NotifierError):
    """Results could not be fetched: why, in one word and in words for the user.

    `in_the_way` means that a file is there which the results could replace.
    """

    def __init__(self, trouble: DownloadTrouble, text: str, *, in_the_way: bool = False) -> None:
        super().__init__(text)
        self.trouble = trouble
        self.in_the_way = in_the_way
        self.exit_status = _EXIT_STATUSES.get(trouble, 1)

    @property
    def final(self) -> bool:
        """Whether asking again, later, would end in the same way."""
        return self.trouble in _FINAL


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Problem:
    """One error of the configuration. Lines and columns count from 1; 0 means the file as a whole."""

    file: str
    line: int = 0
    column: int = 0
    key: str = ""
    text: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.key}: {self.text}" if self.key else f"{place}: {self.text}"


class ConfigurationRefused(NotifierError):
    """The configuration has errors: all of them at once, in the order of the files.

    `include` are the patterns by which its files were found, as far as they could be read: one of those files has to
    be mended.
    """

    exit_status = 2

    def __init__(self, problems: Sequence[Problem], *, include: Sequence[str] = ()) -> None:
        self.problems = tuple(problems)
        self.include = tuple(include)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class StoreError(NotifierError):
    """The database cannot be used."""


class StoreUnready(StoreError):
    """The database cannot be used now, but may be later: what is to be written can be tried again."""

    def __init__(self, trouble: StoreTrouble, text: str) -> None:
        super().__init__(text)
        self.trouble = trouble

    def copy(self) -> "StoreUnready":
        """The same without its history, for another to raise: one that many raise would grow with each of them."""
        return StoreUnready(self.trouble, str(self))


class StoreBusy(StoreError):
    """Another daemon has the database."""


class StoreTooNew(StoreError):
    """A newer version of the program wrote the database."""

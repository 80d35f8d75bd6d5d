"""What is in trouble now: one condition for each subject, from the notice that begins it to the one that ends it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

API = "api"
AUDIT = "audit"
HTTP = "http"
MACHINE = "machine"
RELOAD = "reload"
STORE = "store"
CHANNEL = "channel:"
"""Followed by the name of a channel."""

LIST = "list:"
"""Followed by the id of a dataset."""

REFUSED = "refused:"
"""Followed by the id of a snapshot or of a dataset."""

FAULT = "internal_error:"
"""Followed by a kind of fault (`core.work_units.Fault.kind`)."""

LAST = "last"
"""The kind of the condition of `RELOAD` while the configuration runs that an earlier start had accepted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """A trouble that lasts: `kind` says what is wrong with the subject, `detail` why, in one line."""

    subject: str
    kind: str
    since: datetime
    detail: str = ""


def names_of(conditions: Iterable[Condition], prefix: str) -> list[str]:
    """Return what follows the prefix in the subjects that begin with it: the channels, datasets or snapshots."""
    return [each.subject.removeprefix(prefix) for each in conditions if each.subject.startswith(prefix)]


def kind_of(conditions: Iterable[Condition], subject: str) -> str | None:
    """Return what is wrong with a subject; None if nothing is."""
    return next((each.kind for each in conditions if each.subject == subject), None)

"""The values of labels: few, whatever the API and far sides say. An id of a snapshot is never one."""

import re

from notifier.core.model import NotFound, Observation, Seen, Unclear
from notifier.core.snapshot.statuses import NAMES, canonical, is_known_word

OTHER = "other"
MOST = 100
"""Values of one label that are not known beforehand."""

_WORD = re.compile(r"[a-z0-9_]{1,40}")


def status_label(status: str) -> str:
    """A status, or the name of a derived event; one that nobody knows is `other`."""
    return canonical(status) if status in NAMES or is_known_word(status) else OTHER


def answer_label(observation: Observation) -> str:
    """What a poll said: `told` (a status), `not_found`, or the reason it could not tell."""
    match observation:
        case Seen():
            return "told"
        case NotFound():
            return "not_found"
        case Unclear(reason=reason):
            return reason.value


def code_label(status: int | None) -> str:
    """The class of a status code of HTTP; 429 for itself, and `none` for no answer."""
    if status is None:
        return "none"
    return "429" if status == 429 else f"{status // 100}xx"


class BoundedLabels:
    """Lets the first `MOST` words through that it is shown, and calls the others `other`."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def __call__(self, word: str) -> str:
        """The value of the label for this word."""
        if word not in self._known:
            if len(self._known) >= MOST or not _WORD.fullmatch(word):
                return OTHER
            self._known.add(word)
        return word

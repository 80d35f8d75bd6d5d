"""Label values of metrics: a bounded number, whatever the API and the services answer. Never the id of a snapshot."""

import re

from notifier.core.snapshot.model import NotFound, Observation, Seen, Unclear
from notifier.core.snapshot.statuses import NAMES, canonical, is_known_word

OTHER = "other"
MOST = 100
"""The most values of one label that are not known in advance."""

_WORD = re.compile(r"[a-z0-9_]{1,40}")


def status_label(status: str) -> str:
    """Return the label of a status or a derived event; an unknown word is `other`."""
    return canonical(status) if status in NAMES or is_known_word(status) else OTHER


def answer_label(observation: Observation) -> str:
    """Return the label of an answer: `status`, `not_found`, or the reason why there is none."""
    match observation:
        case Seen():
            return "status"
        case NotFound():
            return "not_found"
        case Unclear(reason=reason):
            return reason.value


def code_label(status: int | None) -> str:
    """Return the class of an HTTP status code; `429` stands for itself, and `none` for no answer."""
    if status is None:
        return "none"
    return "429" if status == 429 else f"{status // 100}xx"


class BoundedLabels:
    """Passes the first `MOST` distinct words; any further one becomes `other`."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def __call__(self, word: str) -> str:
        """Return the label of a word."""
        if word not in self._known:
            if len(self._known) >= MOST or not _WORD.fullmatch(word):
                return OTHER
            self._known.add(word)
        return word

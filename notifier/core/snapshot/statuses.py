"""Statuses: their spelling, the phase that each puts its snapshot in, and the event names that it carries.

A status is any word that the API uses, so no list of them is complete. An unknown word counts as in progress.
"""

from enum import StrEnum

from notifier.core.snapshot.model import AGAIN, EXPIRING, MISSING, STALLED, UNKNOWN, Facts, SnapshotState

ENDS = frozenset({"ready", "failed", "canceled"})
"""The statuses that end a snapshot. Every other word of the API means "still in progress"."""

IN_PROGRESS = frozenset({
    *("starting", "running", "closing", "collecting", "digesting", "building", "validating", "delivering"),
    *("queued", "pending", "scheduled", "paused"),
})  # fmt: skip
"""The words that the API is known to use before an end, from its reference and from observations by others."""

NAMES = frozenset({MISSING, STALLED, EXPIRING, AGAIN, "complete", "partial", "empty"})
"""The event names that are ours and not the API's."""

_SPELLINGS = {"cancelled": "canceled"}

SPELLINGS_OF_ENDS = ENDS | {each for each, usual in _SPELLINGS.items() if usual in ENDS}
"""The ends as the API may write them, in lower case."""

_OUR_WORDS = NAMES | {UNKNOWN, "all"}
"""A word of the API that equals one of these, in any case, is kept as `api:WORD`, apart from ours."""


class Phase(StrEnum):
    """The part of its life that a snapshot is in."""

    UNKNOWN = "unknown"
    ACTIVE = "active"
    MISSING = "missing"
    ENDED = "ended"


def canonical(word: str) -> str:
    """Return the spelling for comparing statuses and event names: lower case, `cancelled` as `canceled`."""
    folded = word.casefold()
    return _SPELLINGS.get(folded, folded)


def is_known_word(status: str) -> bool:
    """Whether the API is known to use this word. Any other means "still in progress", and operators are notified."""
    return canonical(status) in ENDS | IN_PROGRESS or status in (UNKNOWN, MISSING)


def phase_of(status: str) -> Phase:
    """Return the phase that a status puts its snapshot in."""
    if status == UNKNOWN:
        return Phase.UNKNOWN
    if status == MISSING:
        return Phase.MISSING
    return Phase.ENDED if canonical(status) in ENDS else Phase.ACTIVE


def has_ended(state: SnapshotState) -> bool:
    """Whether the snapshot has ended, so that it is not polled again."""
    return phase_of(state.status) is Phase.ENDED


def names_of(status: str, facts: Facts) -> tuple[str, ...]:
    """Return the event names that a status carries, its own first.

    `ready` comes with `empty` (no records), `partial` (some errors, or error codes) or `complete` (some records and no
    errors), if the API's counts say which. Else it stands alone.
    """
    name = canonical(status)
    if name != "ready":
        return (name,)
    if facts.records == 0:
        return (name, "empty")
    if facts.errors or any(number for _, number in facts.error_codes):
        return (name, "partial")
    return (name, "complete") if facts.records and facts.errors == 0 else (name,)


def status_of(word: str) -> str:
    """Return the status that a word of the API makes: the word as written, unless it equals one of ours."""
    return f"api:{word}" if canonical(word) in _OUR_WORDS else word

"""Suggests the known word that a misspelt one was meant to be."""

import difflib
import functools
from collections.abc import Iterable

_LONGEST = 100
"""Characters of a word that are compared: difflib takes time quadratic in them."""


def closest(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """Return the known word that is most like the given one, whatever their case; None if none is like it.

    Args:
        word: what was written.
        known: the words to choose from.
        cutoff: how alike the two must be, from 0 to 1.
    """
    return _closest(word[:_LONGEST].lower(), frozenset(known), cutoff)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the suggestion as the end of a sentence, `; did you mean 'x'?`, or an empty text."""
    near = closest(word, known)
    return f"; did you mean '{near}'?" if near else ""


@functools.lru_cache
def _closest(word: str, known: frozenset[str], cutoff: float) -> str | None:
    by_lower = {name.lower(): name for name in sorted(known)}
    near = difflib.get_close_matches(word, by_lower, n=1, cutoff=cutoff)
    return by_lower[near[0]] if near else None

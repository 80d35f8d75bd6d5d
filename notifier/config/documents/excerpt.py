"""Limits the problems of a configuration: the first of each kind, and the number of the others.

One mistake may be in all of 10,000 watches. Each file has an excerpt of its own, so that the kept problems of a file do
not depend on the other files.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from notifier.core.errors import Problem

MOST_OF_A_KIND = 50

_PARTICULARS = re.compile(r"'[^']*'|`[^`]*`|\bat \S+:\d+:\d+|\d+")
"""What differs between two texts of one kind: quotations, places, numbers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Excerpt:
    """The first `MOST_OF_A_KIND` problems of each kind in a file, in order, and the number of others by kind."""

    problems: tuple[Problem, ...] = ()
    more: Mapping[str, int] = field(default_factory=dict)


def excerpt(problems: Iterable[Problem]) -> Excerpt:
    """Return the excerpt of a file's problems, which must be in order."""
    kept: list[Problem] = []
    totals: Counter[str] = Counter()
    for problem in problems:
        kind = _kind(problem)
        totals[kind] += 1
        if totals[kind] <= MOST_OF_A_KIND:
            kept.append(problem)
    more = {kind: total - MOST_OF_A_KIND for kind, total in totals.items() if total > MOST_OF_A_KIND}
    return Excerpt(problems=tuple(kept), more=more)


def merge_excerpts(files: Iterable[Excerpt]) -> list[Problem]:
    """Return the problems of all files to report. The last one of a kind is followed by the number of the others."""
    excerpts = list(files)
    found = [(_kind(problem), problem) for each in excerpts for problem in each.problems]
    totals = Counter(kind for kind, _ in found)
    for each in excerpts:
        totals.update(each.more)
    reported: Counter[str] = Counter()
    problems: list[Problem] = []
    for kind, problem in found:
        reported[kind] += 1
        if reported[kind] <= MOST_OF_A_KIND:
            problems.append(problem)
        if reported[kind] == MOST_OF_A_KIND < totals[kind]:
            more = f"and {totals[kind] - MOST_OF_A_KIND:,} more of this kind: {problem.text}"
            problems.append(Problem(file=problem.file, text=more))
    return problems


def _kind(problem: Problem) -> str:
    return _PARTICULARS.sub("", problem.text)

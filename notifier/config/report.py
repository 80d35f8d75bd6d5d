"""All flaws of all files as one answer: in order, each once, and never so many that nobody reads them."""

import re
from collections import Counter
from collections.abc import Iterable

from notifier.config.document import Document
from notifier.config.nodes import Flaw, Place, path_text
from notifier.core.errors import Problem

MOST_OF_A_KIND = 50

_PARTICULARS = re.compile(r"'[^']*'|`[^`]*`|\bat \S+:\d+:\d+|\d+")
"""What differs between two texts of one kind: what is quoted, places, numbers."""


def file_name(document: Document) -> str:
    """The document's file as errors name it: as it was given, without what cannot be printed."""
    name = str(document.path).encode("utf-8", "backslashreplace").decode()
    return "".join(char if char.isprintable() else "?" for char in name)


def problems_of(documents: Iterable[Document]) -> list[Problem]:
    """The flaws as problems: in the order of the files, then of their places.

    Of one kind, which may stand in all of 10,000 watches, the first `MOST_OF_A_KIND` are told and the rest counted.
    """
    return _answer((document, document.flaws) for document in documents)


def warnings_of(documents: Iterable[Document]) -> list[Problem]:
    """The warnings, in the same way."""
    return _answer((document, document.warnings) for document in documents)


def _answer(flawed: Iterable[tuple[Document, list[Flaw]]]) -> list[Problem]:
    found = [(_kind(flaw), _problem(document, flaw)) for document, flaws in flawed for flaw in _in_order(flaws)]
    totals = Counter(kind for kind, _ in found)
    told: Counter[str] = Counter()
    problems: list[Problem] = []
    for kind, problem in found:
        told[kind] += 1
        if told[kind] <= MOST_OF_A_KIND:
            problems.append(problem)
        if told[kind] == MOST_OF_A_KIND < totals[kind]:
            more = f"and {totals[kind] - MOST_OF_A_KIND:,} more of this kind: {problem.text}"
            problems.append(Problem(file=problem.file, text=more))
    return problems


def _in_order(flaws: list[Flaw]) -> list[Flaw]:
    return sorted(dict.fromkeys(flaws), key=lambda flaw: flaw.place or Place(0, 0))


def _kind(flaw: Flaw) -> str:
    return _PARTICULARS.sub("", flaw.text)


def _problem(document: Document, flaw: Flaw) -> Problem:
    line, column = flaw.place or Place(0, 0)
    return Problem(file=file_name(document), line=line, column=column, key=path_text(flaw.path), text=flaw.text)

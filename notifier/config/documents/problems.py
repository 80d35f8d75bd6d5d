"""Turns the flaws of all files into problems: in order, and each once."""

from collections.abc import Iterable

from notifier.config.documents.document import Document
from notifier.config.documents.excerpt import Excerpt, excerpt, merge_excerpts
from notifier.config.yaml.nodes import Flaw, Place, path_text
from notifier.core.errors import Problem
from notifier.core.words import safe


def file_name(document: Document) -> str:
    """Return the name of the file for errors: as it was given, without unprintable characters."""
    name = str(document.path).encode("utf-8", "backslashreplace").decode()
    return safe(name, "?")


def problems_of(documents: Iterable[Document]) -> list[Problem]:
    """Return the flaws as problems, by file and place, with a limit for each kind."""
    return merge_excerpts(excerpt_of(document, document.flaws) for document in documents)


def excerpt_of(document: Document, flaws: list[Flaw]) -> Excerpt:
    """Return the excerpt of a file's flaws or warnings."""
    return excerpt(_problem(document, flaw) for flaw in _in_order(flaws))


def _in_order(flaws: list[Flaw]) -> list[Flaw]:
    return sorted(dict.fromkeys(flaws), key=lambda flaw: flaw.place or Place(0, 0))


def _problem(document: Document, flaw: Flaw) -> Problem:
    line, column = flaw.place or Place(0, 0)
    return Problem(file=file_name(document), line=line, column=column, key=path_text(flaw.path), text=flaw.text)

"""Explains YAML syntax errors in texts that say what to do, and quote nothing of the file but single characters."""

import re

import yaml

from notifier.config.yaml.nodes import Flaw, Place

_UNTIL_TAB = re.compile(r" *(?=\t)")
_NOT_ALLOWED = re.compile(
    "[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]",
)
"""What YAML 1.2 excludes, and U+0085, U+2028 and U+2029, which are line breaks for PyYAML but not for editors."""

_VARIABLE = re.compile(r"\$\{(\w{1,60})(:-)?")

# The parsers of PyYAML in C and in Python have different texts for the same error.
_CURES: tuple[tuple[str, str], ...] = (
    ("mapping values are not allowed", "a `:` where no key can stand: check the indentation, and quote text with `: `"),
    ("sequence entries are not allowed", "a list item cannot begin here: put each `- ` on a line of its own"),
    ("unexpected end of stream", "the quote that opens here is never closed"),
    ("unexpected document", "the quote that opens here is never closed"),
    ("',' or ']'", "the list that opens with `[` here is not closed, or lacks a `,` between two items"),
    ("',' or '}'", "the mapping that opens with `{` here is not closed, or lacks a `,` between two entries"),
    ("unknown escape character", r"a backslash in double quotes starts an escape: write `\\`, or use single quotes"),
    ("escape", "this escape in double quotes is not a character; in single quotes a backslash is only itself"),
    ("hexdecimal", "this escape in double quotes is not a character; in single quotes a backslash is only itself"),
    ("could not find expected ':'", "a `:` after the key is missing here, or a quote before is not closed"),
    ("incompatible YAML", "an unknown `%YAML` version: remove this line"),
    ("directive", "a line that begins with `%` is a YAML directive: remove it, or put the text in quotes"),
    ("document start", "YAML expects nothing more after the end of the document"),
    ("tag", "a `!` starts a YAML tag, which this file cannot use: put the text in quotes"),
    ("alphabetic or numeric", "`&` and `*` start YAML anchors and aliases: put the text in quotes"),
    ("expected node content", "a value is missing before this character; text that begins with it needs quotes"),
    ("the node content", "a value is missing before this character; text that begins with it needs quotes"),
    ("'-' indicator", "this line does not belong to the list before it: check its indentation"),
    ("find expected key", "this does not belong to the mapping before it: check the indentation and the quotes"),
    ("<block end>", "this does not belong to what stands before it: check the indentation and the quotes"),
)  # fmt: skip


def characters(text: str) -> list[Flaw]:
    """Return a flaw for the first character that YAML does not allow, or else for every line indented with a tab."""
    if match := _NOT_ALLOWED.search(text):
        code = ord(match[0])
        name = "NUL" if code == 0 else f"U+{code:04X}"
        cure = "is this a text file?" if code == 0 else "remove it"
        return [Flaw(place=place_at(text, match.start()), text=f"the control character {name} is not allowed: {cure}")]
    return [
        Flaw(place=Place(number, match.end() + 1), text="a tab in the indentation: YAML is indented with spaces")
        for number, line in enumerate(text.split("\n"), start=1)
        if (match := _UNTIL_TAB.match(line))
    ]


def place_at(text: str, index: int) -> Place:
    """Return the place of the character at an index."""
    return Place(text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index))


def explain(error: yaml.YAMLError, text: str) -> Flaw:
    """Return PyYAML's error as a flaw, at the place where the file needs the fix."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return Flaw(text="not YAML")
    problem = str(error.problem or "")
    if "',' or '" in problem and (flaw := _variable_without_quotes(error.problem_mark, text)):
        return flaw
    mark = error.problem_mark or error.context_mark
    if re.search(r"end of stream|unexpected document|',' or '", problem):
        mark = error.context_mark or mark
    place = Place(mark.line + 1, mark.column + 1) if mark else None
    if "node content" in problem and mark and not "".join(text.split("\n")[mark.line :])[mark.column :].strip():
        return Flaw(place=place, text="not YAML: the file ends where a `[` or a `{` is not closed")
    if "cannot start any token" in problem:
        return Flaw(place=place, text=_cannot_start(text, place))
    cure = next((cure for words, cure in _CURES if words in problem), "check the indentation and the quotes here")
    return Flaw(place=place, text=f"not YAML: {cure}")


def _variable_without_quotes(mark: yaml.Mark | None, text: str) -> Flaw | None:
    """Return a flaw for `${NAME}` inside `{…}` or `[…]`, where its `{` opens a mapping; None if there is none."""
    line = _line(text, mark.line) if mark else ""
    if mark is None or not (variable := _VARIABLE.match(line, max(mark.column - 1, 0))):
        return None
    shown = f"${{{variable[1]}{':-…' if variable[2] else ''}}}"
    cure = f'a variable inside of `{{…}}` or `[…]` needs quotes: write `"{shown}"`'
    return Flaw(place=Place(mark.line + 1, mark.column), text=f"not YAML: {cure}")


def _cannot_start(text: str, place: Place | None) -> str:
    line = _line(text, place.line - 1) if place else ""
    char = line[place.column - 1 : place.column] if place else ""
    return f"not YAML: text that begins with `{char}` needs quotes" if char else "not YAML: put this text in quotes"


def _line(text: str, number: int) -> str:
    """Return a line of the text, from 0; empty beyond the end, where a parser may report what is missing."""
    return "".join(text.split("\n")[number : number + 1])

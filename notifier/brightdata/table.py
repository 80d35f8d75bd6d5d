"""CSV as people and their programs write it: read by the dialect that its first line shows, or refused.

`csv.Sniffer` is not used: it guesses the separator by how often a character comes in each row, and in a list of URLs
takes a letter, `/` or `:` for one. The separator of a table stands between the names in its first line.
"""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

from notifier.brightdata.misfit import Misfit

_SEPARATORS = ",;\t|"
_TOLD_SEPARATOR = re.compile(r'"?sep=(?P<separator>[^\w\s"]|\t)"?\s*?(?:\r\n|\r|\n|$)', re.IGNORECASE)
"""The first line by which Excel is told the separator, and which is no data."""

_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_URL = re.compile(r"\w+://|www\.", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?[0-9][0-9.,]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A table: the names of its columns, and rows of as many values each, with the line where each begins."""

    names: Sequence[str]
    rows: Sequence[Sequence[str]]
    lines: Sequence[int]
    left_out: int
    """Rows that were empty."""

    def as_csv(self) -> str:
        """The table in the dialect of RFC 4180, with plain line ends."""
        out = io.StringIO()
        # The writer leaves a carriage return bare if none is in its line terminator.
        bare = any("\r" in value for row in self.rows for value in row)
        writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL if bare else csv.QUOTE_MINIMAL)
        writer.writerow(self.names)
        writer.writerows(self.rows)
        return out.getvalue()


def read_table(text: str) -> Table:
    """The table that a text holds.

    A line `sep=;` before it, any of the usual separators, and Excel's empty columns and rows are understood.

    Raises:
        Misfit: it is no table, or holds nothing to collect.
    """
    told = _TOLD_SEPARATOR.match(text)
    skipped = text[: told.end()].count("\n") if told else 0
    text = text[told.end() :] if told else text
    start = len(text) - len(text.lstrip("\r\n"))
    skipped, text = skipped + text[:start].count("\n"), text[start:]
    separator = told["separator"] if told else _separator(text, skipped + 1)
    rows, lines, left_out = _rows(text, separator, skipped)
    if not rows:
        raise Misfit("it has no line of names and nothing to collect")
    names, rows = _columns(rows[0], rows[1:], lines)
    if not rows:
        raise Misfit(
            "it has a line of names and nothing to collect: the names of a CSV's columns stand in its first line"
        )
    return Table(names=names, rows=rows, lines=lines[1:], left_out=left_out)


def _separator(text: str, line: int) -> str:
    """What stands between the names in the first line; a comma if they are one.

    Raises:
        Misfit: several different ones do.
    """
    first = _QUOTED.sub("", re.split(r"[\r\n]", text, maxsplit=1)[0])
    found = [each for each in _SEPARATORS if each in first]
    if len(found) > 1 and not _URL.search(first):
        shown = " and ".join("a tab" if each == "\t" else f"`{each}`" for each in found)
        raise Misfit(
            f"{shown} stand between the names: put a line `sep={found[0]}` before it, with the right one", line
        )
    return found[0] if found else ","


def _rows(text: str, separator: str, skipped: int) -> tuple[list[list[str]], list[int], int]:
    """All rows that are not empty with the line where each begins, and how many were empty."""
    first = re.split(r"[\r\n]", text, maxsplit=1)[0]
    reader = csv.reader(
        io.StringIO(text, newline=""), strict=True, delimiter=separator, skipinitialspace=f"{separator} " in first
    )
    rows, lines, left_out, begin = [], [], 0, skipped + 1
    try:
        for row in reader:
            if any(value.strip() for value in row):
                rows.append(row)
                lines.append(begin)
            else:
                left_out += 1
            begin = skipped + reader.line_num + 1
    except csv.Error as error:
        raise Misfit(f"not CSV: {error}", begin) from None
    return rows, lines, left_out


def _columns(
    header: Sequence[str], rows: Sequence[list[str]], lines: Sequence[int]
) -> tuple[list[str], list[list[str]]]:
    """The names and the rows without the columns that have neither a name nor a value."""
    names = [name.strip() for name in header]
    _check_names(names, lines[0])
    kept = [index for index, name in enumerate(names) if name]
    cut = []
    for row, line in zip(rows, lines[1:], strict=True):
        if len(row) < len(names):
            raise Misfit(f"{_values(len(row))}, and the first line names {len(names)}", line)
        extra = next((index for index, value in enumerate(row) if value.strip() and index not in kept), None)
        if extra is not None and extra >= len(names):
            raise Misfit(f"{_values(len(row))}, and the first line names {len(names)}", line)
        if extra is not None:
            raise Misfit(f"a value stands in column {extra + 1}, which has no name in the first line", line)
        cut.append([row[index] for index in kept])
    return [names[index] for index in kept], cut


def _check_names(names: Sequence[str], line: int) -> None:
    for number, name in enumerate(names, start=1):
        if _URL.match(name) or _NUMBER.fullmatch(name):
            raise Misfit(
                f"{name[:60]!r} is a value, and the first line has to name the columns: put one with the name before "
                "it, such as `url`",
                line,
            )
        if name and names.index(name) + 1 < number:
            raise Misfit(f"two columns are called {name[:60]!r}", line)
        if not name.isprintable():
            raise Misfit(f"the name of column {number} has a control character in it: {name[:60]!r}", line)


def _values(number: int) -> str:
    return "1 value" if number == 1 else f"{number} values"

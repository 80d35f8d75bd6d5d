"""Reads CSV as people and programs write it, in the dialect that its first line shows.

`csv.Sniffer` is not used: it guesses the separator from the frequency of each character in a row, and in a list of URLs
picks a letter, `/` or `:`. The separator is taken from between the names in the first line instead.
"""

import csv
import io
import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from notifier.brightdata.datasets.input_place import InvalidInput

_SEPARATORS = ",;\t|"
_DECLARED_SEPARATOR = re.compile(r'"?sep=(?P<separator>[^\w\s"]|\t)"?\s*?(?:\r\n|\r|\n|$)', re.IGNORECASE)
"""A first line that names the separator for Excel, and is not data."""

_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_URL = re.compile(r"\w+://|www\.", re.IGNORECASE)
_HOST = re.compile(r"(?:[\w-]+\.)+[a-z]{2,}(?::[0-9]+)?", re.IGNORECASE)
_ADDRESS = re.compile(rf"{_HOST.pattern}[/?#].*|[^@\s]+@{_HOST.pattern}", re.IGNORECASE)
"""A URL without its scheme, as in `example.com/item`, or a mail address."""
_NUMBER = re.compile(r"[-+]?[0-9][0-9.,]*")
_LINE = re.compile(r"[^\r\n]+(?:\r\n|\r|\n|\Z)|\r\n|\r|\n")

NOT_MEANT = {
    **dict.fromkeys(("NaN", "nan", "<NA>", "NaT"), "pandas and Python write it for a missing value"),
    **dict.fromkeys(
        ("#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"),
        "Excel writes it for a formula that has no value",
    ),
}
"""Values that mean an absent one, but are text for Bright Data."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A table: its column names, and rows of as many values each, with the line in which each begins.

    `csv` has all of it in the dialect of RFC 4180, with `\\n` line ends, in UTF-8. The rows are kept only there: as
    objects they would take about ten times the memory.
    """

    names: Sequence[str]
    csv: bytes
    lines: Sequence[int]
    left_out: int
    """The number of empty rows."""

    def rows(self) -> Iterator[list[str]]:
        """Yields the rows."""
        rows = csv.reader(io.TextIOWrapper(io.BytesIO(self.csv), encoding="utf-8", newline=""), strict=True)
        next(rows)
        return rows


def read_table(text: str) -> Table:
    """Parses a table.

    Understands a line `sep=;` before it, the usual separators, and Excel's empty columns and rows.

    Raises:
        InvalidInput: it is not a table, or has nothing to collect.
    """
    declared = _DECLARED_SEPARATOR.match(text)
    skipped = text[: declared.end()].count("\n") if declared else 0
    text = text[declared.end() :] if declared else text
    start = len(text) - len(text.lstrip("\r\n"))
    skipped, text = skipped + text[:start].count("\n"), text[start:]
    separator = declared["separator"] if declared else _separator(text, skipped + 1)
    rows = _Rows(text, separator, skipped)
    header = next(rows, None)
    if header is None:
        raise InvalidInput("it has no line of names and nothing to collect")
    columns = _Columns(header, rows.line)
    out = io.BytesIO()
    file = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
    plain, quoted = (csv.writer(file, lineterminator="\n", quoting=each) for each in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
    plain.writerow(columns.names)
    lines = array("Q")
    for row in rows:
        values = columns.of(row, rows.line)
        # The writer does not quote a carriage return unless its line terminator has one.
        (quoted if any("\r" in value for value in values) else plain).writerow(values)
        lines.append(rows.line)
    if not lines:
        raise InvalidInput(
            "it has a line of names and nothing to collect: the names of a CSV's columns stand in its first line"
        )
    columns.check_names()
    file.flush()
    return Table(names=columns.names, csv=out.getvalue(), lines=lines, left_out=rows.left_out)


def _separator(text: str, line: int) -> str:
    """Returns the separator of the names in the first line; a comma if there is one name.

    Raises:
        InvalidInput: there are several different ones.
    """
    first = _QUOTED.sub("", _first_line(text))
    found = [each for each in _SEPARATORS if each in first]
    if len(found) > 1 and not _URL.search(first):
        shown = " and ".join("a tab" if each == "\t" else f"`{each}`" for each in found)
        raise InvalidInput(
            f"{shown} stand between the names: put a line `sep={found[0]}` before it, with the right one", line
        )
    return found[0] if found else ","


def _first_line(text: str) -> str:
    found = _LINE.match(text)
    return found.group().rstrip("\r\n") if found else ""


class _Rows(Iterator[list[str]]):
    """Iterates over the rows that are not empty.

    `line` is where the last one begins, and `left_out` counts the empty rows so far.
    """

    def __init__(self, text: str, separator: str, skipped: int) -> None:
        self._reader = csv.reader(
            (each.group() for each in _LINE.finditer(text)),
            strict=True,
            delimiter=separator,
            skipinitialspace=f"{separator} " in _first_line(text),
        )
        self._skipped = skipped
        self.line = 0
        self.left_out = 0

    def __next__(self) -> list[str]:
        while True:
            self.line = self._skipped + self._reader.line_num + 1
            try:
                row = next(self._reader)
            except csv.Error as error:
                raise InvalidInput(f"not CSV: {error}", self.line) from None
            if any(value.strip() for value in row):
                return row
            self.left_out += 1


class _Columns:
    """The columns that have a name.

    Raises:
        InvalidInput: a name is not valid.
    """

    def __init__(self, header: Sequence[str], line: int) -> None:
        names = [name.strip() for name in header]
        _check_names(names, line)
        self._all = len(names)
        self._kept = [index for index, name in enumerate(names) if name]
        self._line = line
        self._may_be_a_list = len(names) == 1 and _HOST.fullmatch(names[0]) is not None
        self.names = [names[index] for index in self._kept]

    def of(self, row: Sequence[str], line: int) -> list[str]:
        """Returns the values of a row in these columns.

        Raises:
            InvalidInput: there are too few or too many, or one is plainly a mistake.
        """
        if len(row) < self._all:
            raise InvalidInput(f"{_values(len(row))}, and the first line names {self._all}", line)
        extra = next((index for index, value in enumerate(row) if value.strip() and index not in self._kept), None)
        if extra is not None and extra >= self._all:
            raise InvalidInput(f"{_values(len(row))}, and the first line names {self._all}", line)
        if extra is not None:
            raise InvalidInput(f"a value stands in column {extra + 1}, which has no name in the first line", line)
        values = [row[index] for index in self._kept]
        for name, value in zip(self.names, values, strict=True):
            if why := NOT_MEANT.get(value.strip()):
                raise InvalidInput(
                    f"{value.strip()} stands in the column {name[:60]!r}: {why}; leave it empty, or give the inputs as "
                    "JSON if this text is meant",
                    line,
                )
        self._may_be_a_list = self._may_be_a_list and _HOST.match(values[0].strip()) is not None
        return values

    def check_names(self) -> None:
        """Checks that a single column name is not itself a host, like the values below it.

        Raises:
            InvalidInput: it is one.
        """
        if self._may_be_a_list:
            raise _is_a_value(self.names[0], self._line)


def _check_names(names: Sequence[str], line: int) -> None:
    for number, name in enumerate(names, start=1):
        if _URL.match(name) or _NUMBER.fullmatch(name) or _ADDRESS.fullmatch(name):
            raise _is_a_value(name, line)
        if name and names.index(name) + 1 < number:
            raise InvalidInput(f"two columns are called {name[:60]!r}", line)
        if not name.isprintable():
            raise InvalidInput(f"the name of column {number} has a control character in it: {name[:60]!r}", line)


def _is_a_value(name: str, line: int) -> InvalidInput:
    return InvalidInput(
        f"{name[:60]!r} is a value, and the first line has to name the columns: put one with the name before it, such "
        "as `url`",
        line,
    )


def _values(number: int) -> str:
    return "1 value" if number == 1 else f"{number} values"

"""Prints JSON, tables and times, and warnings on standard error."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import typer

from notifier.core.times import iso
from notifier.core.words import safe, span


def warn(text: str) -> None:
    """Print a warning on standard error."""
    typer.echo(f"warning: {text}", err=True)


def say_held(pause: timedelta) -> None:
    """Print on standard error why a request waits, if it waits for more than two seconds."""
    if pause > timedelta(seconds=2):
        typer.echo(
            f"Bright Data asked for fewer requests. It gets none for {span(pause)}, and this command waits.",
            err=True,
        )


def json_line(data: Any) -> None:
    """Print data as JSON on one line, and flush it, for programs that read the output while it grows."""
    typer.echo(json.dumps(data, ensure_ascii=False, default=_plain))
    sys.stdout.flush()


def print_json(data: Any) -> None:
    """Print data as JSON; times as ISO 8601 in UTC."""
    typer.echo(json.dumps(data, ensure_ascii=False, indent=2, default=_plain))


def print_json_list(items: Iterable[Any]) -> None:
    """Print a list as JSON item by item, so that a list of any length takes the memory of one item."""
    began = False
    for item in items:
        text = json.dumps(item, ensure_ascii=False, indent=2, default=_plain).replace("\n", "\n  ")
        typer.echo(f",\n  {text}" if began else f"[\n  {text}", nl=False)
        began = True
    typer.echo("\n]" if began else "[]")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def when(moment: datetime | None, now: datetime) -> str:
    """Return a time for a table: "3 min ago" or "in 8 s" on a terminal, ISO 8601 elsewhere, "-" for None."""
    if moment is None:
        return "-"
    if not sys.stdout.isatty():
        return iso(moment) or "-"
    return f"{span(now - moment)} ago" if moment <= now else f"in {span(moment - now)}"


def print_fitted(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    same: Sequence[str],
    cut: Sequence[str],
    left_out: Sequence[str],
    styles: dict[str, str] | None = None,
) -> None:
    """Print a table with one line a row, without redundant columns; see `table_layout.fitted`.

    On a terminal the table is fitted into its width. Elsewhere nothing is cut for lack of space.
    """
    from notifier.cli.table_layout import GAP, fitted

    cells = [[safe(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        print_table(*fitted(columns, cells, sys.maxsize, same=same))
        return
    from rich.cells import cell_len
    from rich.console import Console
    from rich.text import Text

    console = Console(soft_wrap=True, highlight=False)
    names, shown = fitted(columns, cells, console.width, same=same, cut=cut, left_out=left_out)
    widths = [max(map(cell_len, each)) for each in zip(names, *shown, strict=True)]
    for row in ([*names], *shown):
        line = Text()
        for cell, width in zip(row, widths, strict=True):
            style = "bold" if row == names else (styles or {}).get(cell.split(" ")[0], "")
            line.append(cell, style=style)
            line.append(" " * (width - cell_len(cell) + GAP))
        line.rstrip()
        console.print(line, no_wrap=True, overflow="ignore", crop=False)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, styles: dict[str, str] | None = None) -> None:
    """Print a table: drawn and coloured on a terminal, plain aligned columns elsewhere.

    `styles` gives the colour of a cell by its text, such as a status.
    """
    cells = [[safe(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(header_style="bold")
        for column in columns:
            table.add_column(column, overflow="fold")  # an id that is cut cannot be copied
        for row in cells:
            table.add_row(*(Text(cell, style=(styles or {}).get(cell.split(" ")[0], "")) for cell in row))
        Console().print(table)
        return
    lines = [[column.upper() for column in columns], *cells]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    for line in lines:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def print_stream(columns: Sequence[str], rows: Iterable[Sequence[str]], *, widths: Sequence[int]) -> None:
    """Print a table row by row, so that a table of any length takes little memory; nothing if there is no row.

    `widths` are those of all columns but the last, which needs none.
    """
    padded = [max(width, len(column)) for width, column in zip(widths, columns, strict=False)] + [0]
    for number, row in enumerate(rows):
        for cells in ([column.upper() for column in columns], row) if number == 0 else (row,):
            typer.echo("  ".join(cell.ljust(width) for cell, width in zip(cells, padded, strict=True)).rstrip())

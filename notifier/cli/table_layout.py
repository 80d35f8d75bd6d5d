"""Fits a table into a terminal's width: one line a row, and ids uncut, because users copy them."""

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

GAP = 2
"""Spaces between two columns."""
SHORTEST_CUT = 12
"""The least width that a column is cut to."""


def fitted(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    width: int,
    *,
    same: Sequence[str] = (),
    cut: Sequence[str] = (),
    left_out: Sequence[str] = (),
) -> tuple[list[str], list[list[str]]]:
    """Return the columns and rows to show. They may stay wider than the terminal.

    A column without a value in any row is left out.

    Args:
        columns, rows: all there is to show.
        width: of the terminal, in cells.
        same: columns of names and ids. One that repeats another one in each row is left out.
        cut: columns that may be cut, before others are left out.
        left_out: columns that may be left out, in this order.
    """
    alike = [index for index, name in enumerate(columns) if name in same]
    shown = [index for index in range(len(columns)) if not _is_redundant(index, rows, alike)]
    cells = [list(row) for row in rows]
    for name in (*left_out, ""):
        excess = _width(columns, cells, shown) - width
        for each in (index for index in shown if columns[index] in cut and excess > 0):
            own = _widest(columns, cells, each)
            _cut(cells, each, max(SHORTEST_CUT, own - excess))
            excess = _width(columns, cells, shown) - width
        if excess <= 0 or not name:
            break
        cells = [list(row) for row in rows]
        shown = [index for index in shown if columns[index] != name]
    return [columns[index] for index in shown], [[row[index] for index in shown] for row in cells]


def _is_redundant(index: int, rows: Sequence[Sequence[str]], alike: Sequence[int]) -> bool:
    if not rows or index == 0:
        return False
    if all(row[index] in ("", "-") for row in rows):
        return True
    before = [each for each in alike if each < index] if index in alike else []
    return any(all(_repeats(row[each], row[index]) for row in rows) for each in before)


def _repeats(before: str, cell: str) -> bool:
    """Whether the cell before says the same: `gd_1/sd_1` is the watch of the snapshot `sd_1`."""
    return before == cell or before.endswith(f"/{cell}")


def _widest(columns: Sequence[str], rows: Sequence[Sequence[str]], index: int) -> int:
    return max(cell_len(columns[index]), *(cell_len(row[index]) for row in rows)) if rows else cell_len(columns[index])


def _width(columns: Sequence[str], rows: Sequence[Sequence[str]], shown: Sequence[int]) -> int:
    return sum(_widest(columns, rows, index) for index in shown) + GAP * (len(shown) - 1)


def _cut(rows: Sequence[list[str]], index: int, width: int) -> None:
    for row in rows:
        if cell_len(row[index]) > width:
            row[index] = f"{set_cell_size(row[index], width - 1).rstrip()}…"

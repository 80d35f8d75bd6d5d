"""A table fits the terminal with one line a watch and uncut ids."""

import io
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from notifier.cli.status import show_table
from notifier.cli.table_layout import GAP, fitted

IDS = ("watch", "name", "snapshot")


def test_redundant_and_empty_columns_are_left_out() -> None:
    columns = (*IDS, "status", "since", "deliveries")
    rows = [["sd_1", "sd_1", "sd_1", "ready", "ready", "-"], ["gd_1/sd_2", "gd_1/sd_2", "sd_2", "running", "x", "-"]]
    assert fitted(columns, rows, 200, same=IDS) == (
        ["watch", "status", "since"],
        [["sd_1", "ready", "ready"], ["gd_1/sd_2", "running", "x"]],
    )


def test_names_are_cut_before_columns_are_left_out_and_ids_never() -> None:
    rows = [["sd_mu3j5zf4i64vu5aoj", "A name that is much longer than it should be", "ready", "2 d 4 h ago"]]
    columns = ("watch", "name", "status", "since")
    shown, cells = fitted(columns, rows, 60, same=IDS, cut=("name",), left_out=("since",))
    assert (shown, cells) == (list(columns), [["sd_mu3j5zf4i64vu5aoj", "A name that is m…", "ready", "2 d 4 h ago"]])
    shown, cells = fitted(columns, rows, 45, same=IDS, cut=("name",), left_out=("since",))
    assert (shown, cells) == (["watch", "name", "status"], [["sd_mu3j5zf4i64vu5aoj", "A name that is…", "ready"]])
    assert fitted(columns, rows, 1, same=IDS, cut=("name",), left_out=("since",))[1][0][0] == "sd_mu3j5zf4i64vu5aoj"


@given(
    st.lists(
        st.tuples(st.from_regex(r"sd_[a-z0-9]{1,30}", fullmatch=True), st.text(max_size=40)), min_size=1, max_size=6
    ),
    st.integers(1, 200),
)
@example([("sd_0", "000000000000")], 1)
def test_the_table_fits_if_the_ids_and_the_shortest_name_fit(rows: list[tuple[str, str]], width: int) -> None:
    table = [[each, " ".join(name.split()), "running", "in 8 s"] for each, name in rows]
    shown, cells = fitted(("watch", "name", "status", "since"), table, width, cut=("name",), left_out=("since",))
    assert [row[0] for row in cells] == [each for each, _ in rows]
    widest = [max(map(cell_len, column)) for column in zip(shown, *cells, strict=True)]
    needed = max(len(each) for each in ("watch", *(each for each, _ in rows))) + 12 + len("running") + 2 * GAP
    assert sum(widest) + GAP * (len(widest) - 1) <= max(width, needed)


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_status_has_one_line_a_watch_at_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    for name, value in {"COLUMNS": "80", "TERM": "dumb"}.items():
        monkeypatch.setenv(name, value)
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    entry = {"since": now, "last_poll": now, "last_answer": None, "next_poll": now, "muted": False, "status": "ready"}
    ids = [f"sd_mu3j5zf4i64vu5a{k:02}" for k in range(20)]
    entries = [
        {
            "watch": each,
            "name": f"Amazon products, nightly, number {each}",
            "snapshot": each,
            "deliveries": {"delivered": 2},
        }
        for each in ids
    ]
    show_table([entry | each for each in entries], now)
    lines = terminal.getvalue().splitlines()
    assert len(lines) == 21
    assert lines[0].split()[:3] == ["watch", "name", "status"]
    assert all(len(line) <= 80 for line in lines)
    assert [line.split()[0] for line in lines[1:]] == ids

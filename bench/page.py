"""What pages and API cost over many watches and a long history, beside plain SELECTs of the same rows, in one run.

The time of an answer is measured by its client, over a kept connection. How long the event loop was held is measured in
the daemon meanwhile, and before, without requests. By how much it was late is shown beside: on a busy machine that is
also how long it waited for a CPU.
"""

import http.client
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from bench.measure import quantiles
from bench.open_pages import open_pages
from bench.processes.parent import Line, print_load, process

TRIES = 100
LONGEST_MS = 150.0
"""p99 of a page's answer."""

LONGEST_HOLD_MS = 20.0
OPEN_PAGES = 50
MOST_SHARE = 0.05
"""Of a core, for so many open pages."""

SETTLED_S = 3.0
STREAMED_S = 20.0
READ_S = 60.0
"""Half of the pause between two readings of an open page, in the long run."""
WARM_UP_S = 5.0

PATHS = (
    "/",
    "/?status=failed",
    "/?status=in-progress&sort=since",
    "/?q=sd_00999",
    "/?dataset=gd_3",
    "/?sort=name",
    "/?sort=next_poll",
    "/watches/gd_3/sd_0000003",
    "/datasets/gd_3",
    "/deliveries",
    "/deliveries?state=dead",
    "/deliveries?watch=gd_3",
    "/channels",
    "/api/v1/snapshots",
    "/api/v1/snapshots?text=sd_00999",
    "/api/v1/datasets/gd_3",
    "/api/v1/deliveries",
    "/api/v1/events",
)

_PAGE = """SELECT snapshots.*, polls.* FROM snapshots LEFT JOIN polls USING (snapshot_id)
    ORDER BY snapshots.since DESC, snapshots.snapshot_id DESC LIMIT 100"""
_TALLY = (
    "SELECT state, count(*) FROM deliveries JOIN events ON event_id = events.id WHERE snapshot_id = ? GROUP BY state"
)
_COUNTS = "SELECT status, count(*) FROM snapshots WHERE since >= ? GROUP BY status"
_SENT = """SELECT * FROM deliveries JOIN events ON event_id = events.id
    WHERE state = 'delivered' AND channel = 'team' ORDER BY deliveries.created_at DESC LIMIT 100"""


def compare(watches: int, deliveries: int) -> bool:
    """Measure and print; whether the bounds were kept."""
    print(f"PAGES over {watches:,} watches in 20 datasets and {deliveries:,} deliveries")
    with tempfile.TemporaryDirectory(prefix="notifier-bench-") as folder:
        database = Path(folder) / "notifier.db"
        began = time.monotonic()
        making = [sys.executable, "-m", "bench.processes.watched_history", str(database), str(watches), str(deliveries)]
        subprocess.run(making, check=True)
        print(f"made the database in {time.monotonic() - began:.1f} s", flush=True)
        plain = _plain(database)
        with process("pages", folder=folder) as side:
            started = side.hear()
            kept = _answers(side, started["url"], plain)
            kept &= _open_pages(side, started["url"])
            memory = side.ask("cost")["memory_kib"] / 1024
        print(f"memory of the daemon: {started['memory_kib'] / 1024:.0f} MiB at the start, {memory:.0f} MiB at the end")
    print("kept" if kept else "NOT KEPT")
    print_load()
    return kept


def _answers(side: Line, url: str, plain: dict[str, list[float]]) -> bool:
    """Measure each path; whether the bounds were kept."""
    address = urlsplit(url).netloc
    time.sleep(WARM_UP_S)
    side.ask("watch the loop")
    time.sleep(WARM_UP_S)
    idle = side.ask("lag")
    print(f"{'':40}{'first, ms':>10}{'p50':>8}{'p99':>8}{'KiB':>7}{'loop held, ms':>15}{'late':>9}")
    for name, took in plain.items():
        middle, late = quantiles(took, 0.5, 0.99)
        print(f"{name:40}{took[0]:>10.1f}{middle:>8.1f}{late:>8.1f}")
    kept = True
    for path in PATHS:
        connection = http.client.HTTPConnection(address, timeout=60)
        took, size = [], 0
        for _ in range(TRIES):
            began = time.perf_counter()
            size = _get(connection, path)
            took.append(1000 * (time.perf_counter() - began))
        connection.close()
        middle, late = quantiles(took, 0.5, 0.99)
        lag = side.ask("lag")
        fine = late <= LONGEST_MS and lag["held_ms"] <= LONGEST_HOLD_MS
        kept &= fine
        print(
            f"{path:40}{took[0]:>10.1f}{middle:>8.1f}{late:>8.1f}{size / 1024:>7.0f}"
            f"{lag['held_ms']:>15.1f}{lag['late_ms']:>9.1f}{'' if fine else '  NOT KEPT'}",
            flush=True,
        )
    side.ask("rest")
    print(f"wanted: p99 under {LONGEST_MS:g} ms, the loop never held over {LONGEST_HOLD_MS:g} ms", end=" ")
    print(f"(without requests: {idle['held_ms']:.1f} ms)")
    return kept


def _get(connection: http.client.HTTPConnection, path: str) -> int:
    connection.request("GET", path, headers={"Accept-Encoding": "gzip"})  # as browsers do
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise SystemExit(f"{path} was answered with {answer.status}: {body[:500]!r}")
    return len(body)


def _open_pages(side: Line, url: str) -> bool:
    """Measure what open pages cost while snapshots change; whether the bound was kept."""
    side.ask("change")
    alone = _share(side, STREAMED_S)
    with open_pages(url, OPEN_PAGES) as pages:
        time.sleep(SETTLED_S)
        messages = _share(side, STREAMED_S) - alone
        for number, page in enumerate(pages):
            page.read_on(number / OPEN_PAGES)
        share = _share(side, READ_S) - alone
        readings, refused, lost = (
            sum(of_page) for of_page in zip(*((page.readings, page.refused, page.lost) for page in pages), strict=True)
        )
    side.ask("rest")
    kept = share <= MOST_SHARE and readings > 0 and not refused and not lost
    print(
        f"{OPEN_PAGES} open pages, 5 changes a second: {100 * share:.1f} % of a core more than without,"
        f" {100 * messages:.1f} % of it for the messages; {readings} readings in {READ_S:g} s, {refused} refused,"
        f" {lost} pages lost (wanted: under {100 * MOST_SHARE:g} %, some, none, none){'' if kept else '  NOT KEPT'}"
    )
    return kept


def _share(side: Line, seconds: float) -> float:
    before, began = side.ask("cost")["cpu"], time.monotonic()
    time.sleep(seconds)
    return float((side.ask("cost")["cpu"] - before) / (time.monotonic() - began))


def _plain(database: Path) -> dict[str, list[float]]:
    """The times of plain SELECTs in ms: what a script without a web server, templates or filters would do."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        recent = round((time.time() - 7 * 86_400) * 1_000_000)

        def overview() -> None:
            rows = connection.execute(_PAGE).fetchall()
            for row in rows:
                connection.execute(_TALLY, row[:1]).fetchall()
            connection.execute(_COUNTS, (recent,)).fetchall()

        return {
            "plain SELECTs: 100 snapshots and counts": _timed(overview),
            "plain SELECT: 100 deliveries": _timed(lambda: connection.execute(_SENT).fetchall()),
        }


def _timed(function: Callable[[], object]) -> list[float]:
    took: list[float] = []
    for _ in range(20):
        began = time.perf_counter()
        function()
        took.append(1000 * (time.perf_counter() - began))
    return took

"""`notifier status`: the table of watches."""

from datetime import UTC, datetime
from typing import Any

import typer

from notifier.cli.common import ConfigOption, JsonOption, config_path, iso, print_json, print_table, when

STYLES = {
    "ready": "green",
    "delivered": "green",
    "failed": "red",
    "dead": "red",
    "canceled": "yellow",
    "missing": "yellow",
    "retrying": "yellow",
    "uncertain": "yellow",
    "running": "cyan",
    "starting": "cyan",
    "unknown": "dim",
}
"""The colour of a status or a delivery's state in a table."""


def status(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show every watch: its status, since when, the last and the next look, and its deliveries."""
    from notifier.core.transitions import has_ended
    from notifier.loading import load_config
    from notifier.store.reader import Reader, SnapshotRow

    found = load_config(config_path(config), secrets_needed=False)
    rows: dict[str, SnapshotRow] = {}
    mutes: dict[str, datetime | None] = {}
    now = datetime.now(UTC)
    if found.database.exists():
        reader = Reader(found.database)
        rows, mutes = reader.snapshots(), reader.mutes(now)
    else:
        typer.echo("Nothing was looked at yet: start `notifier run`.", err=True)
    entries: list[dict[str, Any]] = []
    for watch in found.watches:
        row = rows.get(watch.snapshot_id)
        ended = row is not None and has_ended(row.state)
        entries.append(
            {
                "watch": watch.id,
                "name": watch.name,
                "snapshot": watch.snapshot_id,
                "status": row.state.status if row else "unknown",
                "since": row.state.since if row else None,
                "last_look": row.looked_at if row else None,
                "last_answer": row.answer if row else None,
                "next_look": row.next_look_at if row and not ended else None,
                "deliveries": dict(row.deliveries) if row else {},
                "muted": watch.id in mutes,
                "muted_until": mutes.get(watch.id),
            }
        )
    if as_json:
        print_json(entries)
        return
    print_table(
        ("watch", "name", "snapshot", "status", "since", "last look", "next look", "deliveries"),
        (
            (
                entry["watch"],
                entry["name"],
                entry["snapshot"],
                entry["status"],
                when(entry["since"], now),
                _last_look(entry, now),
                when(entry["next_look"], now),
                tally(entry["deliveries"]) + _muted(entry, now),
            )
            for entry in entries
        ),
        styles=STYLES,
    )


def _muted(entry: dict[str, Any], now: datetime) -> str:
    if not entry["muted"]:
        return ""
    return f" (muted, ends {when(entry['muted_until'], now)})" if entry["muted_until"] else " (muted)"


def _last_look(entry: dict[str, Any], now: datetime) -> str:
    looked = when(entry["last_look"], now)
    trouble = entry["last_answer"] not in (None, entry["status"])
    return f"{looked} ({entry['last_answer']})" if trouble else looked


def tally(deliveries: dict[str, int]) -> str:
    """Deliveries by state: "2 delivered, 1 retrying"."""
    return ", ".join(f"{number} {state}" for state, number in sorted(deliveries.items())) or "-"


__all__ = ["STYLES", "iso", "status", "tally"]

"""`notifier status`: shows the table of watches."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer

from notifier.cli.options import ConfigOption, JsonOption, config_path
from notifier.cli.output import print_fitted, print_json, warn, when

if TYPE_CHECKING:
    from notifier.config.model import Config
    from notifier.core.snapshot.model import DatasetWatch
    from notifier.store.reader import DatasetRow, SnapshotRow

LISTED = "listed"
"""The answer that the store records for a dataset whose list arrived (`store.datasets.LISTED`)."""

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
    """Show every watch: its status and since when, its last and next poll, and its deliveries."""
    from notifier.app.loading.fallback import load_with_fallback
    from notifier.cli.healthcheck import daemon_health
    from notifier.core.health.vitals import ON_DISK, api_sentence

    loaded = load_with_fallback(config_path(config))
    if loaded.warning:
        warn(loaded.warning)
    found = loaded.config
    now = datetime.now(UTC)
    if not found.database.exists():
        typer.echo("Nothing has been polled yet: start `notifier run`.", err=True)
    entries = overview(found, now)
    if as_json:
        print_json(entries)
        return
    show_table(entries, now)
    if (health := daemon_health(found.database)) is not None:
        typer.echo(f"{api_sentence(health['api'])}.", err=True)
        for remark in health["remarks"]:
            if not (loaded.warning and remark.startswith(ON_DISK)):  # the warning says it already
                typer.echo(f"Note: {remark}.", err=True)


def overview(found: "Config", now: datetime) -> list[dict[str, Any]]:
    """Return every watch as data: snapshots, then datasets, each with the snapshots that it found in progress.

    Adopted snapshots in progress come last.
    """
    from notifier.core.snapshot.model import ADOPTED
    from notifier.store.reader import Reader

    rows: dict[str, SnapshotRow] = {}
    listed: dict[str, DatasetRow] = {}
    mutes: dict[str, datetime | None] = {}
    if found.database.exists():
        reader = Reader(found.database)
        rows = reader.found_by([ADOPTED, *(each.id for each in found.datasets)])
        rows |= reader.snapshots([each.snapshot_id for each in found.watches])
        of_rows = (row.state.facts.dataset_id for row in rows.values())
        listed = reader.datasets({each.dataset_id for each in found.datasets}.union(filter(None, of_rows)))
        mutes = reader.mutes(now)
    entries = [
        _snapshot(watch.id, watch.name, watch.snapshot_id, rows.get(watch.snapshot_id), listed, mutes)
        for watch in found.watches
    ]
    named = {watch.snapshot_id for watch in found.watches}
    members: dict[str, list[str]] = {}
    for snapshot_id, row in rows.items():
        parent, parted, _ = (row.watch_id or "").partition("/")
        if parted and snapshot_id not in named:
            members.setdefault(parent, []).append(snapshot_id)
    for dataset in found.datasets:
        inside = members.get(dataset.id, [])
        entries.append(_dataset(dataset, len(inside), listed.get(dataset.dataset_id), mutes))
        entries += [
            _snapshot(each.id, each.name, each.snapshot_id, rows[each.snapshot_id], listed, mutes)
            for each in map(dataset.watch_for, inside)
        ]
    return entries + [
        _snapshot(each.id, each.name, each.snapshot_id, rows[each.snapshot_id], listed, mutes)
        for each in map(found.adopting.watch_for, members.get(ADOPTED, ()))
    ]


def _snapshot(
    watch_id: str,
    name: str,
    snapshot_id: str,
    row: "SnapshotRow | None",
    listed: "Mapping[str, DatasetRow]",
    mutes: Mapping[str, datetime | None],
) -> dict[str, Any]:
    from notifier.core.snapshot.statuses import has_ended

    polled_at, next_poll, answer = (row.polled_at, row.next_poll_at, row.answer) if row else (None, None, None)
    ended = row is not None and has_ended(row.state)
    of_list = listed.get(row.state.facts.dataset_id or "") if row else None
    listed_at = of_list.polled_at if of_list is not None and not ended else None
    if of_list is not None and listed_at is not None and (polled_at is None or listed_at > polled_at):
        polled_at, next_poll = listed_at, of_list.next_poll_at or next_poll  # its list polls it, too
        answer = None if of_list.answer == LISTED else of_list.answer
    return {
        "watch": watch_id,
        "name": name,
        "snapshot": snapshot_id,
        "status": row.state.status if row else "unknown",
        "since": row.state.since if row else None,
        "last_poll": polled_at,
        "last_answer": answer,
        "next_poll": None if ended else next_poll,
        "deliveries": dict(row.deliveries) if row else {},
    } | _mute(watch_id, mutes)


def _dataset(
    watch: "DatasetWatch", in_progress: int, row: "DatasetRow | None", mutes: Mapping[str, datetime | None]
) -> dict[str, Any]:
    return {
        "watch": watch.id,
        "name": watch.name,
        "dataset": watch.dataset_id,
        "in_progress": in_progress,
        "last_poll": row.polled_at if row else None,
        "last_answer": row.answer if row else None,
        "next_poll": row.next_poll_at if row else None,
    } | _mute(watch.id, mutes)


def _mute(watch_id: str, mutes: Mapping[str, datetime | None]) -> dict[str, Any]:
    from notifier.core.delivery.routing import family

    muting = next((each for each in family(watch_id) if each in mutes), None)
    return {"muted": muting is not None, "muted_until": None if muting is None else mutes[muting]}


def show_table(entries: Sequence[dict[str, Any]], now: datetime) -> None:
    """Print the table of watches: on a terminal one line each, with uncut ids."""
    print_fitted(
        ("watch", "name", "snapshot", "status", "since", "last poll", "next poll", "deliveries"),
        (
            (
                entry["watch"],
                entry["name"],
                entry.get("snapshot") or entry["dataset"],
                entry.get("status") or f"{entry['in_progress']} in progress",
                when(entry.get("since"), now),
                _last_poll(entry, now),
                when(entry["next_poll"], now),
                tally(entry.get("deliveries", {})) + _muted(entry, now),
            )
            for entry in entries
        ),
        same=("watch", "name", "snapshot"),
        cut=("name",),
        left_out=("next poll", "last poll", "since", "deliveries"),
        styles=STYLES,
    )


def _muted(entry: dict[str, Any], now: datetime) -> str:
    if not entry["muted"]:
        return ""
    return f" (muted, ends {when(entry['muted_until'], now)})" if entry["muted_until"] else " (muted)"


def _last_poll(entry: dict[str, Any], now: datetime) -> str:
    looked = when(entry["last_poll"], now)
    trouble = entry["last_answer"] not in (None, LISTED, entry.get("status"))
    return f"{looked} ({entry['last_answer']})" if trouble else looked


def tally(deliveries: dict[str, int]) -> str:
    """Return the number of deliveries by state: "2 delivered, 1 retrying"."""
    return ", ".join(f"{number} {state}" for state, number in sorted(deliveries.items())) or "-"

"""`notifier status`: shows the table of watches."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import typer

from notifier.cli.options import ConfigOption, JsonOption, config_path
from notifier.cli.output import print_fitted, print_json_list, warn, when
from notifier.cli.remote import TokenFileOption, TokenOption, UrlOption, remote
from notifier.core.json_values import json_value

if TYPE_CHECKING:
    from notifier.config.model import Config
    from notifier.core.resources import DatasetResource, SnapshotResource

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


def status(
    ctx: typer.Context,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """Show every watch: its status and since when, its last and next poll, and its deliveries."""
    if (client := remote(ctx)) is not None:
        from notifier.cli import remote_answers

        with client:
            _show(remote_answers.everything(client), as_json, lambda: json_value(remote_answers.health(client)))
        return
    from notifier.app.loading.fallback import load_with_fallback
    from notifier.cli.healthcheck import daemon_health

    loaded = load_with_fallback(config_path(config))
    if loaded.warning:
        warn(loaded.warning)
    if not loaded.config.database.exists():
        typer.echo("Nothing has been polled yet: start `notifier run`.", err=True)
    health = partial(daemon_health, loaded.config.database)
    _show(overview(loaded.config), as_json, health, warned=bool(loaded.warning))


def _show(
    entries: "Sequence[SnapshotResource | DatasetResource]",
    as_json: bool,
    health: Callable[[], dict[str, Any] | None],
    *,
    warned: bool = False,
) -> None:
    """Print the watches, and below a table what the daemon says of itself.

    Args:
        entries: the watches.
        as_json: print JSON.
        health: returns the daemon's health; None if there is none.
        warned: a warning has named errors in the files already.
    """
    if as_json:
        print_json_list(map(json_value, entries))
        return
    show_table([as_entry(each) for each in entries], datetime.now(UTC))
    if (found := health()) is not None:
        from notifier.core.health.vitals import ON_DISK, api_sentence

        typer.echo(f"{api_sentence(found['api'])}.", err=True)
        for remark in found["remarks"]:
            if not (warned and remark.startswith(ON_DISK)):
                typer.echo(f"Note: {remark}.", err=True)


def overview(found: "Config") -> "list[SnapshotResource | DatasetResource]":
    """Return every watch as it is now: snapshots, then datasets, each with the snapshots that it found in progress.

    Adopted snapshots in progress come last.
    """
    from notifier.store.reading.reading import Reading, Watched

    reading = Reading(found.database, lambda: datetime.now(UTC))
    try:
        return reading.everything(Watched(watches=found.watches, datasets=found.datasets))
    finally:
        reading.close()


def as_entry(resource: "SnapshotResource | DatasetResource") -> dict[str, Any]:
    """Return a watch as the fields that it has."""
    return {field.name: getattr(resource, field.name) for field in fields(resource)}


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


def tally(deliveries: Mapping[str, int]) -> str:
    """Return the number of deliveries by state: "2 delivered, 1 retrying"."""
    return ", ".join(f"{number} {state}" for state, number in sorted(deliveries.items())) or "-"

"""`notifier watch show`: shows one watch, with its configuration and its last events."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from notifier.cli import completion
from notifier.cli.arguments import quoted, watch_id
from notifier.cli.options import ConfigOption, JsonOption, configuration
from notifier.cli.output import print_json
from notifier.cli.remote import TokenFileOption, TokenOption, UrlOption, remote
from notifier.cli.status import as_entry
from notifier.core.errors import NotifierError
from notifier.core.json_values import json_value
from notifier.core.times import iso
from notifier.core.words import safe

if TYPE_CHECKING:
    from notifier.control.http_client import HttpClient
    from notifier.core.resource_pages import DatasetPage, WatchResource
    from notifier.core.resources import DatasetResource, EventResource, SnapshotResource

WATCH_HELP = "The watch: its id, its snapshot or its name."
WatchArgument = Annotated[str, typer.Argument(metavar="WATCH", help=WATCH_HELP, autocompletion=completion.watch)]

_MOST_EVENTS = 100

Shown = tuple["SnapshotResource | DatasetResource", Mapping[str, object], "Sequence[EventResource]"]
"""A watch as it is now, its settings, and its last events, the newest first."""


def show(
    ctx: typer.Context,
    watch: WatchArgument,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """Show one watch: its configuration, its status, and its last 100 events with their deliveries."""
    client = remote(ctx)
    found, settings, events = _local(config, watch) if client is None else _remote(client, watch)
    timeline = list(reversed(events))
    if as_json:
        print_json(json_value(as_entry(found) | {"configuration": settings, "timeline": timeline}))
        return
    entry = as_entry(found)
    more = {key: value for key, value in settings.items() if key != "id" and key not in entry}
    for key, value in (entry | more).items():
        if value not in (None, "", [], {}, ()):
            typer.echo(f"{key.replace('_', ' ')}: {safe(_text(value))}")
    for event in timeline:
        typer.echo(f"{iso(event.at)}  {event.previous} -> {event.status} ({', '.join(event.events)})")
        for delivery in event.deliveries:
            typer.echo(f"    {delivery.channel}: {delivery.state}{f' ({delivery.reason})' if delivery.reason else ''}")


def _remote(client: "HttpClient", watch: str) -> Shown:
    from notifier.cli import remote_answers

    with client:
        wanted = remote_answers.watch_id(client, watch)
        found = remote_answers.watch(client, wanted)
        return _shown(found, wanted, remote_answers.events(client, wanted, _MOST_EVENTS))


def _local(config: Path | None, watch: str) -> Shown:
    from dataclasses import replace

    from notifier.config.resource import watch_settings
    from notifier.store.reading.filters import EventFilters
    from notifier.store.reading.reading import Reading, Watched

    settings = configuration(config)
    wanted = watch_id(settings, watch)
    watched = Watched(watches=settings.watches, datasets=settings.datasets)
    reading = Reading(settings.database, lambda: datetime.now(UTC))
    try:
        if any(each.id == wanted for each in settings.datasets):
            found: WatchResource | DatasetPage | None = reading.dataset(watched, wanted)
        else:
            found = reading.watch(watched, wanted)
        events = reading.events(EventFilters(watch=wanted, limit=_MOST_EVENTS)).events
    finally:
        reading.close()
    found = found and replace(found, configuration=watch_settings(settings, wanted))
    return _shown(found, wanted, events)


def _shown(found: "WatchResource | DatasetPage | None", wanted: str, events: "Sequence[EventResource]") -> Shown:
    """Return what is shown of a watch.

    Raises:
        NotifierError: nothing is known of it.
    """
    from notifier.core.resource_pages import WatchResource

    entry = None if found is None else found.snapshot if isinstance(found, WatchResource) else found.watch
    if found is None or entry is None:
        parent, _, snapshot = wanted.partition("/")
        raise NotifierError(f"the watch {parent} has not found a snapshot {quoted(snapshot or wanted)}")
    return entry, found.configuration or {}, events


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return iso(value) or ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={each}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(str(getattr(each, "channel", each)) for each in value)
    return str(value)

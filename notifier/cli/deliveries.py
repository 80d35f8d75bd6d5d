"""`notifier delivery`: lists and shows deliveries, and sends them again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from notifier.cli import completion
from notifier.cli.arguments import checked_id, earliest, no_channel, quoted, watch_id
from notifier.cli.delivery_rows import event_id_given, find_event_id, print_rows
from notifier.cli.delivery_show import show
from notifier.cli.options import ConfigOption, JsonOption, configuration
from notifier.cli.output import print_json, print_json_list
from notifier.cli.remote import TokenFileOption, TokenOption, UrlOption, remote
from notifier.core.delivery.model import DeliveryState
from notifier.core.errors import NotifierError, UsageError
from notifier.core.json_values import json_value
from notifier.core.times import iso
from notifier.core.words import count

if TYPE_CHECKING:
    from notifier.config.model import Config
    from notifier.control.http_client import HttpClient
    from notifier.core.resources import DeliveryResource
    from notifier.store.reader import Reader

app = typer.Typer(help="List and show deliveries with their attempts, and send them again.", no_args_is_help=True)


@app.command("list")
def list_deliveries(
    ctx: typer.Context,
    config: ConfigOption = None,
    state: Annotated[list[DeliveryState] | None, typer.Option(help="Only these states; may be repeated.")] = None,
    channel: Annotated[
        str | None, typer.Option(help="Only this channel.", autocompletion=completion.notified_channel)
    ] = None,
    since: Annotated[str | None, typer.Option(help="Only those created within this time, such as 2d or 6h.")] = None,
    event: Annotated[
        str | None,
        typer.Option(
            metavar="EVENT", help="Only of this event, by the id at the end of its message, or the start of it."
        ),
    ] = None,
    watch: Annotated[
        str | None,
        typer.Option(help="Only of this watch, by its id, snapshot or name.", autocompletion=completion.watch),
    ] = None,
    snapshot: Annotated[
        str | None, typer.Option(help="Only of this snapshot.", autocompletion=completion.snapshot)
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="At most this many, the newest first.")] = 100,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """List deliveries, the newest first."""
    asked = Asked(
        states=tuple(each.value for each in state or ()),
        channel=channel,
        watch=watch,
        snapshot=None if snapshot is None else checked_id("--snapshot", snapshot),
        event=None if event is None else event_id_given("--event", event),
        since=None if since is None else earliest(since),
    )
    client = remote(ctx)
    rows = _listed(configuration(config), asked, limit) if client is None else _listed_remotely(client, asked, limit)
    if as_json:
        print_json_list(map(json_value, rows))
    elif rows:
        print_rows(rows)
    else:
        typer.echo("No deliveries.", err=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """Which deliveries a user asks for: `watch` as it is called, `event` by the beginning of its id."""

    states: tuple[str, ...]
    channel: str | None
    watch: str | None
    snapshot: str | None
    event: str | None
    since: datetime | None


def _listed(found: "Config", asked: Asked, limit: int) -> "list[DeliveryResource]":
    from notifier.store.reader import Reader
    from notifier.store.reading.filters import LONGEST_PAGE, DeliveryFilters
    from notifier.store.reading.reading import Reading

    reader = Reader(found.database)
    _check_channel(found, reader, asked.channel)
    _check_snapshot(found, reader, asked.snapshot)
    filters = DeliveryFilters(
        states=asked.states,
        channel=asked.channel,
        watch=None if asked.watch is None else _watched(found, reader, asked.watch),
        snapshot=asked.snapshot,
        event=None if asked.event is None else find_event_id(reader, asked.event),
        since=asked.since,
    )
    reading = Reading(found.database, lambda: datetime.now(UTC))
    rows: list[DeliveryResource] = []
    cursor = None
    while len(rows) < limit and (cursor or not rows):
        page = reading.deliveries(replace(filters, cursor=cursor, limit=min(LONGEST_PAGE, limit - len(rows))))
        rows += page.deliveries
        cursor = page.next_cursor
        if cursor is None:
            break
    reading.close()
    return rows


def _listed_remotely(client: "HttpClient", asked: Asked, limit: int) -> "list[DeliveryResource]":
    from notifier.cli import remote_answers

    with client:
        watch = None if asked.watch is None else remote_answers.watch_id(client, asked.watch)
        remote_answers.check_channel(client, asked.channel)
        return remote_answers.deliveries(
            client,
            limit,
            state=list(asked.states),
            channel=asked.channel,
            watch=watch,
            snapshot=asked.snapshot,
            event=asked.event,
            since=iso(asked.since),
        )


@app.command()
def retry(
    ctx: typer.Context,
    ids: Annotated[
        list[int] | None,
        typer.Argument(
            metavar="ID",
            min=1,
            max=2**62,
            help="The numbers of the deliveries.",
            autocompletion=completion.retryable_delivery,
        ),
    ] = None,
    config: ConfigOption = None,
    dead: Annotated[bool, typer.Option("--dead", help="Send all dead deliveries again.")] = False,
    channel: Annotated[
        str | None, typer.Option(help="With --dead: only this channel.", autocompletion=completion.notified_channel)
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="With --dead: only those created within this time, such as 2d.")
    ] = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """Send deliveries again at once that are dead, uncertain, or waiting for their next attempt."""
    if bool(ids) == dead:
        raise UsageError("give the numbers of deliveries, or --dead for all dead ones, not both")
    if ids and (channel or since):
        raise UsageError("--channel and --since need --dead")
    begin = earliest(since) if since is not None else None
    client = remote(ctx)
    if client is None:
        done = _retry(configuration(config), ids or (), channel, begin)
    else:
        from notifier.cli import remote_answers

        with client:
            done = json_value(remote_answers.retry(client, ids or (), channel, begin))
    if as_json:
        print_json(done)
    else:
        number = done["retried"]
        typer.echo(
            f"{count(number, 'delivery', 'deliveries')} will be sent again."
            if number
            else "Nothing to send again: no delivery is dead, uncertain or retrying for a configured channel.",
            err=not number,
        )
    if not done["retried"]:
        raise typer.Exit(1)


def _retry(found: "Config", ids: Sequence[int], channel: str | None, begin: datetime | None) -> dict[str, Any]:
    import asyncio

    from notifier.control.client import ask
    from notifier.control.protocol import Retry

    _check_there_are(found, ids, channel)
    request = Retry(ids=tuple(ids), channel=channel, since=iso(begin), configured=tuple(found.channels))
    return asyncio.run(ask(found.database, request))


def _watched(found: "Config", reader: "Reader", watch: str) -> str:
    """Return the id of the watch; one that was removed is called by the id it had."""
    try:
        wanted = watch_id(found, watch)
        _, parted, of_dataset = wanted.partition("/")
        if parted:
            _check_snapshot(found, reader, of_dataset)
    except UsageError:
        if reader.deliveries(watch=watch, limit=1):
            return watch
        raise
    return wanted


def _check_channel(found: "Config", reader: "Reader", channel: str | None) -> None:
    """Check that the channel is configured, or was once.

    Raises:
        UsageError: it never was.
    """
    if channel is not None and channel not in found.channels and not reader.deliveries(channel=channel, limit=1):
        raise no_channel(channel, found.channels)


def _check_snapshot(found: "Config", reader: "Reader", snapshot: str | None) -> None:
    """Check that the snapshot is watched, or was once.

    Raises:
        NotifierError: it never was.
    """
    from notifier.core.suggestions import did_you_mean

    watched = [each.snapshot_id for each in found.watches]
    if snapshot is None or snapshot in watched or snapshot in reader.snapshots([snapshot]):
        return
    if not reader.deliveries(snapshot=snapshot, limit=1):
        near = did_you_mean(snapshot, watched) or "; `notifier status` shows the watched ones"
        raise NotifierError(f"there is no snapshot {quoted(snapshot)}{near}")


def _check_there_are(found: "Config", ids: Sequence[int], channel: str | None) -> None:
    from notifier.store.reader import Reader

    if not found.database.exists():
        return  # the daemon reports it
    reader = Reader(found.database)
    _check_channel(found, reader, channel)
    for each in ids:
        if reader.delivery(each) is None:
            known = "`notifier delivery list` shows all"
            raise NotifierError(f"there is no delivery {each}, so nothing was sent again; {known}")


app.command("show")(show)

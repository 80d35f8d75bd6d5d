"""`notifier delivery`: lists and shows deliveries, and sends them again."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from notifier.cli import completion
from notifier.cli.arguments import checked_id, earliest, no_channel, quoted, watch_id
from notifier.cli.delivery_rows import as_data, event_id_given, find_event_id, print_rows
from notifier.cli.delivery_show import show
from notifier.cli.options import ConfigOption, JsonOption, configuration
from notifier.cli.output import print_json
from notifier.core.delivery.model import DeliveryState
from notifier.core.errors import NotifierError, UsageError
from notifier.core.times import iso
from notifier.core.words import count

if TYPE_CHECKING:
    from notifier.config.model import Config
    from notifier.store.reader import Reader

app = typer.Typer(help="List and show deliveries with their attempts, and send them again.", no_args_is_help=True)


@app.command("list")
def list_deliveries(
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
) -> None:
    """List deliveries, the newest first."""
    from notifier.store.reader import Reader

    begin = earliest(since) if since is not None else None
    event_id = None if event is None else event_id_given("--event", event)
    of_snapshot = None if snapshot is None else checked_id("--snapshot", snapshot)
    found = configuration(config)
    reader = Reader(found.database)
    _check_channel(found, reader, channel)
    _check_snapshot(found, reader, of_snapshot)
    rows = reader.deliveries(
        states=tuple(state or ()),
        channel=channel,
        since=begin,
        told=None if event_id is None else find_event_id(reader, event_id),
        snapshot=of_snapshot,
        watch=None if watch is None else _watched(found, reader, watch),
        limit=limit,
    )
    if as_json:
        print_json([as_data(row) for row in rows])
    elif rows:
        print_rows(rows)
    else:
        typer.echo("No deliveries.", err=True)


@app.command()
def retry(
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
) -> None:
    """Send deliveries again at once that are dead, uncertain, or waiting for their next attempt."""
    import asyncio

    from notifier.control.client import ask
    from notifier.control.protocol import Retry

    if bool(ids) == dead:
        raise UsageError("give the numbers of deliveries, or --dead for all dead ones, not both")
    if ids and (channel or since):
        raise UsageError("--channel and --since need --dead")
    begin = earliest(since) if since is not None else None
    found = configuration(config)
    _check_there_are(found, ids or (), channel)
    request = Retry(ids=tuple(ids or ()), channel=channel, since=iso(begin), configured=tuple(found.channels))
    done = asyncio.run(ask(found.database, request))
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


def _watched(found: "Config", reader: "Reader", watch: str) -> str:
    """Return the watch for the reader: that of a dataset with a slash, one that was removed by the id it had."""
    try:
        wanted = watch_id(found, watch)
        _, parted, of_dataset = wanted.partition("/")
        if parted:
            _check_snapshot(found, reader, of_dataset)
    except UsageError:
        if reader.deliveries(watch=watch, limit=1):
            return watch
        raise
    return f"{wanted}/" if any(each.id == wanted for each in found.datasets) else wanted


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

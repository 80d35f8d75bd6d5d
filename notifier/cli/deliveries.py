"""`notifier delivery`: what was told to whom, when, in how many attempts."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from notifier.cli import completion
from notifier.cli.common import ConfigOption, JsonOption, config_path, earliest, iso, print_json, print_table, when
from notifier.cli.status import STYLES
from notifier.core.errors import NotifierError, UsageError
from notifier.core.message import message
from notifier.core.model import DeliveryState, Notice, Told
from notifier.core.words import count, span

if TYPE_CHECKING:
    from pathlib import Path

    from notifier.config.model import Channel, Config
    from notifier.store.reader import DeliveryRow, Reader

app = typer.Typer(help="What was told to whom, when, and in how many attempts.", no_args_is_help=True)


@app.command("list")
def list_deliveries(
    config: ConfigOption = None,
    state: Annotated[list[DeliveryState] | None, typer.Option(help="Only these states; may be repeated.")] = None,
    channel: Annotated[
        str | None, typer.Option(help="Only this channel.", autocompletion=completion.told_channel)
    ] = None,
    since: Annotated[str | None, typer.Option(help="Only those decided within this time, such as 2d or 6h.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="At most this many, the newest first.")] = 100,
    as_json: JsonOption = False,
) -> None:
    """List deliveries, the newest first."""
    now, begin = datetime.now(UTC), earliest(since) if since is not None else None
    rows = _reader(config).deliveries(states=tuple(state or ()), channel=channel, since=begin, limit=limit)
    if as_json:
        print_json([_as_data(row) for row in rows])
        return
    if not rows:
        typer.echo("No deliveries.", err=True)
        return
    print_table(
        ("id", "state", "channel", "attempts", "decided", "next try", "message"),
        (
            (
                str(row.id),
                row.state if not row.reason or row.state == "delivered" else f"{row.state} ({row.reason})",
                row.channel,
                str(row.attempt),
                when(row.created_at, now),
                when(row.not_before if row.settled_at is None else None, now),
                message(row.event).title,
            )
            for row in rows
        ),
        styles=STYLES,
    )


@app.command()
def show(
    delivery_id: Annotated[
        int,
        typer.Argument(
            metavar="ID",
            min=1,
            max=2**62,
            help="The delivery's number, from `delivery list`.",
            autocompletion=completion.delivery,
        ),
    ],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one delivery: what goes out, or went out last, and every attempt with what the far side answered.

    The words are not kept: they are made again by the templates as they are now.
    """
    from notifier.store.reader import Reader

    found = _configured(config)
    reader = Reader(found.database)
    row = reader.delivery(delivery_id)
    if row is None:
        raise NotifierError(f"there is no delivery {delivery_id}; `notifier delivery list` shows those there are")
    last = row.attempts[-1] if row.attempts else None
    together = reader.companions(row.id, last.number) if last is not None and last.together > 1 else [row]
    title, body = _words(found.channels.get(row.channel), [each.event for each in together] or [row.event])
    if as_json:
        digest = None
        if last is not None and last.together > 1:
            ids = [each.id for each in together]
            digest = {"at": last.started_at, "deliveries": last.together, "ids": ids}
        told = {"title": title, "body": body}
        attempts = [_attempt(each) for each in row.attempts]
        print_json(_as_data(row) | {"message": told, "digest": digest, "attempts": attempts})
        return
    typer.echo(f"Delivery {row.id} to {row.channel}: {row.state}{f' ({row.reason})' if row.reason else ''}")
    typer.echo(f"Decided {iso(row.created_at)}; next try {iso(row.not_before) if row.settled_at is None else 'none'}")
    typer.echo("")
    if last is not None and last.together > 1:
        typer.echo(f"Went out in a digest of {last.together} at {iso(last.started_at)}:")
        typer.echo("")
    for line in [*([] if title is None else [title]), *body.splitlines()]:
        typer.echo(f"  {line}")
    typer.echo("")
    if not row.attempts:
        typer.echo("No attempt has ended yet.")
        return
    print_table(
        ("attempt", "at", "took", "outcome", "reason", "answer"),
        (
            (str(each.number), iso(each.started_at) or "", span(each.duration), each.outcome, each.reason, each.detail)
            for each in row.attempts
        ),
        styles=STYLES,
    )


@app.command()
def retry(
    ids: Annotated[
        list[int] | None,
        typer.Argument(
            metavar="ID",
            min=1,
            max=2**62,
            help="The deliveries' numbers.",
            autocompletion=completion.sendable_delivery,
        ),
    ] = None,
    config: ConfigOption = None,
    dead: Annotated[bool, typer.Option("--dead", help="All dead ones, instead of naming them.")] = False,
    channel: Annotated[
        str | None, typer.Option(help="With --dead: only this channel.", autocompletion=completion.told_channel)
    ] = None,
    since: Annotated[str | None, typer.Option(help="With --dead: only those decided within this time, as 2d.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Send again at once what is dead, held as uncertain, or waits for its next try."""
    import asyncio

    from notifier.control import Retry, ask
    from notifier.loading import load_config

    if bool(ids) == dead:
        raise UsageError("name the deliveries by their numbers, or take all dead ones with --dead, not both")
    if ids and (channel or since):
        raise UsageError("--channel and --since go with --dead")
    begin = earliest(since) if since is not None else None
    found = load_config(config_path(config), secrets_needed=False)
    request = Retry(ids=tuple(ids or ()), channel=channel, since=iso(begin), configured=tuple(found.channels))
    done = asyncio.run(ask(found.database, request))
    if as_json:
        print_json(done)
    else:
        number = done["retried"]
        typer.echo(
            f"{count(number, 'delivery', 'deliveries')} will be sent again."
            if number
            else "Nothing to send again: only what is dead, uncertain or retrying, for a channel there still is.",
            err=not number,
        )
    if not done["retried"]:
        raise typer.Exit(1)


def _configured(config: "Path | None") -> "Config":
    from notifier.loading import load_config

    return load_config(config_path(config), secrets_needed=False)


def _reader(config: "Path | None") -> "Reader":
    from notifier.store.reader import Reader

    return Reader(_configured(config).database)


def _words(channel: "Channel | None", told: Sequence[Told]) -> tuple[str | None, str]:
    """What the channel is told; the plain message, if it is no longer configured."""
    if channel is None:
        text = message(told[0])
        return text.title, text.body
    from notifier.speak import wording

    return wording(channel, told)


def _attempt(attempt: Any) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "started_at": attempt.started_at,
        "duration_s": attempt.duration.total_seconds(),
        "outcome": attempt.outcome,
        "reason": attempt.reason,
        "detail": attempt.detail,
        "together": attempt.together,
    }


def _as_data(row: "DeliveryRow") -> dict[str, Any]:
    return {
        "id": row.id,
        "channel": row.channel,
        "state": row.state,
        "reason": row.reason,
        "attempts_begun": row.attempt,
        "created_at": row.created_at,
        "not_before": row.not_before,
        "settled_at": row.settled_at,
        "event_id": row.event.id,
    } | _about(row.event)


def _about(told: Told) -> dict[str, Any]:
    if isinstance(told, Notice):
        return {"notice": told.kind, "subject": told.subject}
    return {
        "watch": told.watch_id,
        "name": told.name,
        "snapshot": told.transition.snapshot_id,
        "status": told.transition.status,
        "events": list(told.transition.names),
    }

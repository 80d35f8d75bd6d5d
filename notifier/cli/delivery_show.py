"""`notifier delivery show`: one delivery with all its attempts, or one event with all its deliveries."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from notifier.cli import completion
from notifier.cli.arguments import quoted
from notifier.cli.delivery_rows import EVENT_ID_PREFIXES, about, as_data, event_id_given, find_event_id, print_rows
from notifier.cli.options import ConfigOption, JsonOption, configuration
from notifier.cli.output import print_json, print_table
from notifier.cli.status import STYLES
from notifier.core.delivery.message import message
from notifier.core.delivery.model import Deliverable
from notifier.core.errors import NotifierError, UsageError
from notifier.core.times import iso
from notifier.core.words import span

if TYPE_CHECKING:
    from notifier.config.model import Channel
    from notifier.store.reader import Reader

_MOST_OF_ONE = 10_000
"""Deliveries of one event: one a channel."""


def show(
    delivery: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="The delivery's number, from `delivery list`, or an event's id (evt_…) or its beginning; a "
            "message ends with it.",
            autocompletion=completion.delivery,
        ),
    ],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one delivery: what goes out, or went out last, and every attempt with what the far side answered.

    The words are not kept: they are made again by the templates as they are now. Of an event, its message and all its
    deliveries are shown.
    """
    from notifier.store.reader import Reader

    delivery_id = None if _looks_told(delivery) else _number(delivery)
    wanted = event_id_given("ID", delivery) if delivery_id is None else ""
    found = configuration(config)
    reader = Reader(found.database)
    if delivery_id is None:
        _show_told(reader, find_event_id(reader, wanted), as_json)
        return
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
        print_json(as_data(row) | {"message": told, "digest": digest, "attempts": attempts})
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


def _looks_told(text: str) -> bool:
    return text.strip().strip("\"'").startswith(EVENT_ID_PREFIXES)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:20]) <= 2**62):
        raise UsageError(f"ID: {quoted(text)} is neither a delivery's number nor an event's id (evt_…)")
    return int(text)


def _show_told(reader: "Reader", wanted: str, as_json: bool) -> None:
    """Show an event or a notice with all its deliveries."""
    told = reader.told(wanted)
    if told is None:  # deleted since it was found
        raise NotifierError(f"there is no event {wanted}; `notifier delivery list` shows what was told")
    rows = reader.deliveries(told=wanted, limit=_MOST_OF_ONE)[::-1]
    text = message(told)
    if as_json:
        shown = {"title": text.title, "body": text.body}
        print_json({"event_id": wanted} | about(told) | {"message": shown, "deliveries": list(map(as_data, rows))})
        return
    for line in (text.title, *text.body.splitlines()):
        typer.echo(f"  {line}")
    typer.echo("")
    if not rows:
        typer.echo("Nobody was to be told of it.")
        return
    print_rows(rows)
    typer.echo(f"\nEach attempt: notifier delivery show {rows[0].id}")


def _words(channel: "Channel | None", told: Sequence[Deliverable]) -> tuple[str | None, str]:
    """What the channel is told; the plain message, if it is no longer configured."""
    if channel is None:
        text = message(told[0])
        return text.title, text.body
    from notifier.delivery.senders import wording

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

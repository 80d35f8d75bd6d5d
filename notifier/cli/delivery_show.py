"""`notifier delivery show`: shows one delivery with its attempts, or one event with its deliveries."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from notifier.cli import completion
from notifier.cli.arguments import quoted
from notifier.cli.delivery_rows import EVENT_ID_PREFIXES, as_data, event_id_given, find_event_id, print_rows, subject_of
from notifier.cli.options import ConfigOption, JsonOption, configuration
from notifier.cli.output import print_json, print_table
from notifier.cli.status import STYLES
from notifier.core.delivery.message_text import message
from notifier.core.errors import NotifierError, UsageError
from notifier.core.times import iso
from notifier.core.words import span

if TYPE_CHECKING:
    from notifier.store.reader import Reader

_MOST_OF_ONE = 10_000
"""Deliveries of one event: one a channel."""


def show(
    delivery: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="The number of a delivery, from `delivery list`; or the id of an event (evt_…), at the end of "
            "its message, or the start of it.",
            autocompletion=completion.delivery,
        ),
    ],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one delivery: its message, and every attempt with the receiver's answer; or an event with its deliveries.

    Messages are not stored: the text is rendered again with the current templates.
    """
    from notifier.delivery.rendering import renderer_of
    from notifier.store.reader import Reader

    delivery_id = None if _is_event_id(delivery) else _number(delivery)
    wanted = event_id_given("ID", delivery) if delivery_id is None else ""
    found = configuration(config)
    reader = Reader(found.database)
    if delivery_id is None:
        _show_event(reader, find_event_id(reader, wanted), as_json)
        return
    row = reader.delivery(delivery_id)
    if row is None:
        raise NotifierError(f"there is no delivery {delivery_id}; `notifier delivery list` shows all")
    last = row.attempts[-1] if row.attempts else None
    together = reader.companions(row.id, last.number) if last is not None and last.together > 1 else [row]
    text = renderer_of(found)(row.channel, [each.event for each in together] or [row.event])
    title, body = text.title, text.body
    if as_json:
        digest = None
        if last is not None and last.together > 1:
            ids = [each.id for each in together]
            digest = {"at": last.started_at, "deliveries": last.together, "ids": ids}
        shown = {"title": title, "body": body}
        attempts = [_attempt(each) for each in row.attempts]
        print_json(as_data(row) | {"message": shown, "digest": digest, "attempts": attempts})
        return
    typer.echo(f"Delivery {row.id} to {row.channel}: {row.state}{f' ({row.reason})' if row.reason else ''}")
    typer.echo(
        f"Created {iso(row.created_at)}; next attempt {iso(row.not_before) if row.settled_at is None else 'none'}"
    )
    typer.echo("")
    if last is not None and last.together > 1:
        typer.echo(f"Sent in a digest of {last.together} at {iso(last.started_at)}:")
        typer.echo("")
    for line in [*([] if title is None else [title]), *body.splitlines()]:
        typer.echo(f"  {line}")
    typer.echo("")
    if not row.attempts:
        typer.echo("No attempt has finished yet.")
        return
    print_table(
        ("attempt", "at", "took", "outcome", "reason", "answer"),
        (
            (str(each.number), iso(each.started_at) or "", span(each.duration), each.outcome, each.reason, each.detail)
            for each in row.attempts
        ),
        styles=STYLES,
    )


def _is_event_id(text: str) -> bool:
    return text.strip().strip("\"'").startswith(EVENT_ID_PREFIXES)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:20]) <= 2**62):
        raise UsageError(f"ID: {quoted(text)} is neither the number of a delivery nor the id of an event (evt_…)")
    return int(text)


def _show_event(reader: "Reader", wanted: str, as_json: bool) -> None:
    """Show an event or a notice with all its deliveries."""
    deliverable = reader.told(wanted)
    if deliverable is None:  # deleted since it was found
        raise NotifierError(f"there is no event {wanted}; `notifier delivery list` shows all deliveries")
    rows = reader.deliveries(told=wanted, limit=_MOST_OF_ONE)[::-1]
    text = message(deliverable)
    if as_json:
        shown = {"title": text.title, "body": text.body}
        print_json(
            {"event_id": wanted} | subject_of(deliverable) | {"message": shown, "deliveries": list(map(as_data, rows))}
        )
        return
    for line in (text.title, *text.body.splitlines()):
        typer.echo(f"  {line}")
    typer.echo("")
    if not rows:
        typer.echo("It notified no channel.")
        return
    print_rows(rows)
    typer.echo(f"\nFor the attempts of one: notifier delivery show {rows[0].id}")


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

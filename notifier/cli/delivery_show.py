"""`notifier delivery show`: shows one delivery with its attempts, or one event with its deliveries."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from notifier.cli import completion
from notifier.cli.arguments import quoted
from notifier.cli.delivery_rows import EVENT_ID_PREFIXES, event_id_given, find_event_id, print_rows
from notifier.cli.options import ConfigOption, JsonOption, configuration
from notifier.cli.output import print_json, print_table
from notifier.cli.remote import TokenFileOption, TokenOption, UrlOption, remote
from notifier.cli.status import STYLES
from notifier.core.errors import NotifierError, UsageError
from notifier.core.json_values import json_value
from notifier.core.times import iso
from notifier.core.words import span

if TYPE_CHECKING:
    from notifier.config.model import Config
    from notifier.control.http_client import HttpClient
    from notifier.core.resource_pages import DeliverableResource
    from notifier.core.resource_parts import MessageResource
    from notifier.core.resources import DeliveryResource


def show(
    ctx: typer.Context,
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
    url: UrlOption = None,
    token: TokenOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """Show one delivery: its message, and every attempt with the receiver's answer; or an event with its deliveries.

    Messages are not stored: the text is rendered again with the current templates.
    """
    number = None if _is_event_id(delivery) else _number(delivery)
    event = event_id_given("ID", delivery) if number is None else ""
    client = remote(ctx)
    if client is None:
        found = _local(configuration(config), number, event)
    else:
        with client:
            found = _remote(client, number, event)
    if as_json:
        print_json(json_value(found))
        return
    from notifier.core.resources import DeliveryResource

    if isinstance(found, DeliveryResource):
        _print_delivery(found)
    else:
        _print_event(found)


def _remote(client: "HttpClient", number: int | None, event: str) -> "DeliveryResource | DeliverableResource":
    from notifier.cli import remote_answers

    return remote_answers.deliverable(client, event) if number is None else remote_answers.delivery(client, number)


def _local(found: "Config", number: int | None, event: str) -> "DeliveryResource | DeliverableResource":
    from notifier.delivery.rendering import renderer_of
    from notifier.store.reader import Reader
    from notifier.store.reading.deliverables import deliverable_resource
    from notifier.store.reading.reading import Reading

    reader = Reader(found.database)
    reading = Reading(found.database, lambda: datetime.now(UTC))
    try:
        if number is None:
            event_id = find_event_id(reader, event)
            if (shown := deliverable_resource(reader, reading, event_id)) is not None:
                return shown
            raise NotifierError(f"there is no event {event_id}; `notifier delivery list` shows all deliveries")
        if (delivery := reading.delivery(number, renderer_of(found))) is None:
            raise NotifierError(f"there is no delivery {number}; `notifier delivery list` shows all")
        return delivery
    finally:
        reading.close()


def _print_delivery(row: "DeliveryResource") -> None:
    attempts = row.attempts or ()
    typer.echo(f"Delivery {row.id} to {row.channel}: {row.state}{f' ({row.reason})' if row.reason else ''}")
    typer.echo(
        f"Created {iso(row.created_at)}; next attempt {iso(row.not_before) if row.settled_at is None else 'none'}"
    )
    typer.echo("")
    if row.digest is not None:
        typer.echo(f"Sent in a digest of {row.digest.deliveries} at {iso(row.digest.at)}:")
        typer.echo("")
    _print_message(row.message)
    if not attempts:
        typer.echo("No attempt has finished yet.")
        return
    print_table(
        ("attempt", "at", "took", "outcome", "reason", "answer"),
        (
            (
                str(each.number),
                iso(each.started_at),
                span(timedelta(seconds=each.duration_s)),
                each.outcome,
                each.reason,
                each.detail,
            )
            for each in attempts
        ),
        styles=STYLES,
    )


def _print_event(found: "DeliverableResource") -> None:
    _print_message(found.message)
    if not found.deliveries:
        typer.echo("It notified no channel.")
        return
    print_rows(found.deliveries)
    typer.echo(f"\nFor the attempts of one: notifier delivery show {found.deliveries[0].id}")


def _print_message(message: "MessageResource | None") -> None:
    if message is not None:
        for line in [*([] if message.title is None else [message.title]), *message.body.splitlines()]:
            typer.echo(f"  {line}")
    typer.echo("")


def _is_event_id(text: str) -> bool:
    return text.strip().strip("\"'").startswith(EVENT_ID_PREFIXES)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:20]) <= 2**62):
        raise UsageError(f"ID: {quoted(text)} is neither the number of a delivery nor the id of an event (evt_…)")
    return int(text)

"""`notifier channel`: lists the channels, and sends a test message to one."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from notifier.cli import completion
from notifier.cli.arguments import no_channel, watch_id
from notifier.cli.options import ConfigOption, JsonOption, config_path, configuration
from notifier.cli.output import print_json, print_table, warn
from notifier.cli.remote import TokenFileOption, TokenOption, UrlOption, remote
from notifier.cli.status import tally
from notifier.core.action_results import TestResult
from notifier.core.delivery.model import OutcomeKind
from notifier.core.errors import UsageError
from notifier.core.json_values import json_value
from notifier.core.words import count

if TYPE_CHECKING:
    from notifier.config.model import Config
    from notifier.core.resources import ChannelResource

app = typer.Typer(help="List the channels, and send a test message to one.", no_args_is_help=True)


@app.command("list")
def list_channels(
    ctx: typer.Context,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """List the channels: their service, how many watches use them, and their deliveries."""
    if (client := remote(ctx)) is not None:
        from notifier.cli import remote_answers

        with client:
            entries = remote_answers.channels(client)
    else:
        entries = _channels(configuration(config))
    if as_json:
        print_json(json_value(entries))
        return
    print_table(
        ("name", "service", "watches", "operators", "deliveries"),
        (
            (each.channel, each.service, str(each.watches), "yes" if each.operators else "-", tally(each.deliveries))
            for each in entries
        ),
    )


def _channels(found: "Config") -> "list[ChannelResource]":
    from notifier.config.resource import channels_of
    from notifier.store.reading.reading import Reading

    reading = Reading(found.database, lambda: datetime.now(UTC))
    try:
        return reading.channels(channels_of(found))
    finally:
        reading.close()


@app.command("test")
def send_test(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The name of the channel.", autocompletion=completion.channel)],
    config: ConfigOption = None,
    event: Annotated[
        str | None,
        typer.Option(
            help="The event of the test message, such as failed or empty, in the channel's own template.",
            autocompletion=completion.event,
        ),
    ] = None,
    watch: Annotated[
        str | None,
        typer.Option(
            help="The watch of the test message, by its id, snapshot or name.",
            autocompletion=completion.configured_watch,
        ),
    ] = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """Send a real message, marked TEST, and print the receiver's answer. Exit status 1 if it was not delivered.

    If it was delivered, failed deliveries of this channel are retried at once.
    """
    if (client := remote(ctx)) is not None:
        from notifier.cli import remote_answers

        with client:
            done = remote_answers.test_channel(client, name, event, watch)
        _print_result(done, as_json)
        return
    found = _loaded(config_path(config), name)
    _print_result(_send(found, name, event, watch), as_json)
    _retry_failed(found, name)


def _loaded(path: Path, name: str) -> "Config":
    """Return the configuration that has the channel.

    Raises:
        UsageError: it has no such channel.
    """
    from notifier.app.loading.fallback import load_for_channel

    loaded = load_for_channel(path, name)
    if loaded.warning:
        warn(loaded.warning)
    if name not in loaded.config.channels:
        raise no_channel(name, loaded.config.channels)
    return loaded.config


def _send(found: "Config", name: str, event: str | None, watch: str | None) -> TestResult:
    import asyncio

    from notifier.delivery.trial import send_trial
    from notifier.telemetry.log import configure
    from notifier.telemetry.redaction import Redactor

    sample = None if watch is None else found.sample_watch(watch_id(found, watch))
    redactor = Redactor(found.secrets)
    configure(level="warning", redactor=redactor)
    try:
        trial = send_trial(found.channels[name], redact=redactor, word=event or "complete", watch=sample)
    except ValueError as error:
        raise UsageError(f"--event: {error}") from error
    outcome = asyncio.run(trial)
    return TestResult(channel=name, outcome=outcome.kind, reason=outcome.reason, answer=outcome.detail)


def _print_result(done: TestResult, as_json: bool) -> None:
    """Print what came of a test message; the exit status is 1 if it was not delivered."""
    delivered = done.outcome == OutcomeKind.DELIVERED
    if as_json:
        print_json(json_value(done))
    else:
        answer = f": {done.answer}" if done.answer else ""
        words = "delivered" if delivered else "not delivered"
        typer.echo(f"{done.channel}: {words}, {done.reason}{answer}", err=not delivered)
    if not delivered:
        raise typer.Exit(1)


def _retry_failed(found: "Config", channel: str) -> None:
    """Ask the daemon to retry the failed deliveries of a channel now."""
    import asyncio

    from notifier.control.client import ask
    from notifier.control.protocol import GotThrough
    from notifier.core.errors import NotifierError

    if not found.database.exists():
        return
    try:
        done = asyncio.run(ask(found.database, GotThrough(channel=channel)))
    except NotifierError as error:
        typer.echo(f"the failed deliveries of {channel} are not retried now: {error}", err=True)
        return
    if number := done["hastened"]:
        typer.echo(f"retrying {count(number, 'failed delivery', 'failed deliveries')} now", err=True)

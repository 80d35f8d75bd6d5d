"""`notifier channel`: lists the channels, and sends a test message to one."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from notifier.cli import completion
from notifier.cli.arguments import no_channel, watch_id
from notifier.cli.options import ConfigOption, JsonOption, config_path, configuration
from notifier.cli.output import print_json, print_table, warn
from notifier.cli.status import tally
from notifier.core.delivery.model import OutcomeKind
from notifier.core.delivery.services import service_of
from notifier.core.errors import UsageError
from notifier.core.words import count

if TYPE_CHECKING:
    from notifier.config.model import Config

app = typer.Typer(help="List the channels, and send a test message to one.", no_args_is_help=True)


@app.command("list")
def list_channels(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the channels: their service, how many watches use them, and their deliveries."""
    from notifier.store.reader import Reader

    found = configuration(config)
    counts = Reader(found.database).channels() if found.database.exists() else {}
    watching = Counter(name for watch in found.watches for name in watch.notify)
    watching.update(name for dataset in found.datasets for name in dataset.notify)
    entries = [
        {
            "name": channel.name,
            "service": "webhook" if channel.webhook else service_of(str(channel.url)),
            "watches": watching[channel.name],
            "operators": channel.name in found.operators,
            "deliveries": counts.get(channel.name, {}),
        }
        for channel in found.channels.values()
    ]
    if as_json:
        print_json(entries)
        return
    print_table(
        ("name", "service", "watches", "operators", "deliveries"),
        (
            (
                str(entry["name"]),
                str(entry["service"]),
                str(entry["watches"]),
                "yes" if entry["operators"] else "-",
                tally(counts.get(str(entry["name"]), {})),
            )
            for entry in entries
        ),
    )


@app.command("test")
def send_test(
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
) -> None:
    """Send a real message, marked TEST, and print the receiver's answer. Exit status 1 if it was not delivered.

    If it was delivered, failed deliveries of this channel are retried at once.
    """
    import asyncio

    from notifier.app.loading.fallback import load_for_channel
    from notifier.delivery.trial import send_trial
    from notifier.telemetry.log import configure
    from notifier.telemetry.redaction import Redactor

    loaded = load_for_channel(config_path(config), name)
    found = loaded.config
    if loaded.warning:
        warn(loaded.warning)
    channel = found.channels.get(name)
    if channel is None:
        raise no_channel(name, found.channels)
    sample = None if watch is None else found.sample_watch(watch_id(found, watch))
    redactor = Redactor(found.secrets)
    configure(level="warning", redactor=redactor)
    try:
        trial = send_trial(channel, redact=redactor, word=event or "complete", watch=sample)
    except ValueError as error:
        raise UsageError(f"--event: {error}") from error
    outcome = asyncio.run(trial)
    delivered = outcome.kind is OutcomeKind.DELIVERED
    if as_json:
        print_json({"channel": name, "outcome": outcome.kind, "reason": outcome.reason, "answer": outcome.detail})
    else:
        answer = f": {outcome.detail}" if outcome.detail else ""
        typer.echo(
            f"{name}: {'delivered' if delivered else 'not delivered'}, {outcome.reason}{answer}", err=not delivered
        )
    if not delivered:
        raise typer.Exit(1)
    _retry_failed(found, name)


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

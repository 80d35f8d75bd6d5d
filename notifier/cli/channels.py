"""`notifier channel`: the channels there are, and a real message to try one."""

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

if TYPE_CHECKING:
    from notifier.config.model import Config
    from notifier.core.model import Watch

app = typer.Typer(help="The channels, and a real message to try one.", no_args_is_help=True)


@app.command("list")
def list_channels(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the channels: what they are, how many watches use each, and its deliveries."""
    from notifier.store.reader import Reader

    found = configuration(config)
    counts = Reader(found.database).channels() if found.database.exists() else {}
    told = Counter(name for watch in found.watches for name in watch.notify)
    told.update(name for dataset in found.datasets for name in dataset.notify)
    entries = [
        {
            "name": channel.name,
            "service": "webhook" if channel.webhook else service_of(str(channel.url)),
            "watches": told[channel.name],
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
    name: Annotated[
        str, typer.Argument(help="The channel's name in the configuration.", autocompletion=completion.channel)
    ],
    config: ConfigOption = None,
    event: Annotated[
        str | None,
        typer.Option(
            help="The event it plays, such as failed or empty, by the channel's own template.",
            autocompletion=completion.event,
        ),
    ] = None,
    watch: Annotated[
        str | None,
        typer.Option(
            help="The watch it plays, by its id, snapshot or name.", autocompletion=completion.configured_watch
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Send a real message, marked TEST, and say exactly what the far side answered. Exit status 1 if it failed.

    If it got through, what had failed for this channel is tried again at once.
    """
    import asyncio

    from notifier.app.loading import load_for_channel
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
    played = None if watch is None else _played(found, watch_id(found, watch))
    redactor = Redactor(found.secrets)
    configure(level="warning", redactor=redactor)
    try:
        trial = send_trial(channel, redact=redactor, word=event or "complete", watch=played)
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
    _hasten(found, name)


def _hasten(found: "Config", channel: str) -> None:
    """Have what waits for a channel that works tried at once."""
    import asyncio

    from notifier.control.client import ask
    from notifier.control.protocol import GotThrough
    from notifier.core.errors import NotifierError

    if not found.database.exists():
        return
    try:
        done = asyncio.run(ask(found.database, GotThrough(channel=channel)))
    except NotifierError as error:
        typer.echo(f"what waits for {channel} keeps its next try: {error}", err=True)
        return
    if number := done["hastened"]:
        verb = "is" if number == 1 else "are"
        typer.echo(f"{number} that had failed {verb} tried again at once", err=True)


def _played(found: "Config", wanted: str) -> "Watch":
    """The watch of this id, as a snapshot has it; that of a dataset with a snapshot that it has found, or may find."""
    own = next((each for each in found.watches if each.id == wanted), None)
    if own is not None:
        return own
    parent, _, snapshot_id = wanted.partition("/")
    dataset = next(each for each in found.datasets if each.id == parent)
    return dataset.watch_for(snapshot_id or "sd_test")

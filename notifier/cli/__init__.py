"""The command line: a module for each group of commands parses, calls and prints.

Commands import heavy modules where they need them, so that `--help` and small commands answer at once.
"""

import os
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from notifier import __version__
from notifier.cli import (
    channels,
    completion,
    configuration,
    daemon,
    deliveries,
    download,
    healthcheck,
    simulation,
    status,
    trigger,
    wait,
    watches,
)
from notifier.cli import replay as history
from notifier.cli.command_group import Commands, Group
from notifier.cli.options import CONFIG_HELP
from notifier.core.errors import UsageError
from notifier.telemetry.redaction import EVERY_SECRET

app = typer.Typer(
    name="notifier",
    cls=Commands,
    help="Watches Bright Data snapshots and notifies people, once, when one is ready, failed, canceled or missing.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(daemon.run)
app.command("demo")(simulation.demo)
app.command("simulate")(simulation.simulate)
app.command("init")(configuration.init)
app.add_typer(configuration.app, name="config", cls=Group)
app.command("status")(status.status)
app.command("healthcheck")(healthcheck.healthcheck)
app.command("trigger")(trigger.trigger)
app.command("wait")(wait.wait)
app.command("download")(download.download)
app.command("replay")(history.replay)
app.add_typer(watches.app, name="watch", cls=Group)
app.add_typer(channels.app, name="channel", cls=Group)
app.add_typer(deliveries.app, name="delivery", cls=Group)


_WITHOUT_CONFIGURATION = ("demo", "simulate", "init")


def _version(wanted: bool) -> None:
    if wanted and not completion.is_asked():
        typer.echo(f"notifier {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    ctx: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", readable=False, help=f"{CONFIG_HELP} It may also follow the command."),
    ] = None,
    _version_wanted: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options before the command."""
    if config is not None and ctx.invoked_subcommand in _WITHOUT_CONFIGURATION:
        raise UsageError(f"`notifier {ctx.invoked_subcommand}` takes no --config")


def _open_standard_streams() -> None:
    """Open each standard stream that was closed (`>&-`) on /dev/null, so that printing to it does not fail."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), "r" if number == 0 else "w", encoding="utf-8"))


def main() -> None:
    """Run the command line. Every error reaches the user as a sentence and an exit status."""
    _open_standard_streams()
    if completion.is_asked():
        completion.silence()
    try:
        app(prog_name="notifier")
    except Exception as error:  # noqa: BLE001 - the last handler; Typer handles Ctrl-C and a closed pipe
        if os.environ.get("NOTIFIER_DEBUG"):
            typer.echo(EVERY_SECRET(traceback.format_exc()), err=True, nl=False)
        typer.echo(f"notifier: {EVERY_SECRET(_unexpected(error))}", err=True)
        # Python flushes standard output at exit, and would print an error of its own if that failed again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)


def _unexpected(error: Exception) -> str:
    """Return the text for an error that no part of the program handles."""
    if isinstance(error, OSError) and error.strerror:
        # An error of the system, such as a full disk behind standard output.
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return (
        f"unexpected {type(error).__name__}: {error}\n"
        "This is a bug in notifier. Run the command again with NOTIFIER_DEBUG=1, and report what it prints."
    )

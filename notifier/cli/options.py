"""Options that many commands take, and the configuration that `--config` leads to."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from notifier.cli.output import warn
from notifier.core.errors import UsageError

if TYPE_CHECKING:
    from notifier.config.model import Config

DEFAULT_PATHS = (Path("config.yaml"), Path("/etc/notifier/config.yaml"))

CONFIG_HELP = "The configuration file; without it ./config.yaml, then /etc/notifier/config.yaml."


def _or_before_the_command(ctx: typer.Context, given: Path | None) -> Path | None:
    """What `--config` was given: after the command, else before it, else by the environment."""
    source = ctx.get_parameter_source("config")
    if source is not None and source.name == "COMMANDLINE":
        return given
    before: Path | None = ctx.find_root().params.get("config")
    return before or given


ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        envvar="NOTIFIER_CONFIG",
        callback=_or_before_the_command,
        help=CONFIG_HELP,
        readable=False,  # whoever reads it says why it cannot be read
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def config_path(given: Path | None) -> Path:
    """The configuration file to read.

    Raises:
        UsageError: none was named and none stands in the usual places.
    """
    if given is not None:
        return given
    for path in DEFAULT_PATHS:
        if path.exists():
            return path
    places = " and ".join(str(path) for path in DEFAULT_PATHS)
    raise UsageError(
        f"no configuration: looked for {places}. `notifier init` writes one to start from; --config names another."
    )


def account_config(given: Path | None) -> Path | None:
    """The configuration file from which the API's token is taken; None where there is none, and a variable must do."""
    if given is not None:
        return given
    return next((path for path in DEFAULT_PATHS if path.exists()), None)


def configuration(given: Path | None) -> "Config":
    """The configuration for a command that needs no secrets, as far as it can be had.

    Where the files have errors, one line on standard error says so, and the command goes on with the configuration
    that the daemon took up last, or else with what is right of the files.

    Raises:
        ConfigurationRefused: nothing of it can be had.
    """
    from notifier.app.loading import load_leniently

    found = load_leniently(config_path(given))
    if found.warning:
        warn(found.warning)
    return found.config

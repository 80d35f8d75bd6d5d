"""The options `--config` and `--json`, and the configuration that `--config` names."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from notifier.cli.output import warn
from notifier.core.errors import UsageError

if TYPE_CHECKING:
    from notifier.config.model import Config

DEFAULT_PATHS = (Path("config.yaml"), Path("/etc/notifier/config.yaml"))

CONFIG_HELP = "The configuration file; by default ./config.yaml, then /etc/notifier/config.yaml."


def _or_before_the_command(ctx: typer.Context, given: Path | None) -> Path | None:
    """Return the value of `--config`: after the command, else before it, else from the environment."""
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
        readable=False,  # the loader says why it cannot be read
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def config_path(given: Path | None) -> Path:
    """Return the configuration file to read.

    Raises:
        UsageError: none was named, and no default one exists.
    """
    if given is not None:
        return given
    for path in DEFAULT_PATHS:
        if path.exists():
            return path
    places = " and ".join(str(path) for path in DEFAULT_PATHS)
    raise UsageError(
        f"no configuration: looked for {places}. Write one with `notifier init`, or name one with --config."
    )


def account_config(given: Path | None) -> Path | None:
    """Return the configuration file that has the API's token; None if there is none, and a variable has to have it."""
    if given is not None:
        return given
    return next((path for path in DEFAULT_PATHS if path.exists()), None)


def configuration(given: Path | None) -> "Config":
    """Return the configuration for a command that needs no secrets.

    If the files have errors, print a warning and return the configuration that the daemon loaded last, or else the
    valid parts of the files.

    Raises:
        ConfigurationRefused: the files have errors, and there is neither.
    """
    from notifier.app.loading.fallback import load_with_fallback

    found = load_with_fallback(config_path(given))
    if found.warning:
        warn(found.warning)
    return found.config

"""The options `--url`, `--token` and `--token-file`: a notifier on another machine, which is asked over its API."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from notifier.cli.output import warn
from notifier.core.errors import UsageError
from notifier.telemetry.redaction import EVERY_SECRET

if TYPE_CHECKING:
    from notifier.control.http_client import HttpClient

UrlOption = Annotated[
    str | None,
    typer.Option(
        "--url",
        envvar="NOTIFIER_URL",
        metavar="URL",
        show_default=False,
        help="Ask the notifier at this address over its API, instead of the one on this machine.",
    ),
]
TokenOption = Annotated[
    str | None,
    typer.Option(
        "--token",
        envvar="NOTIFIER_TOKEN",
        metavar="TOKEN",
        show_default=False,
        help="With --url: the token under its `http:`. On a command line other users of this machine can see it.",
    ),
]
TokenFileOption = Annotated[
    str | None,
    typer.Option(
        "--token-file",
        metavar="PATH",
        show_default=False,
        help="With --url: a file that has the token; `-` reads it from standard input.",
    ),
]

_STANDARD_INPUT = "-"
_LARGEST_TOKEN = 8 * 1024


def remote(ctx: typer.Context, *, limit: float | None = None) -> "HttpClient | None":
    """Return the client for the notifier that the options name; None for the one on this machine.

    `--config` on the command line wins over an address from the environment.

    Args:
        ctx: of a command with all three options.
        limit: seconds to wait for an answer, instead of the usual 30.

    Raises:
        UsageError: the options contradict each other, or one of them cannot be used.
    """
    url = ctx.params.get("url")
    wrong = [name for name in ("token", "token_file") if _is_given(ctx, name)]
    if not url:
        if wrong:
            raise UsageError(f"--{wrong[0].replace('_', '-')} needs --url")
        return None
    if _is_given(ctx, "config") or _is_given(ctx.find_root(), "config"):
        if _is_given(ctx, "url"):
            raise UsageError("--url and --config: give one of them, for another machine or for this one")
        return None
    if len(wrong) > 1:
        raise UsageError("--token and --token-file: give one of them")
    from notifier.control.http_client import LONGEST_ANSWER_S, HttpClient, sends_in_clear

    token = _token(ctx)
    EVERY_SECRET.add([token] if token else [])
    client = HttpClient(url, token, limit=limit or LONGEST_ANSWER_S)
    if client.has_token and sends_in_clear(client.url):
        warn("the token is sent unencrypted: use https://, for example through a proxy before the notifier")
    return client


def _is_given(ctx: Any, name: str) -> bool:
    """Return whether an option stands on the command line."""
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _token(ctx: typer.Context) -> str | None:
    from notifier.config.sources.token import token_in
    from notifier.config.values.tokens import token

    file, given = ctx.params.get("token_file"), ctx.params.get("token")
    try:
        if file == _STANDARD_INPUT:
            return token(sys.stdin.read(_LARGEST_TOKEN).strip())
        if file is not None:
            return token_in(Path(file))
    except ValueError as error:
        place = "standard input" if file == _STANDARD_INPUT else file
        raise UsageError(f"--token-file: {place}: {error}") from error
    try:
        return token(given) if given else None
    except ValueError as error:
        raise UsageError(f"--token: {error}") from error

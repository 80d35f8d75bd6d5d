"""`notifier healthcheck`: asks the running daemon for its health."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from notifier.cli.options import ConfigOption, JsonOption, config_path
from notifier.cli.output import print_json
from notifier.cli.remote import TokenFileOption, TokenOption, UrlOption, remote
from notifier.core.errors import ConfigurationRefused, NotifierError, UsageError
from notifier.core.json_values import json_value

if TYPE_CHECKING:
    from notifier.control.http_client import HttpClient

LONGEST_ANSWER_S = 10.0


def healthcheck(
    ctx: typer.Context,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """Check the running daemon. Exit status 0 if it answers, polls and is authorised; else 1, with the reasons."""
    from notifier.core.health.vitals import api_sentence

    client = remote(ctx, limit=LONGEST_ANSWER_S)
    ask = partial(_ask, config) if client is None else partial(_ask_remote, client)
    try:
        found = ask()
    except (UsageError, ConfigurationRefused):
        raise
    except NotifierError as error:
        if as_json:
            print_json({"healthy": False, "troubles": [str(error)]})
            raise typer.Exit(1) from error
        raise
    if as_json:
        print_json(found)
    else:
        typer.echo(api_sentence(found["api"]))
        for line in _lines(found):
            typer.echo(line)
        for trouble in found["troubles"]:
            typer.echo(f"notifier: {trouble}", err=True)
    if not found["healthy"]:
        raise typer.Exit(1)


def _ask(config: Path | None) -> dict[str, Any]:
    import asyncio

    from notifier.app.loading.fallback import database_of
    from notifier.control.client import ask
    from notifier.control.protocol import Health

    found = asyncio.run(ask(database_of(config_path(config)), Health(), limit=LONGEST_ANSWER_S))
    return {key: value for key, value in found.items() if key != "reading_since"}


def _ask_remote(client: "HttpClient") -> dict[str, Any]:
    from notifier.cli.remote_answers import health

    with client:
        found: dict[str, Any] = json_value(health(client))
    return found


def _lines(found: dict[str, Any]) -> list[str]:
    reload = found["reload"]
    if reload is None:
        last = "none since the start"
    else:
        last = f"{'refused' if reload['refused'] else 'done'} at {reload['at']}"
    return [
        f"Watches: {found['watches']}; channels: {found['channels']}",
        f"Oldest waiting delivery: {found['oldest_open_delivery'] or 'none'}",
        f"Last reload: {last}",
        *(f"Note: {remark}" for remark in found["remarks"]),
    ]


def daemon_health(database: Path, limit: float = 3.0) -> dict[str, Any] | None:
    """Return the health of the daemon; None if no daemon answers."""
    import asyncio

    from notifier.control.client import ask
    from notifier.control.protocol import Health

    try:
        found: dict[str, Any] = asyncio.run(ask(database, Health(), limit=limit))
    except NotifierError:
        return None
    return found

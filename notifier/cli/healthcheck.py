"""`notifier healthcheck`: asks the running daemon for its health."""

from pathlib import Path
from typing import Any

import typer

from notifier.cli.options import ConfigOption, JsonOption, config_path
from notifier.cli.output import print_json
from notifier.core.errors import NotifierError

LONGEST_ANSWER_S = 10.0


def healthcheck(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Check the running daemon. Exit status 0 if it answers, polls and is authorised; else 1, with the reasons."""
    import asyncio

    from notifier.app.loading.fallback import database_of
    from notifier.control.client import ask
    from notifier.control.protocol import Health
    from notifier.core.health.vitals import api_sentence

    database = database_of(config_path(config))
    try:
        found = asyncio.run(ask(database, Health(), limit=LONGEST_ANSWER_S))
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

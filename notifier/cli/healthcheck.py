"""`notifier healthcheck`: asks the running daemon how it does, for monitors and for people."""

from pathlib import Path
from typing import Any

import typer

from notifier.cli.options import ConfigOption, JsonOption, config_path
from notifier.cli.output import print_json
from notifier.core.errors import NotifierError

LONGEST_ANSWER_S = 10.0


def healthcheck(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Ask the running daemon: status 0 if it answers, its polls progress and its token is taken, else 1 and why."""
    import asyncio

    from notifier.app.loading import database_of
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
        f"Oldest delivery that waits: {found['oldest_open_delivery'] or 'none'}",
        f"Last reload: {last}",
        *(f"Note: {remark}" for remark in found["remarks"]),
    ]


def daemon_health(database: Path, limit: float = 3.0) -> dict[str, Any] | None:
    """How the daemon does; None if none can be asked."""
    import asyncio

    from notifier.control.client import ask
    from notifier.control.protocol import Health

    try:
        found: dict[str, Any] = asyncio.run(ask(database, Health(), limit=limit))
    except NotifierError:
        return None
    return found

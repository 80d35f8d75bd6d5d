"""`notifier watch`: mute a watch, and tell of it again."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from notifier.cli.common import ConfigOption, JsonOption, config_path, iso, print_json
from notifier.core.errors import UsageError

app = typer.Typer(help="Mute a watch, and tell of it again.", no_args_is_help=True)

WatchArgument = Annotated[str, typer.Argument(metavar="WATCH", help="The watch: its id, its snapshot or its name.")]


@app.command()
def mute(
    watch: WatchArgument,
    config: ConfigOption = None,
    for_: Annotated[
        str | None, typer.Option("--for", help="For how long, such as 2h; until unmuted without it.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Tell nobody of a watch. It is still looked at, and what would have been told is listed as dropped."""
    from notifier.config.durations import parse
    from notifier.control import Mute

    try:
        until = None if for_ is None else iso(datetime.now(UTC) + parse(for_))
    except ValueError as error:
        raise UsageError(f"--for: {error}") from error
    done = _ask(config, watch, lambda watch_id: Mute(watch=watch_id, until=until))
    if as_json:
        print_json(done)
    else:
        end = datetime.fromisoformat(until).strftime("until %Y-%m-%d %H:%M UTC") if until else "until you unmute it"
        typer.echo(f"{watch} is muted {end}.")


@app.command()
def unmute(watch: WatchArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Tell of a watch again."""
    from notifier.control import Unmute

    done = _ask(config, watch, lambda watch_id: Unmute(watch=watch_id))
    if as_json:
        print_json(done)
    else:
        typer.echo(f"{watch} is told of again." if done["was_muted"] else f"{watch} was not muted.")


def _ask(config: Path | None, watch: str, request: Any) -> dict[str, Any]:
    import asyncio

    from notifier.control import ask
    from notifier.core.routing import family
    from notifier.loading import load_config

    found = load_config(config_path(config), secrets_needed=False)
    matching = [each.id for each in found.watches if watch in (each.id, each.snapshot_id, each.name)]
    matching += [each.id for each in found.datasets if watch in (each.id, each.dataset_id, each.name)]
    if any(each.id in family(watch)[1:] for each in found.datasets):
        matching.append(watch)  # a snapshot that the watch of a dataset found
    if len(matching) != 1:
        which = "there is no watch" if not matching else "there is more than one watch"
        raise UsageError(f"{which} {watch!r}; `notifier status` shows those there are, with their ids")
    done: dict[str, Any] = asyncio.run(ask(found.database, request(matching[0])))
    return done

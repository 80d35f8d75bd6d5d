"""`notifier watch`: lists, shows, mutes and unmutes watches; `watch_files` adds and removes them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from notifier.cli import completion, watch_files, watch_show
from notifier.cli.arguments import duration_option, watch_id
from notifier.cli.options import ConfigOption, JsonOption, configuration
from notifier.cli.output import print_fitted, print_json
from notifier.cli.remote import TokenFileOption, TokenOption, UrlOption, remote
from notifier.cli.watch_show import WATCH_HELP, WatchArgument
from notifier.core.json_values import json_value
from notifier.core.times import iso

if TYPE_CHECKING:
    from notifier.config.model import AnyWatch

app = typer.Typer(help="Add, remove, list, show and mute watches.", no_args_is_help=True)

MutedArgument = Annotated[str, typer.Argument(metavar="WATCH", help=WATCH_HELP, autocompletion=completion.muted_watch)]


@app.command()
def mute(
    ctx: typer.Context,
    watch: WatchArgument,
    config: ConfigOption = None,
    for_: Annotated[
        str | None, typer.Option("--for", help="For how long, such as 2h; by default until it is unmuted.")
    ] = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """Mute a watch: send no notifications about it. It is still polled, and its deliveries are listed as dropped."""
    lasting = duration_option("--for", for_)
    until = None if lasting is None else datetime.now(UTC) + lasting
    if (client := remote(ctx)) is not None:
        from notifier.cli import remote_answers

        with client:
            done = json_value(remote_answers.mute(client, remote_answers.watch_id(client, watch), until))
    else:
        from notifier.control.protocol import Mute

        done = _request(config, watch, lambda watch_id: Mute(watch=watch_id, until=iso(until)))
    if as_json:
        print_json(done)
    else:
        end = until.strftime("until %Y-%m-%d %H:%M UTC") if until else "until you unmute it"
        typer.echo(f"{watch} is muted {end}.")


@app.command()
def unmute(
    ctx: typer.Context,
    watch: MutedArgument,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """Unmute a watch: send notifications about it again."""
    if (client := remote(ctx)) is not None:
        from notifier.cli import remote_answers

        with client:
            done = json_value(remote_answers.unmute(client, remote_answers.watch_id(client, watch)))
    else:
        from notifier.control.protocol import Unmute

        done = _request(config, watch, lambda watch_id: Unmute(watch=watch_id))
    if as_json:
        print_json(done)
    else:
        typer.echo(f"{watch} is no longer muted." if done["was_muted"] else f"{watch} was not muted.")


def _request(config: Path | None, watch: str, request: Any) -> dict[str, Any]:
    import asyncio

    from notifier.control.client import ask

    found = configuration(config)
    done: dict[str, Any] = asyncio.run(ask(found.database, request(watch_id(found, watch))))
    return done


@app.command("list")
def list_watches(
    ctx: typer.Context,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    url: UrlOption = None,
    token: TokenOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """List the watches as configured: their channels, their events, and how often they are polled."""
    if (client := remote(ctx)) is not None:
        from notifier.cli import remote_answers

        with client:
            entries = remote_answers.watches(client)
    else:
        from notifier.config.resource import watch_settings_resource

        found = configuration(config)
        every: list[AnyWatch] = [*found.watches, *found.datasets]
        entries = [watch_settings_resource(each) for each in every]
    if as_json:
        print_json(json_value(entries))
        return
    if not entries:
        typer.echo(
            "There are no watches yet. Add snapshots under `watches:`, or with `notifier watch add SNAPSHOT`.", err=True
        )
        return
    print_fitted(
        ("watch", "name", "snapshot", "notify", "on", "every"),
        (
            (
                entry.watch,
                entry.name,
                entry.snapshot or entry.dataset or "",
                ", ".join(entry.notify),
                ", ".join(entry.on),
                entry.every,
            )
            for entry in entries
        ),
        same=("watch", "name", "snapshot"),
        cut=("name", "on", "notify"),
        left_out=("every", "on"),
    )


app.command("show")(watch_show.show)
app.command("add")(watch_files.add)
app.command("remove")(watch_files.remove)

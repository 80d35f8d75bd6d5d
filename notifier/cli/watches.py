"""`notifier watch`: lists, shows, mutes and unmutes watches; `watch_files` adds and removes them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from notifier.cli import completion, watch_files
from notifier.cli.arguments import duration_option, quoted, watch_id
from notifier.cli.options import ConfigOption, JsonOption, configuration
from notifier.cli.output import print_fitted, print_json
from notifier.core.errors import NotifierError
from notifier.core.times import iso

if TYPE_CHECKING:
    from notifier.config.model import AnyWatch, Config
    from notifier.core.delivery.model import Event
    from notifier.core.snapshot.model import WatchOptions
    from notifier.store.reader import DeliveryRow

app = typer.Typer(help="Add, remove, list, show and mute watches.", no_args_is_help=True)

_WATCH_HELP = "The watch: its id, its snapshot or its name."
WatchArgument = Annotated[str, typer.Argument(metavar="WATCH", help=_WATCH_HELP, autocompletion=completion.watch)]
MutedArgument = Annotated[str, typer.Argument(metavar="WATCH", help=_WATCH_HELP, autocompletion=completion.muted_watch)]


@app.command()
def mute(
    watch: WatchArgument,
    config: ConfigOption = None,
    for_: Annotated[
        str | None, typer.Option("--for", help="For how long, such as 2h; by default until it is unmuted.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Mute a watch: send no notifications about it. It is still polled, and its deliveries are listed as dropped."""
    from notifier.control.protocol import Mute

    lasting = duration_option("--for", for_)
    until = None if lasting is None else iso(datetime.now(UTC) + lasting)
    done = _request(config, watch, lambda watch_id: Mute(watch=watch_id, until=until))
    if as_json:
        print_json(done)
    else:
        end = datetime.fromisoformat(until).strftime("until %Y-%m-%d %H:%M UTC") if until else "until you unmute it"
        typer.echo(f"{watch} is muted {end}.")


@app.command()
def unmute(watch: MutedArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Unmute a watch: send notifications about it again."""
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
def list_watches(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the watches as configured: their channels, their events, and how often they are polled."""
    found = configuration(config)
    every: list[AnyWatch] = [*found.watches, *found.datasets]
    entries = [_configured(each) for each in every]
    if as_json:
        print_json(entries)
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
                entry["watch"],
                entry["name"],
                entry.get("snapshot") or entry["dataset"],
                _text(entry["notify"]),
                _text(entry["on"]),
                entry["every"],
            )
            for entry in entries
        ),
        same=("watch", "name", "snapshot"),
        cut=("name", "on", "notify"),
        left_out=("every", "on"),
    )


def _configured(watch: "AnyWatch") -> dict[str, Any]:
    """Return a watch as data, with its defaults."""
    from dataclasses import fields

    values = {field.name: getattr(watch, field.name) for field in fields(watch) if field.name not in _SHOWN_BEFORE}
    known = {key.removesuffix("_id"): _plain(value) for key, value in values.items()}
    return {"watch": watch.id, "name": watch.name, **known}


@app.command()
def show(watch: WatchArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show one watch: its configuration, its status, and its last 100 events with their deliveries."""
    from notifier.cli.status import overview
    from notifier.store.reader import Reader

    found = configuration(config)
    wanted = watch_id(found, watch)
    entries = overview(found, datetime.now(UTC))
    settings = _settings(found, wanted)
    subject = wanted.partition("/")[2] or settings.get("snapshot_id")
    entry = next((each for each in entries if each["watch"] == wanted), None)
    timeline = []
    if found.database.exists():
        subjects = [subject] if subject else [each["snapshot"] for each in entries if _is_of(each, wanted)]
        timeline = [_event(event, deliveries) for event, deliveries in Reader(found.database).timeline(subjects)]
    if entry is None and not timeline:
        raise NotifierError(
            f"the watch {wanted.partition('/')[0]} has not found a snapshot {quoted(subject or wanted)}"
        )
    entry = entry or {"watch": wanted, "snapshot": subject}
    if as_json:
        print_json(entry | {"configuration": settings, "timeline": timeline})
        return
    for key, value in [*entry.items(), *settings.items()]:
        if value not in (None, "", [], {}) and key.removesuffix("_id") not in entry.keys() - {key}:
            typer.echo(f"{key.replace('_', ' ')}: {_text(value)}")
    for event in timeline:
        typer.echo(f"{iso(event['at'])}  {event['previous']} -> {event['status']} ({', '.join(event['events'])})")
        for delivery in event["deliveries"]:
            reason = f" ({delivery['reason']})" if delivery["reason"] else ""
            typer.echo(f"    {delivery['channel']}: {delivery['state']}{reason}")


def _is_of(entry: dict[str, Any], parent: str) -> bool:
    return "snapshot" in entry and entry["watch"].startswith(f"{parent}/")


def _settings(found: "Config", wanted: str) -> dict[str, Any]:
    from dataclasses import fields

    from notifier.core.delivery.routing import family

    every: list[WatchOptions] = [*found.watches, *found.datasets, found.adopting]
    watch = next(each for each in every if each.id in family(wanted))
    values = {field.name: getattr(watch, field.name) for field in fields(watch) if field.name not in _SHOWN_BEFORE}
    return {key: _plain(value) for key, value in values.items()}


_SHOWN_BEFORE = {"id", "name", "parent", "enabled"}


def _plain(value: Any) -> Any:
    from dataclasses import asdict, is_dataclass

    from notifier.core.words import span

    if isinstance(value, timedelta):
        return span(value)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return dict(value) if isinstance(value, Mapping) else list(value) if isinstance(value, tuple) else value


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return iso(value) or ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{key}={each}" for key, each in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _event(event: "Event", deliveries: "Sequence[DeliveryRow]") -> dict[str, Any]:
    transition = event.transition
    return {
        "event_id": event.id,
        "snapshot": transition.snapshot_id,
        "at": transition.observed_at,
        "previous": transition.previous,
        "status": transition.status,
        "events": list(transition.names),
        "deliveries": [{"id": e.id, "channel": e.channel, "state": e.state, "reason": e.reason} for e in deliveries],
    }


app.command("add")(watch_files.add)
app.command("remove")(watch_files.remove)

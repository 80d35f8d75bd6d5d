"""`notifier watch add` and `remove`: a watch in a file of its own. The user's own YAML is never rewritten."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from notifier.cli import completion
from notifier.cli.arguments import checked_id, watch_id
from notifier.cli.daemon_confirmation import sentence, wait_until_loaded, withdraw
from notifier.cli.options import ConfigOption, JsonOption, config_path, configuration
from notifier.cli.output import print_json
from notifier.core.errors import ConfigurationRefused, NotifierError, UsageError

if TYPE_CHECKING:
    pass

NoWait = Annotated[bool, typer.Option("--no-wait", help="Do not wait until the running daemon has taken it up.")]


def add(
    snapshot: Annotated[
        str,
        typer.Argument(
            metavar="SNAPSHOT",
            help="The snapshot; with --dataset the dataset.",
            autocompletion=completion.unwatched_snapshot,
        ),
    ],
    dataset: Annotated[bool, typer.Option("--dataset", help="It is a dataset: watch every snapshot of it.")] = False,
    name: Annotated[str | None, typer.Option("--name", help="What messages call it.")] = None,
    notify: Annotated[
        list[str] | None,
        typer.Option(
            "--notify", metavar="CHANNEL", help="Whom to tell; may be repeated.", autocompletion=completion.channel
        ),
    ] = None,
    on: Annotated[
        list[str] | None,
        typer.Option("--on", metavar="EVENT", help="What to tell; may be repeated.", autocompletion=completion.event),
    ] = None,
    every: Annotated[str | None, typer.Option("--every", help="The pause between polls, such as 30s.")] = None,
    label: Annotated[
        list[str] | None, typer.Option("--label", metavar="KEY=VALUE", help="A label; may be repeated.")
    ] = None,
    no_wait: NoWait = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Watch one more snapshot, or dataset: its watch is a file of its own in a folder that `include:` names."""
    from notifier.app.loading import load_config
    from notifier.config.edit.watch_entries import find_entries
    from notifier.config.edit.watch_file import NewWatch, WatchFolder, entry_errors, entry_warnings

    snapshot = checked_id("DATASET" if dataset else "SNAPSHOT", snapshot)
    main = config_path(config)
    found = load_config(main, secrets_needed=False)
    entry = NewWatch(
        snapshot_id=None if dataset else snapshot,
        dataset_id=snapshot if dataset else None,
        name=name,
        notify=notify or (),
        on=on or (),
        every=every,
        labels=_labels(label or ()),
    )
    if wrong := entry_errors(entry, frozenset(found.channels)):
        raise UsageError("\n".join(wrong))
    warnings = entry_warnings(entry, frozenset(found.channels))
    folder = WatchFolder(main, os.environ)
    if not notify and not folder.has_default_notify:
        raise UsageError(f"nobody would be told: say --notify CHANNEL, or add `notify:` under `defaults:` in {main}")
    for there in find_entries(main, os.environ, snapshot):
        raise UsageError(f"{snapshot} is watched already: {there.path}:{there.line}")
    began = datetime.now(UTC)
    path = folder.write(entry)
    try:
        load_config(main, secrets_needed=False)
    except NotifierError:
        path.unlink(missing_ok=True)
        raise
    seen = None if no_wait else wait_until_loaded(main, found.database, snapshot, began)
    withdrawn = seen is not None and withdraw(path, seen)
    if as_json:
        print_json({"watch": snapshot, "file": None if withdrawn else str(path), "daemon": seen, "warnings": warnings})
    else:
        for warning in warnings:
            typer.echo(f"warning: {path}: {warning}", err=True)
        typer.echo(
            f"{snapshot} is not watched: {path} was removed again." if withdrawn else f"{snapshot} stands in {path}."
        )
        if seen is not None:
            typer.echo(sentence(snapshot, seen))
    if seen is not None and seen["refused"]:
        raise typer.Exit(1)


def remove(
    watch: Annotated[
        str,
        typer.Argument(
            metavar="WATCH",
            help="The watch: its id, its snapshot or its name.",
            autocompletion=completion.configured_watch,
        ),
    ],
    no_wait: NoWait = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a watch out of the configuration, if a file holds it and nothing else; its history stays.

    It waits until the running daemon has let it go.
    """
    from notifier.app.loading import problems_in
    from notifier.config.edit.watch_entries import find_entries
    from notifier.config.edit.watch_file import removing

    main = config_path(config)
    found = configuration(main)
    wanted = watch_id(found, watch)
    parent, parted, _ = wanted.partition("/")
    if parted:
        raise UsageError(f"{wanted} was found by the watch {parent}: remove that one, or mute this one")
    places = find_entries(main, os.environ, wanted)
    for place in places:
        if not place.alone:
            what = f"take the entry watches[{place.index}] ({wanted}) out"
            raise NotifierError(f"{place.path}:{place.line}: this file is yours and was left as it is: {what}")
    if not places:
        raise NotifierError(f"{wanted} was not found in the files of {main}; nothing was removed")
    began = datetime.now(UTC)
    before = problems_in(main)
    with removing(places[0].path):
        # It may be named without a wildcard: then it has to stay.
        if new := [each for each in problems_in(main) if each not in before]:
            raise ConfigurationRefused(new)
    let_go = None if no_wait else wait_until_loaded(main, found.database, None, began)
    if as_json:
        print_json({"removed": wanted, "file": str(places[0].path), "daemon": let_go})
    else:
        typer.echo(f"{places[0].path} was removed.")
        typer.echo(f"{wanted} is watched no more." if let_go is None else _let_go_sentence(wanted, let_go))
    if let_go is not None and let_go["refused"]:
        raise typer.Exit(1)


def _labels(texts: Sequence[str]) -> dict[str, str]:
    labels = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip() or not value.strip():
            raise UsageError(f"--label: {text!r} is not KEY=VALUE, as in team=growth")
        labels[key.strip()] = value.strip()
    return labels


def _let_go_sentence(subject: str, seen: dict[str, Any]) -> str:
    if not seen["runs"]:
        return f"{subject} is watched no more. No daemon runs."
    return f"{subject} is watched no more." if seen["taken_up"] else sentence(subject, seen)

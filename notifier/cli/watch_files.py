"""`notifier watch add` and `remove`: each watch in a file of its own. The user's own YAML is never rewritten."""

import os
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from notifier.cli import completion
from notifier.cli.arguments import checked_id, watch_id
from notifier.cli.daemon_confirmation import sentence, wait_until_loaded, withdraw
from notifier.cli.options import ConfigOption, JsonOption, config_path, configuration
from notifier.cli.output import print_json
from notifier.core.errors import ConfigurationRefused, NotifierError, UsageError

NoWait = Annotated[bool, typer.Option("--no-wait", help="Do not wait until the running daemon has loaded it.")]


def add(
    snapshot: Annotated[
        str,
        typer.Argument(
            metavar="SNAPSHOT",
            help="The snapshot; with --dataset, the dataset.",
            autocompletion=completion.unwatched_snapshot,
        ),
    ],
    dataset: Annotated[bool, typer.Option("--dataset", help="Watch every snapshot of a dataset.")] = False,
    name: Annotated[str | None, typer.Option("--name", help="Its name in messages.")] = None,
    notify: Annotated[
        list[str] | None,
        typer.Option(
            "--notify",
            metavar="CHANNEL",
            help="A channel to notify; may be repeated.",
            autocompletion=completion.channel,
        ),
    ] = None,
    on: Annotated[
        list[str] | None,
        typer.Option(
            "--on", metavar="EVENT", help="An event to notify of; may be repeated.", autocompletion=completion.event
        ),
    ] = None,
    every: Annotated[str | None, typer.Option("--every", help="The interval between polls, such as 30s.")] = None,
    label: Annotated[
        list[str] | None, typer.Option("--label", metavar="KEY=VALUE", help="A label; may be repeated.")
    ] = None,
    no_wait: NoWait = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a watch for a snapshot or a dataset, as a file of its own in a folder that `include:` names."""
    from notifier.app.loading.load import load_config
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
        raise UsageError(
            f"the watch would notify no channel: add --notify CHANNEL, or `notify:` under `defaults:` in {main}"
        )
    for entry_found in find_entries(main, os.environ, snapshot):
        raise UsageError(f"{snapshot} is already watched, in {entry_found.path}:{entry_found.line}")
    path, since = folder.write(entry)
    try:
        load_config(main, secrets_needed=False)
    except NotifierError:
        path.unlink(missing_ok=True)
        raise
    seen = None if no_wait else wait_until_loaded(main, found.database, snapshot, since)
    withdrawn = seen is not None and withdraw(path, seen)
    if as_json:
        print_json({"watch": snapshot, "file": None if withdrawn else str(path), "daemon": seen, "warnings": warnings})
    else:
        for warning in warnings:
            typer.echo(f"warning: {path}: {warning}", err=True)
        typer.echo(
            f"{snapshot} is not watched: {path} was removed again." if withdrawn else f"Added {snapshot} in {path}."
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
    """Remove a watch whose file has no other entry. Its history stays.

    The command waits until the running daemon has reloaded its files.
    """
    from notifier.app.loading.fallback import problems_in
    from notifier.config.edit.watch_entries import find_entries
    from notifier.config.edit.watch_file import removing

    main = config_path(config)
    found = configuration(main)
    wanted = watch_id(found, watch)
    parent, parted, _ = wanted.partition("/")
    if parted:
        raise UsageError(f"{wanted} was found by the watch {parent}: remove that watch, or mute this snapshot")
    places = find_entries(main, os.environ, wanted)
    for place in places:
        if not place.alone:
            what = f"remove the entry watches[{place.index}] ({wanted}) from it yourself"
            raise NotifierError(f"{place.path}:{place.line}: the file has other content and was not changed: {what}")
    if not places:
        raise NotifierError(f"{wanted} is in no file of {main}; nothing was removed")
    before = problems_in(main)
    with removing(places[0].path) as since:
        # A file that `include:` names without a wildcard has to stay.
        if new := [each for each in problems_in(main) if each not in before]:
            raise ConfigurationRefused(new)
    reloaded = None if no_wait else wait_until_loaded(main, found.database, None, since)
    if as_json:
        print_json({"removed": wanted, "file": str(places[0].path), "daemon": reloaded})
    else:
        typer.echo(f"Removed {places[0].path}.")
        typer.echo(f"{wanted} is no longer watched." if reloaded is None else _removal_sentence(wanted, reloaded))
    if reloaded is not None and reloaded["refused"]:
        raise typer.Exit(1)


def _labels(texts: Sequence[str]) -> dict[str, str]:
    labels = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip() or not value.strip():
            raise UsageError(f"--label: {text!r} is not KEY=VALUE, as in team=growth")
        labels[key.strip()] = value.strip()
    return labels


def _removal_sentence(subject: str, seen: dict[str, Any]) -> str:
    if not seen["runs"]:
        return f"{subject} is no longer watched. No daemon is running."
    return f"{subject} is no longer watched." if seen["taken_up"] else sentence(subject, seen)

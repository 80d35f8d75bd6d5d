"""`notifier init` and `notifier config`: writes, checks and shows a configuration, and what it would change."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from notifier.cli.options import ConfigOption, JsonOption, config_path
from notifier.cli.output import print_json
from notifier.core.errors import ConfigurationRefused, NotifierError, UsageError
from notifier.core.words import count

if TYPE_CHECKING:
    from notifier.config.model import Config
    from notifier.core.snapshot.budget import Budget

app = typer.Typer(help="Check the configuration, show it, or compare it with the running one.", no_args_is_help=True)


def init(
    path: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("config.yaml"),
) -> None:
    """Write a commented config.yaml to start from, and its schema for editors. Never overwrite a file."""
    from notifier.config.edit.initial import INITIAL
    from notifier.config.edit.json_schema import SCHEMA_FILE, json_schema

    try:
        _write_new(path, INITIAL)
    except FileExistsError:
        raise UsageError(f"{path} already exists and was not changed; name another file: notifier init OTHER") from None
    schema = path.with_name(SCHEMA_FILE)
    with suppress(FileExistsError):  # it serves another configuration in this folder; `config schema` renews it
        _write_new(schema, json.dumps(json_schema(), ensure_ascii=False, indent=2) + "\n")
    typer.echo(f"Wrote {path}, and {schema.name} for editors. Add your snapshot's id and your channel, then:")
    typer.echo("  export BRIGHTDATA_API_KEY=… SLACK_URL=…")
    typer.echo(f"  notifier config check --config {path}")
    typer.echo(f"  notifier run --config {path}")


def _write_new(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise
    except OSError as error:
        raise NotifierError(f"{path}: cannot be written: {error.strerror}") from error


@app.command()
def check(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Check all files of the configuration, and print every error with its place. Exit status 2 if there is any.

    A `state:` that keeps the service from starting is an error, too.
    """
    from notifier.app.loading.load import load_config
    from notifier.config.checks.paths import path_warnings, startup_errors

    try:
        found = load_config(config_path(config))
        if blocking := [*startup_errors(found)]:
            raise ConfigurationRefused(blocking)
    except ConfigurationRefused as error:
        if not as_json:
            raise
        print_json({"ok": False, "problems": [asdict(problem) for problem in error.problems]})
        raise typer.Exit(error.exit_status) from None
    warnings = [*found.warnings, *path_warnings(found)]
    needs = _budget(found)
    if as_json:
        print_json(
            {
                "ok": True,
                "problems": [],
                "warnings": [asdict(warning) for warning in warnings],
                "watches": len(found.watches) + len(found.datasets),
                "channels": len(found.channels),
                "budget": needs.fields(),
            }
        )
        return
    texts = [*map(str, warnings)]
    if too_much := needs.warning():
        texts.append(f"{found.path}: api.requests_per_second: {too_much}.")
    for text in texts:
        typer.echo(f"warning: {text}", err=True)
    _print_verdict(found, needs, len(texts))


def _print_verdict(found: "Config", needs: "Budget", warnings: int) -> None:
    """Print the summary of a configuration without errors."""
    watches = len(found.watches) + len(found.datasets)
    verdict = f"no errors, {count(warnings, 'warning')}" if warnings else "no errors"
    number = count(watches, "watch", "watches").capitalize()
    typer.echo(
        f"{found.path}: {verdict}. {number}, {count(len(found.channels), 'channel')}, "
        f"from {count(len(found.files), 'file')}."
    )
    if watches:
        typer.echo(f"{needs.sentence().capitalize()}.")
        if rotation := needs.rotation():
            typer.echo(f"{rotation.capitalize()}.")
    else:
        typer.echo("There are no watches yet: add snapshots under `watches:`.")
    if not found.operators:
        typer.echo("No channel is notified of problems of the notifier itself: name one under `operators:`.")


def _budget(found: "Config") -> "Budget":
    """Return the requests that the watches need. The database, which knows what has ended, is read only if needed."""
    from notifier.core.errors import StoreError
    from notifier.core.snapshot.budget import budget
    from notifier.core.snapshot.model import SnapshotState

    def needed(states: Mapping[str, SnapshotState]) -> "Budget":
        return budget(
            found.watches,
            found.datasets,
            states=states,
            now=datetime.now(UTC),
            available=found.api.requests_per_second,
            batches=found.api.batches,
        )

    needs = needed({})
    if needs.fits:
        return needs
    from notifier.store.reader import Reader

    try:
        reader = Reader(found.database)
        snapshots = reader.found_by([each.id for each in found.datasets])
        snapshots |= reader.snapshots([each.snapshot_id for each in found.watches])
    except StoreError:  # there is none yet, or this user may not read it
        return needs
    return needed({snapshot_id: row.state for snapshot_id, row in snapshots.items()})


@app.command()
def diff(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show what a reload of the running daemon would change: watches and channels added, removed and changed."""
    import asyncio

    from notifier.app.loading.fallback import database_of
    from notifier.control.client import ask
    from notifier.control.protocol import Diff

    found = asyncio.run(ask(database_of(config_path(config)), Diff()))
    if as_json:
        print_json(found)
    elif "problems" not in found:
        typer.echo("\n".join(_difference(found)) or "A reload would change nothing.")
    else:
        for problem in found["problems"]:
            typer.echo(problem, err=True)
        typer.echo("A reload would be refused: the running configuration would stay.", err=True)
    if "problems" in found:
        raise typer.Exit(2)


def _difference(found: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each difference: `+` added, `-` removed, `~` changed."""
    yield from _items("channel", found["channels"])
    yield from _items("watch", found["watches"])
    yield from (f"~ {_changed(change)}" for change in found["keys"])
    if found["restart"]:
        yield f"A reload does not change {', '.join(found['restart'])}: restart the notifier for that."


def _items(kind: str, items: dict[str, Any]) -> Iterator[str]:
    yield from (f"+ {kind} {name}" for name in items["added"])
    yield from (f"- {kind} {name}" for name in items["removed"])
    for entry in items["changed"]:
        yield f"~ {kind} {entry['name']}"
        yield from (f"    {_changed(change)}" for change in entry["changes"])
    for sign, which in (("+", "added"), ("-", "removed"), ("~", "changed")):
        if more := items[f"{which}_total"] - len(items[which]):
            yield f"{sign} and {more} more of this kind ({kind})"


def _changed(change: dict[str, Any]) -> str:
    before, after = (_word(change[side]) for side in ("before", "after"))
    return f"{change['key']}: {before} → {after}"


def _word(value: object) -> str:
    return "(none)" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@app.command()
def show(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Print the effective configuration: all files together, every default applied, secrets as ***."""
    from notifier.app.loading.load import load_config
    from notifier.config.effective import as_dict, as_yaml

    data = as_dict(load_config(config_path(config), secrets_needed=False))
    if as_json:
        print_json(data)
        return
    typer.echo(as_yaml(data), nl=False)


@app.command()
def schema() -> None:
    """Print the JSON Schema of the configuration, for editors to complete keys and mark errors.

    `notifier init` writes it beside the configuration. After an update, renew it with `> config.schema.json`.
    """
    from notifier.config.edit.json_schema import json_schema

    print_json(json_schema())

"""What the commands share: where the configuration is, what their arguments mean, and how data is printed."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from notifier.core import times
from notifier.core.errors import UsageError
from notifier.core.snapshot.ids import flaw_of_id
from notifier.core.words import safe, span

if TYPE_CHECKING:
    from notifier.config.model import Config

DEFAULT_PATHS = (Path("config.yaml"), Path("/etc/notifier/config.yaml"))

CONFIG_HELP = "The configuration file; without it ./config.yaml, then /etc/notifier/config.yaml."


def _or_before_the_command(ctx: typer.Context, given: Path | None) -> Path | None:
    """What `--config` was given: after the command, else before it, else by the environment."""
    source = ctx.get_parameter_source("config")
    if source is not None and source.name == "COMMANDLINE":
        return given
    before: Path | None = ctx.find_root().params.get("config")
    return before or given


ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        envvar="NOTIFIER_CONFIG",
        callback=_or_before_the_command,
        help=CONFIG_HELP,
        readable=False,  # whoever reads it says why it cannot be read
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def config_path(given: Path | None) -> Path:
    """The configuration file to read.

    Raises:
        UsageError: none was named and none stands in the usual places.
    """
    if given is not None:
        return given
    for path in DEFAULT_PATHS:
        if path.exists():
            return path
    places = " and ".join(str(path) for path in DEFAULT_PATHS)
    raise UsageError(
        f"no configuration: looked for {places}. `notifier init` writes one to start from; --config names another."
    )


def configuration(given: Path | None) -> "Config":
    """The configuration for a command that needs no secrets, as far as it can be had.

    Where the files have errors, one line on standard error says so, and the command goes on with the configuration
    that the daemon took up last, or else with what is right of the files.

    Raises:
        ConfigurationRefused: nothing of it can be had.
    """
    from notifier.app.loading import load_leniently

    found = load_leniently(config_path(given))
    if found.warning:
        warn(found.warning)
    return found.config


def warn(text: str) -> None:
    """Say on standard error what is no reason to end."""
    typer.echo(f"warning: {text}", err=True)


def account_config(given: Path | None) -> Path | None:
    """The configuration file from which the API's token is taken; None where there is none, and a variable must do."""
    if given is not None:
        return given
    return next((path for path in DEFAULT_PATHS if path.exists()), None)


def checked_ids(argument: str, ids: Sequence[str]) -> list[str]:
    """The ids of snapshots or datasets as they were given, each once.

    Raises:
        UsageError: one cannot be an id; the text says what it looks like instead.
    """
    for each in ids:
        if flaw := flaw_of_id(each):
            raise UsageError(f"{argument}: {quoted(each)} cannot be an id: {flaw}")
    return list(dict.fromkeys(ids))


def checked_id(argument: str, text: str) -> str:
    """The one id that was given; see `checked_ids`."""
    return checked_ids(argument, [text])[0]


def quoted(text: str, longest: int = 60) -> str:
    """What a user gave, as an error may repeat it: in quotes, shortened, what is invisible in it escaped."""
    return repr(text if len(text) <= longest else f"{text[:longest]}…")


def watch_id(found: "Config", watch: str) -> str:
    """The id of the one watch that is meant by its id, its snapshot, its dataset or its name.

    Raises:
        UsageError: none is, or several are.
    """
    from notifier.core.delivery.routing import family

    names = {each.id: (each.id, each.snapshot_id, each.name) for each in found.watches}
    names |= {each.id: (each.id, each.dataset_id, each.name) for each in found.datasets}
    matching = [each for each, known in names.items() if watch in known]
    if any(each.id in family(watch)[1:] for each in found.datasets):
        matching.append(watch)  # a snapshot that the watch of a dataset found
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise UsageError(f"there is more than one watch {watch!r}; `notifier watch list` shows them, with their ids")
    from notifier.config.values.rules import did_you_mean

    near = did_you_mean(watch, frozenset(name for known in names.values() for name in known))
    raise UsageError(f"there is no watch {watch!r}{near or '; `notifier watch list` shows those there are'}")


def no_channel(name: str, known: Iterable[str]) -> UsageError:
    """The error that there is no channel of this name, with the one that was meant or those there are."""
    from notifier.config.values.rules import did_you_mean

    names = sorted(known)
    near = did_you_mean(name, frozenset(names)) or f"; there are: {', '.join(names) or 'none'}"
    return UsageError(f"there is no channel {quoted(name)}{near}")


def say_held(pause: timedelta) -> None:
    """Say on standard error why a request waits, if it waits for long enough to be wondered about."""
    if pause > timedelta(seconds=2):
        typer.echo(
            f"Bright Data asked for fewer requests: the daemon makes none for {span(pause)}, and this waits with it.",
            err=True,
        )


def duration_option(option: str, text: str | None) -> timedelta | None:
    """The duration that an option was given.

    Raises:
        UsageError: it is none.
    """
    from notifier.config.values.durations import parse

    try:
        return None if text is None else parse(text)
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from error


def earliest(since: str) -> datetime:
    """The time that lies as far back as `--since` says.

    Raises:
        UsageError: it is no duration.
    """
    back = duration_option("--since", since)
    assert back is not None
    return datetime.now(UTC) - back


def json_line(data: Any) -> None:
    """Print data as JSON on one line, at once, for programs that read along."""
    typer.echo(json.dumps(data, ensure_ascii=False, default=_plain))
    sys.stdout.flush()


def print_json(data: Any) -> None:
    """Print data as JSON; times as ISO 8601 in UTC."""
    typer.echo(json.dumps(data, ensure_ascii=False, indent=2, default=_plain))


def print_json_list(items: Iterable[Any]) -> None:
    """Print a list as JSON, an item at a time: however long it is, it takes no more memory than one."""
    began = False
    for item in items:
        text = json.dumps(item, ensure_ascii=False, indent=2, default=_plain).replace("\n", "\n  ")
        typer.echo(f",\n  {text}" if began else f"[\n  {text}", nl=False)
        began = True
    typer.echo("\n]" if began else "[]")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def iso(moment: datetime | None) -> str | None:
    """A time as ISO 8601 in UTC, to the millisecond."""
    return None if moment is None else times.iso(moment)


def when(moment: datetime | None, now: datetime) -> str:
    """A time for a table: "3 min ago" or "in 8 s" on a terminal, ISO 8601 elsewhere, "-" for none."""
    if moment is None:
        return "-"
    if not sys.stdout.isatty():
        return iso(moment) or "-"
    return f"{span(now - moment)} ago" if moment <= now else f"in {span(moment - now)}"


def print_fitted(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    same: Sequence[str],
    cut: Sequence[str],
    left_out: Sequence[str],
    styles: dict[str, str] | None = None,
) -> None:
    """Print a table with one line a row, without columns that say nothing new; see `fitting.fitted`.

    On a terminal it is fitted into the width; elsewhere nothing is cut or left out for want of room.
    """
    from notifier.cli.table_layout import GAP, fitted

    cells = [[safe(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        print_table(*fitted(columns, cells, sys.maxsize, same=same))
        return
    from rich.cells import cell_len
    from rich.console import Console
    from rich.text import Text

    console = Console(soft_wrap=True, highlight=False)
    names, shown = fitted(columns, cells, console.width, same=same, cut=cut, left_out=left_out)
    widths = [max(map(cell_len, each)) for each in zip(names, *shown, strict=True)]
    for row in ([*names], *shown):
        line = Text()
        for cell, width in zip(row, widths, strict=True):
            style = "bold" if row == names else (styles or {}).get(cell.split(" ")[0], "")
            line.append(cell, style=style)
            line.append(" " * (width - cell_len(cell) + GAP))
        line.rstrip()
        console.print(line, no_wrap=True, overflow="ignore", crop=False)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, styles: dict[str, str] | None = None) -> None:
    """Print a table: drawn and coloured on a terminal, plain aligned columns elsewhere.

    `styles` gives the colour of a cell by its text, such as a status.
    """
    cells = [[safe(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(header_style="bold")
        for column in columns:
            table.add_column(column, overflow="fold")  # an id that is cut cannot be copied
        for row in cells:
            table.add_row(*(Text(cell, style=(styles or {}).get(cell.split(" ")[0], "")) for cell in row))
        Console().print(table)
        return
    lines = [[column.upper() for column in columns], *cells]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    for line in lines:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def print_stream(columns: Sequence[str], rows: Iterable[Sequence[str]], *, widths: Sequence[int]) -> None:
    """Print a table a row at a time, however many rows there are; nothing if there is none.

    `widths` are those of all columns but the last, for which no width is needed.
    """
    padded = [max(width, len(column)) for width, column in zip(widths, columns, strict=False)] + [0]
    for number, row in enumerate(rows):
        for cells in ([column.upper() for column in columns], row) if number == 0 else (row,):
            typer.echo("  ".join(cell.ljust(width) for cell, width in zip(cells, padded, strict=True)).rstrip())

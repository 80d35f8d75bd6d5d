"""`notifier download`: streams the results of a snapshot into a file, which appears only when it is complete."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from notifier.cli import completion
from notifier.cli.arguments import checked_id, duration_option
from notifier.cli.options import ConfigOption, JsonOption, account_config
from notifier.cli.output import print_json, say_held, warn
from notifier.cli.wait import EVERY, TimeoutOption, wait_for
from notifier.core.errors import DownloadError
from notifier.core.words import count

if TYPE_CHECKING:
    from notifier.cli.api_session import ApiAccess
    from notifier.downloads.request import Downloaded, DownloadRequest, Progress


class FileFormat(StrEnum):
    """What `--format` takes; `downloads.request.Format` has the same values, and is heavy to import."""

    JSON = "json"
    NDJSON = "ndjson"
    JSONL = "jsonl"
    CSV = "csv"


def download(
    snapshot: Annotated[
        str, typer.Argument(metavar="SNAPSHOT", help="The snapshot.", autocompletion=completion.snapshot)
    ],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder of the file; it must exist.")] = Path(),
    file_format: Annotated[FileFormat, typer.Option("--format", help="The format of the records.")] = FileFormat.JSON,
    compress: Annotated[bool, typer.Option("--compress", help="Compress it with gzip.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an existing file with other content, or a link.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the snapshot is ready.")] = False,
    timeout: TimeoutOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Download the results of a ready snapshot into DIR/SNAPSHOT.json (.ndjson, .csv; .gz).

    The file appears when it has as many records as Bright Data counts. After an interruption, the same command
    continues with the parts that arrived complete. The limits are 64 MiB a record and 5 GiB an answer.

    Exit status: 0 downloaded, 1 failed, 3 no such snapshot, 4 not authorised; with --wait also those of
    `notifier wait`.
    """
    from notifier.cli.api_session import access_of
    from notifier.downloads.request import DownloadRequest, Format

    snapshot = checked_id("SNAPSHOT", snapshot)
    limit = duration_option("--timeout", timeout)
    access = access_of(account_config(config), os.environ, warn)
    if wait:
        every = duration_option("--every", EVERY)
        assert every is not None
        with _stdout_to_stderr(as_json):
            status = wait_for(access, [snapshot], every=every, timeout=limit, config=config)
        if status:
            raise typer.Exit(status)
    done = _fetch(
        access,
        DownloadRequest(snapshot_id=snapshot, folder=to, format=Format(file_format), compress=compress, force=force),
        quiet=as_json,
    )
    if as_json:
        print_json(
            {
                "snapshot": snapshot,
                "path": str(done.path.absolute()),
                "records": done.records,
                "bytes": done.size,
                "new": done.new,
            }
        )
    else:
        was = "" if done.new else ", already there"
        typer.echo(f"{done.path}: {count(done.records, 'record')}, {done.size:,} bytes{was}")


def _fetch(access: "ApiAccess", wanted: "DownloadRequest", *, quiet: bool) -> "Downloaded":
    import asyncio

    from notifier.cli.api_session import opened
    from notifier.downloads.downloader import Downloader

    async def fetch(report: "Callable[[Progress], None]") -> "Downloaded":
        async with opened(access, say_held) as account:
            return await Downloader(observer=account.client, results=account.results).fetch(wanted, report)

    try:
        with _bar(wanted.snapshot_id, quiet) as report:
            return asyncio.run(fetch(report))
    except DownloadError as error:
        if not error.in_the_way:
            raise
        raise DownloadError(error.trouble, f"{error}; --force replaces it") from error
    except KeyboardInterrupt:
        typer.echo("\nStopped. Run the same command again to continue after the last complete part.", err=True)
        raise typer.Exit(130) from None


@contextmanager
def _bar(snapshot_id: str, quiet: bool) -> "Iterator[Callable[[Progress], None]]":
    """Show the progress: a bar on a terminal, elsewhere a line for each pause and its reason."""
    if quiet or not sys.stderr.isatty():
        last = ""

        def say(progress: "Progress") -> None:
            nonlocal last
            if progress.waits_for and progress.waits_for != last and not quiet:
                typer.echo(f"{snapshot_id}: {progress.waits_for}", err=True)
            last = progress.waits_for

        yield say
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(snapshot_id, total=None, said="")

        def show(progress: "Progress") -> None:
            of = "" if progress.of is None else f" of {progress.of:,}"
            said = progress.waits_for or f"{progress.records:,}{of} records, {progress.size / 1e6:,.1f} MB"
            bar.update(task, completed=progress.records, total=progress.of, said=said)

        yield show


@contextmanager
def _stdout_to_stderr(wanted: bool) -> Iterator[None]:
    """Send the output of waiting to standard error, so that standard output is one JSON document."""
    if not wanted:
        yield
        return
    stdout, sys.stdout = sys.stdout, sys.stderr
    try:
        yield
    finally:
        sys.stdout = stdout

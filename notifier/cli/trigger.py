"""`notifier trigger`: starts a collection once, and watches it."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from notifier.cli import completion
from notifier.cli.arguments import checked_id, duration_option, no_channel
from notifier.cli.options import ConfigOption, JsonOption, account_config
from notifier.cli.output import print_json, say_held, warn
from notifier.cli.trigger_request import (
    InputFormatOption,
    TriggerRequest,
    check_urls,
    options_of,
    print_request,
    read,
    with_notify,
)
from notifier.cli.trigger_texts import fault_lines, refusal_as_data, summary
from notifier.cli.wait import EVERY, TimeoutOption, wait_for
from notifier.core.errors import NotifierError, UsageError
from notifier.telemetry.redaction import EVERY_SECRET

if TYPE_CHECKING:
    from notifier.brightdata.datasets.trigger import NotKnown, NotStarted, Started
    from notifier.cli.api_session import ApiAccess
    from notifier.config.edit.watch_file import WatchFolder


def trigger(
    dataset: Annotated[
        str,
        typer.Argument(
            metavar="DATASET",
            help="The dataset (gd_…) to collect.",
            autocompletion=completion.dataset,
        ),
    ],
    inputs: Annotated[
        str,
        typer.Option("--input", metavar="FILE", help="JSON, NDJSON or CSV, up to 64 MiB; `-` is standard input."),
    ],
    file_format: Annotated[
        InputFormatOption | None,
        typer.Option("--format", help="Of the input, instead of what its name or content says."),
    ] = None,
    type_: Annotated[str | None, typer.Option("--type", help="The API's `type`, such as discover_new.")] = None,
    discover_by: Annotated[str | None, typer.Option("--discover-by", help="The API's `discover_by`.")] = None,
    limit_per_input: Annotated[int | None, typer.Option("--limit-per-input", min=1, help="Records per input.")] = None,
    limit: Annotated[int | None, typer.Option("--limit-multiple-results", min=1, help="Records in total.")] = None,
    include_errors: Annotated[bool, typer.Option("--include-errors", help="Include errors as records.")] = False,
    notify_url: Annotated[
        str | None,
        typer.Option("--notify-url", metavar="URL", help="The API's `notify`: Bright Data posts there at the end."),
    ] = None,
    no_notify: Annotated[
        bool,
        typer.Option(
            "--no-notify", help="Ask for no hint, which is asked for where `http: public_url:` and `hooks:` are set."
        ),
    ] = False,
    endpoint: Annotated[
        str | None,
        typer.Option("--endpoint", metavar="URL", help="The API's `endpoint`: Bright Data posts the data there."),
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option("--param", metavar="KEY=VALUE", help="Any other query parameter; may be repeated."),
    ] = None,
    scrape: Annotated[
        bool, typer.Option("--scrape", help="Wait up to a minute for the data and print it; else watch the collection.")
    ] = False,
    watch: Annotated[bool, typer.Option("--watch/--no-watch", help="Add a watch for the collection.")] = True,
    name: Annotated[str | None, typer.Option("--name", help="The name of the watch.")] = None,
    notify: Annotated[
        list[str] | None,
        typer.Option(
            "--notify",
            metavar="CHANNEL",
            help="A channel of the watch; by default those of `defaults:`.",
            autocompletion=completion.channel,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything and print what would be sent, without sending it.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Then wait for the collection, as `notifier wait` does.")
    ] = False,
    timeout: TimeoutOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Start a collection and watch it, by a file of its own in a folder that `include:` names.

    A collection is billed, so the request is sent once and never repeated. If no answer comes, the command says how to
    find out whether it was started. Everything is checked before, and a summary is printed on standard error.

    Exit status: 0 it was started, or the data came; 1 it was not, or no records came; 4 not authorised; with --wait
    also those of `notifier wait`.
    """
    from notifier.cli.api_session import access_of

    dataset = checked_id("DATASET", dataset)
    collected = read(inputs, file_format)
    check_urls(notify_url=notify_url, endpoint=endpoint)
    options = options_of(
        {
            "type": type_,
            "discover_by": discover_by,
            "limit_per_input": limit_per_input,
            "limit_multiple_results": limit,
            "include_errors": "true" if include_errors else None,
            "notify": notify_url,
            "endpoint": endpoint,
        },
        param or (),
    )
    limit_of_wait = duration_option("--timeout", timeout)
    found = account_config(config)
    access = access_of(found, os.environ, warn)
    if not scrape and not no_notify:
        options = with_notify(options, access.hint_url)
    folder = _folder(found, name, notify or ()) if watch else None
    request = TriggerRequest(dataset=dataset, inputs=collected, options=options, scrape=scrape)
    if dry_run:
        print_request(access, request, as_json)
        return
    typer.echo(f"{summary(collected)}.", err=True)
    started = _ask(access, request, as_json)
    if started is None:
        return  # the data came, and there is nothing to watch
    if not as_json:
        typer.echo(started)
    path, refused, unknown = None, "", ""
    if folder is not None:
        path, since = _watch(folder, started, name, notify or ())
        refused, unknown = _daemon_verdict(found, access, path, since)
        path = path if path.exists() else None
    if as_json:
        print_json(
            {
                "snapshot": started,
                "dataset": dataset,
                "inputs": collected.number,
                "fields": list(collected.fields),
                "left_out": collected.left_out,
                "watch": path and str(path),
            }
        )
    elif path is not None:
        typer.echo(f"Started; watched by {path}", err=True)
    if unknown:
        typer.echo(f"warning: {unknown}", err=True)
    if refused:
        typer.echo(f"notifier: {started} was started, but it is not watched: {refused}", err=True)
    if wait:
        every = duration_option("--every", EVERY)
        assert every is not None
        sys.stdout.flush()
        if status := wait_for(access, [started], every=every, timeout=limit_of_wait, as_json=as_json, config=config):
            raise typer.Exit(status)
    if refused:
        raise typer.Exit(1)


def _folder(config: Path | None, name: str | None, notify: Sequence[str]) -> "WatchFolder":
    from notifier.app.loading.load import load_config
    from notifier.config.edit.watch_file import NewWatch, WatchFolder, entry_errors

    if config is None:
        raise UsageError("there is no configuration to add a watch to: name one with --config, or use --no-watch")
    channels = load_config(config, secrets_needed=False).channels
    unknown = next((each for each in notify if each not in channels), None)
    if unknown is not None:
        raise UsageError(f"--notify: {no_channel(unknown, channels)}")
    if wrong := entry_errors(NewWatch(snapshot_id="sd_any", name=name), frozenset(channels)):
        raise UsageError("\n".join(f"--{each}" for each in wrong))
    folder = WatchFolder(config, os.environ)
    if not notify and not folder.has_default_notify:
        raise UsageError(
            f"the watch would notify no channel: add --notify CHANNEL, or `notify:` under `defaults:` in {config}"
        )
    return folder


def _watch(folder: "WatchFolder", snapshot_id: str, name: str | None, notify: Sequence[str]) -> tuple[Path, datetime]:
    from notifier.config.edit.watch_file import NewWatch

    try:
        return folder.write(NewWatch(snapshot_id=snapshot_id, name=name, notify=notify))
    except NotifierError as error:
        raise NotifierError(f"{snapshot_id} was started, but it is not watched: {error}") from error


def _daemon_verdict(config: Path | None, access: "ApiAccess", path: Path, since: datetime) -> tuple[str, str]:
    """Return why the daemon refuses the new watch, whose file is then removed, and why it has not loaded it yet."""
    from notifier.cli.daemon_confirmation import not_yet, wait_until_loaded, withdraw

    if config is None or access.database is None:
        return "", ""
    seen = wait_until_loaded(config, access.database, None, since)
    if not seen["refused"]:
        return "", not_yet(seen) if seen["runs"] and not seen["taken_up"] else ""
    removed = f"{path} was removed again, because " if withdraw(path, seen) else ""
    return "\n".join([f"{removed}the running daemon refuses it:", *seen["refused"]]), ""


def _ask(access: "ApiAccess", request: TriggerRequest, as_json: bool) -> str | None:
    """Return the id of the snapshot; None if the data came at once and was printed."""
    import asyncio

    try:
        answer = asyncio.run(_scrape(access, request) if request.scrape else _trigger(access, request))
    except KeyboardInterrupt:
        raise _not_known(access, request, "you stopped it before the answer came") from None
    return None if answer is None else _snapshot_of(access, request, answer, as_json)


async def _trigger(access: "ApiAccess", request: TriggerRequest) -> "Started | NotStarted | NotKnown":
    from notifier.cli.api_session import opened

    async with opened(access, say_held) as account:
        return await account.collector.trigger(request.dataset, request.inputs, request.options)


async def _scrape(access: "ApiAccess", request: TriggerRequest) -> "Started | NotStarted | NotKnown | None":
    from notifier.brightdata.datasets.records import InvalidRecords
    from notifier.brightdata.datasets.results import ResultStream, StreamBroken
    from notifier.brightdata.datasets.trigger import NoRecords
    from notifier.cli.api_session import opened

    async with opened(access, say_held) as account:
        async with account.collector.scrape(request.dataset, request.inputs, request.options) as answer:
            if isinstance(answer, NoRecords):
                sys.stdout.buffer.write(answer.body)
                sys.stdout.buffer.flush()
                raise NotifierError("Bright Data answered with no records")
            if not isinstance(answer, ResultStream):
                return answer
            try:
                async for piece in answer.pieces():
                    sys.stdout.buffer.write(piece)
            except (StreamBroken, InvalidRecords) as error:
                raise NotifierError(f"the data broke off, and the output is incomplete: {error}") from error
            finally:
                with suppress(BrokenPipeError):
                    sys.stdout.buffer.flush()
            return None


def _snapshot_of(
    access: "ApiAccess", request: TriggerRequest, answer: "Started | NotStarted | NotKnown", as_json: bool
) -> str:
    from notifier.brightdata.datasets.trigger import NotStarted, Started
    from notifier.core.snapshot.model import Reason

    match answer:
        case Started(snapshot_id=snapshot_id):
            return snapshot_id
        case NotStarted(unclear=unclear):
            if as_json:
                print_json(EVERY_SECRET.of(refusal_as_data(request.dataset, answer)))
            lines = [f"nothing was started: {unclear.detail}", *fault_lines(answer.faults)]
            error = NotifierError(EVERY_SECRET("\n".join(lines)))
            if unclear.reason in (Reason.UNAUTHORISED, Reason.FORBIDDEN):
                error.exit_status = 4
            raise error
        case _:
            raise _not_known(access, request, answer.unclear.detail)


def _not_known(access: "ApiAccess", request: TriggerRequest, why: str) -> NotifierError:
    from urllib.parse import urlencode

    today = datetime.now(UTC).date().isoformat()
    query = urlencode({"dataset_id": request.dataset, "from_date": today})
    why = EVERY_SECRET(why)
    return NotifierError(
        f"it is not known whether a collection was started, and it would be billed: {why}\n"
        "Before you start it again, list today's snapshots:\n"
        f'  curl -H "Authorization: Bearer $BRIGHTDATA_API_KEY" "{access.api.base_url}/datasets/v3/snapshots?{query}"\n'
        "and wait for the one that you find: notifier wait SNAPSHOT"
    )

"""`notifier trigger`: starts a collection, once, and watches it."""

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from notifier.cli import completion
from notifier.cli.common import (
    ConfigOption,
    JsonOption,
    account_config,
    checked_id,
    duration_option,
    no_channel,
    print_json,
    say_held,
)
from notifier.cli.wait import EVERY, TimeoutOption, wait_for
from notifier.core.errors import NotifierError, UsageError
from notifier.core.words import count

if TYPE_CHECKING:
    from notifier.account import Access
    from notifier.brightdata.collect import NotKnown, NotStarted, Started
    from notifier.brightdata.inputs import Inputs
    from notifier.config.dropin import Folder


class InputFormat(StrEnum):
    """What `--format` takes; `inputs.InputFormat` is the same."""

    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"


def trigger(
    dataset: Annotated[
        str,
        typer.Argument(
            metavar="DATASET",
            help="The dataset (gd_…) whose collector is to run.",
            autocompletion=completion.dataset,
        ),
    ],
    inputs: Annotated[str, typer.Option("--input", metavar="FILE", help="JSON, NDJSON or CSV; `-` is standard input.")],
    file_format: Annotated[
        InputFormat | None, typer.Option("--format", help="Of the input, instead of what its name or content says.")
    ] = None,
    type_: Annotated[str | None, typer.Option("--type", help="The API's `type`, such as discover_new.")] = None,
    discover_by: Annotated[str | None, typer.Option("--discover-by", help="The API's `discover_by`.")] = None,
    limit_per_input: Annotated[int | None, typer.Option("--limit-per-input", min=1, help="Records of each.")] = None,
    limit: Annotated[int | None, typer.Option("--limit-multiple-results", min=1, help="Records in all.")] = None,
    include_errors: Annotated[bool, typer.Option("--include-errors", help="Errors come as records too.")] = False,
    notify_url: Annotated[
        str | None, typer.Option("--notify-url", metavar="URL", help="The API's `notify`: it posts there at the end.")
    ] = None,
    endpoint: Annotated[
        str | None, typer.Option("--endpoint", metavar="URL", help="The API's `endpoint`: it posts the data there.")
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option("--param", metavar="KEY=VALUE", help="Any other parameter of the API's query.")
    ] = None,
    scrape: Annotated[
        bool, typer.Option("--scrape", help="Wait for the data: printed if it comes within a minute, else watched.")
    ] = False,
    watch: Annotated[bool, typer.Option("--watch/--no-watch", help="Add a watch for it to the configuration.")] = True,
    name: Annotated[str | None, typer.Option("--name", help="The name of the watch.")] = None,
    notify: Annotated[
        list[str] | None,
        typer.Option(
            "--notify",
            metavar="CHANNEL",
            help="Whom the watch tells; the default without.",
            autocompletion=completion.channel,
        ),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Then wait for it, as `notifier wait` does.")] = False,
    timeout: TimeoutOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Start a collection and watch it: its watch is a file of its own in a folder that `include:` names.

    A collection is billed, so it is asked for once and never again by itself: when no answer comes, this says so, and
    how to look. Everything else is checked before.
    """
    from notifier.account import access_of

    dataset = checked_id("DATASET", dataset)
    read = _read(inputs, file_format)
    options = _options(
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
    access = access_of(found, os.environ)
    folder = _folder(found, notify or ()) if watch else None
    started = _ask(access, _Request(dataset=dataset, inputs=read, options=options, scrape=scrape))
    if started is None:
        return  # the data came, and there is nothing to watch
    if not as_json:
        typer.echo(started)
    began = datetime.now(UTC)
    path = _watch(folder, started, name, notify or ()) if folder is not None else None
    refused = _refused(found, access, path, began)
    path = path if path is not None and path.exists() else None
    if as_json:
        print_json({"snapshot": started, "dataset": dataset, "inputs": read.number, "watch": path and str(path)})
    elif path is not None:
        typer.echo(f"{count(read.number, 'input')} sent; watched by {path}", err=True)
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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Request:
    dataset: str
    inputs: "Inputs"
    options: Mapping[str, str]
    scrape: bool


def _read(name: str, file_format: InputFormat | None) -> "Inputs":
    from notifier.brightdata.inputs import LARGEST, InputFormat, read_inputs

    try:
        if name == "-":
            content = sys.stdin.buffer.read(LARGEST + 1)
        else:
            with Path(name).open("rb") as file:
                content = file.read(LARGEST + 1)
    except OSError as error:
        raise UsageError(f"--input: {name}: {error.strerror or error}") from error
    shown = "standard input" if name == "-" else name
    if len(content) > LARGEST:
        raise UsageError(f"--input: {shown} is larger than {LARGEST // 1024**2} MiB: start several collections")
    try:
        return read_inputs(content, name=name, kind=InputFormat(file_format) if file_format else None)
    except ValueError as error:
        raise UsageError(f"--input: {shown}: {error}") from error


def _options(known: Mapping[str, object | None], further: Sequence[str]) -> dict[str, str]:
    options = {key: str(value) for key, value in known.items() if value is not None}
    for text in further:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"--param: {text!r} is not KEY=VALUE, as in format=ndjson")
        options[key.strip()] = value
    return options


def _folder(config: Path | None, notify: Sequence[str]) -> "Folder":
    from notifier.config.dropin import Folder
    from notifier.loading import load_config

    if config is None:
        raise UsageError("there is no configuration to add a watch to: name one with --config, or say --no-watch")
    channels = load_config(config, secrets_needed=False).channels
    unknown = next((each for each in notify if each not in channels), None)
    if unknown is not None:
        raise UsageError(f"--notify: {no_channel(unknown, channels)}")
    folder = Folder(config, os.environ)
    if not notify and not folder.tells_somebody:
        raise UsageError(f"nobody would be told: say --notify CHANNEL, or add `notify:` under `defaults:` in {config}")
    return folder


def _watch(folder: "Folder", snapshot_id: str, name: str | None, notify: Sequence[str]) -> Path:
    from notifier.config.dropin import Entry

    try:
        return folder.write(Entry(snapshot_id=snapshot_id, name=name, notify=notify))
    except NotifierError as error:
        raise NotifierError(f"{snapshot_id} was started, but it is not watched: {error}") from error


def _refused(config: Path | None, access: "Access", path: Path | None, began: datetime) -> str:
    """Why the running daemon refuses the file of the new watch, which is removed then; empty if it does not."""
    from notifier.cli.taking_up import taken_up, withdraw

    if path is None or config is None or access.database is None:
        return ""
    seen = taken_up(config, access.database, None, began)
    removed = f"{path} was removed again, because " if withdraw(path, seen) else ""
    return "\n".join([f"{removed}the running daemon refuses it:", *seen["refused"]]) if seen["refused"] else ""


def _ask(access: "Access", request: _Request) -> str | None:
    """The id of the snapshot; None if the data came at once, and was printed."""
    import asyncio

    try:
        answer = asyncio.run(_scrape(access, request) if request.scrape else _trigger(access, request))
    except KeyboardInterrupt:
        raise _not_known(access, request, "you stopped it before the answer came") from None
    return None if answer is None else _snapshot_of(access, request, answer)


async def _trigger(access: "Access", request: _Request) -> "Started | NotStarted | NotKnown":
    from notifier.account import opened

    async with opened(access, say_held) as account:
        return await account.collector.trigger(request.dataset, request.inputs, request.options)


async def _scrape(access: "Access", request: _Request) -> "Started | NotStarted | NotKnown | None":
    from notifier.account import opened
    from notifier.brightdata.records import NotRecords
    from notifier.brightdata.results import BrokenOff, Data

    async with opened(access, say_held) as account:
        async with account.collector.scrape(request.dataset, request.inputs, request.options) as answer:
            if not isinstance(answer, Data):
                return answer
            try:
                async for piece in answer.pieces():
                    sys.stdout.buffer.write(piece)
            except (BrokenOff, NotRecords) as error:
                raise NotifierError(f"the data broke off, what was printed is not whole: {error}") from error
            finally:
                with suppress(BrokenPipeError):
                    sys.stdout.buffer.flush()
            return None


def _snapshot_of(access: "Access", request: _Request, answer: "Started | NotStarted | NotKnown") -> str:
    from notifier.brightdata.collect import NotStarted, Started
    from notifier.core.model import Reason

    match answer:
        case Started(snapshot_id=snapshot_id):
            return snapshot_id
        case NotStarted(unclear=unclear):
            error = NotifierError(f"nothing was started: {unclear.detail}")
            if unclear.reason in (Reason.UNAUTHORISED, Reason.FORBIDDEN):
                error.exit_status = 4
            raise error
        case _:
            raise _not_known(access, request, answer.unclear.detail)


def _not_known(access: "Access", request: _Request, why: str) -> NotifierError:
    from urllib.parse import urlencode

    today = datetime.now(UTC).date().isoformat()
    query = urlencode({"dataset_id": request.dataset, "from_date": today})
    return NotifierError(
        f"it is not known whether a collection was started, and it would be billed: {why}\n"
        "Before you start it again, look at what there is since today:\n"
        f'  curl -H "Authorization: Bearer $BRIGHTDATA_API_KEY" "{access.api.base_url}/datasets/v3/snapshots?{query}"\n'
        "and follow what you find with: notifier wait SNAPSHOT"
    )

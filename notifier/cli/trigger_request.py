"""The request of `notifier trigger`: reads it from a file and options, checks it, and prints it for --dry-run."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from notifier.cli.arguments import quoted
from notifier.cli.output import print_json
from notifier.cli.trigger_texts import summary
from notifier.core.errors import UsageError
from notifier.core.words import safe
from notifier.telemetry.redaction import EVERY_SECRET

if TYPE_CHECKING:
    from notifier.brightdata.datasets.inputs import Inputs
    from notifier.cli.api_session import ApiAccess


class InputFormatOption(StrEnum):
    """What `--format` takes; `brightdata.datasets.inputs.InputFormat` is the same."""

    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"


@dataclass(frozen=True, kw_only=True, slots=True)
class TriggerRequest:
    """A request to trigger a collection. `options` are parameters of the query, by the API's names."""

    dataset: str
    inputs: "Inputs"
    options: Mapping[str, str]
    scrape: bool


def read(name: str, file_format: InputFormatOption | None) -> "Inputs":
    """Read the inputs from a file.

    Raises:
        UsageError: it cannot be read, or holds no inputs; the text says where, and what to do.
    """
    from notifier.brightdata.datasets.input_place import InvalidInput
    from notifier.brightdata.datasets.inputs import LARGEST, InputFormat, read_inputs

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
        raise UsageError(
            f"--input: {shown} is larger than {LARGEST // 1024**2} MiB: split it, and start several collections"
        )
    try:
        return read_inputs(content, name=name, kind=InputFormat(file_format) if file_format else None)
    except InvalidInput as misfit:
        raise UsageError(f"--input: {misfit.in_file(shown)}") from misfit


def check_urls(**urls: str | None) -> None:
    """Check that each option, by its name with underscores, is a URL.

    Raises:
        UsageError: one is not.
    """
    for option, url in urls.items():
        if url is not None and not url.startswith(("https://", "http://")):
            raise UsageError(f"--{option.replace('_', '-')}: {quoted(url)} is no URL: write it with https://")


def options_of(known: Mapping[str, object | None], further: Sequence[str]) -> dict[str, str]:
    """Return the parameters of the query: those with an option of their own, and further ones as KEY=VALUE.

    Raises:
        UsageError: one is malformed, given twice, or the dataset.
    """
    options = {key: str(value) for key, value in known.items() if value is not None}
    for text in further:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"--param: {text!r} is not KEY=VALUE, as in format=ndjson")
        if _folded(key) == "dataset_id":
            raise UsageError("--param: name the dataset by the argument DATASET only")
        if _folded(key) in map(_folded, options):
            raise UsageError(f"--param: {key.strip()} is given twice")
        options[key.strip()] = value
    for key, value in options.items():
        if any("\ud800" <= char <= "\udfff" for char in key + value):
            raise UsageError(f"{quoted(f'{key}={value}')} has bytes in it that are not UTF-8")
    return options


def with_notify(options: Mapping[str, str], hint_url: str | None) -> dict[str, str]:
    """Return the parameters with `notify`, so that Bright Data sends a hint, unless they have it or there is no URL."""
    if hint_url is None or "notify" in map(_folded, options):
        return dict(options)
    return {**options, "notify": hint_url}


def _folded(key: str) -> str:
    """Return a key for comparison: `Dataset-ID` counts as `dataset_id`."""
    return key.strip().casefold().replace("-", "_")


def print_request(access: "ApiAccess", request: TriggerRequest, as_json: bool) -> None:
    """Print what would be sent."""
    from notifier.brightdata.datasets.trigger import SCRAPE, TRIGGER

    read = request.inputs
    query = EVERY_SECRET.of({"dataset_id": request.dataset, **request.options})
    url = f"{access.api.base_url}{SCRAPE if request.scrape else TRIGGER}"
    if as_json:
        print_json(
            {
                "dry_run": True,
                "dataset": request.dataset,
                "url": url,
                "query": query,
                "content_type": read.content_type,
                "bytes": len(read.body),
                "inputs": read.number,
                "fields": list(read.fields),
                "left_out": read.left_out,
                "first": dict(read.entries[0]),
            }
        )
        return
    from urllib.parse import urlencode

    typer.echo(f"Nothing was sent. It would be {summary(read)}.")
    typer.echo(f"POST {url}?{urlencode(query, safe='*')}")
    typer.echo(f"Content-Type: {read.content_type}, {len(read.body):,} bytes")
    typer.echo(f"The first input: {safe(json.dumps(dict(read.entries[0]), ensure_ascii=False))[:1_000]}")

"""The simulated endpoints for progress, listings and triggers, with answers as documented."""

import csv
import io
import json
from collections.abc import Mapping
from datetime import date
from urllib.parse import unquote

from starlette.responses import Response

from notifier.brightdata.simulator.account import Account, Snapshot
from notifier.brightdata.simulator.listener import Request
from notifier.brightdata.simulator.replies import NO_SUCH_PAGE, as_html, as_json, as_json_array, as_text

PROGRESS = "/datasets/v3/progress/"
SNAPSHOTS = "/datasets/v3/snapshots"
TRIGGER = "/datasets/v3/trigger"
SCRAPE = "/datasets/v3/scrape"
SNAPSHOT = "/datasets/v3/snapshot/"

LISTED_BY_DEFAULT = 1_000
MOST_LISTED = 5_000
LARGEST_INPUT = 16 * 1024 * 1024
LISTED_STATUSES = ("starting", "running", "ready", "failed")
"""The values of the documented `status` filter, which has no `canceled`."""


class BadRequest(Exception):
    """The request gets a 400 with this text."""


def kind_of(raw_path: str) -> str:
    """Returns the name of an endpoint: progress, snapshots, trigger, scrape, download, parts, cancel or other."""
    if raw_path.startswith(PROGRESS):
        return "progress"
    path = raw_path.partition("?")[0]
    if path.startswith(SNAPSHOT):
        _, slash, what = path[len(SNAPSHOT) :].partition("/")
        return (what if what in ("parts", "cancel") else "other") if slash else "download"
    return {SNAPSHOTS: "snapshots", TRIGGER: "trigger", SCRAPE: "scrape"}.get(path, "other")


async def answer(account: Account, kind: str, request: Request, *, stale: bool = False) -> Response:
    """Returns the correct answer to a request of this kind; a `stale` list is as of its first request."""
    try:
        if kind == "progress" and request.method == "GET":
            return progress(account, request.raw_path)
        if kind == "snapshots" and request.method == "GET":
            return as_json_array(listing(account, request.query_params, stale=stale))
        if kind == "trigger" and request.method == "POST":
            return as_json({"snapshot_id": (await trigger(account, request)).id})
    except BadRequest as error:
        return as_json({"error": str(error)}, 400)
    return as_html(NO_SUCH_PAGE, 404)


def progress(account: Account, raw_path: str) -> Response:
    """Answers `GET /datasets/v3/progress/{snapshot_id}`; the id is one segment, unquoted once."""
    segment = raw_path[len(PROGRESS) :].partition("?")[0]
    if not segment or "/" in segment:
        return as_html(NO_SUCH_PAGE, 404)
    snapshot_id = unquote(segment)
    if snapshot_id in account.refused:
        raise BadRequest("this snapshot cannot be asked for")
    found = account.progress(snapshot_id)
    if found is not None:
        return as_json(found)
    if snapshot_id in account:
        return as_text("Snapshot does not exist", 404)
    return as_json({"error": "Snapshot not found"}, 404)


def listing(account: Account, query: Mapping[str, str], *, stale: bool = False) -> list[str]:
    """Answers `GET /datasets/v3/snapshots` with one page, each of its snapshots as JSON.

    Raises:
        BadRequest: a parameter is missing or not valid.
    """
    status = query.get("status")
    if status is not None and status not in LISTED_STATUSES:
        raise BadRequest(f"status must be one of {', '.join(LISTED_STATUSES)}")
    if query.get("trigger_type", "ALL") not in ("ALL", "API", "CP"):
        raise BadRequest("trigger_type must be one of ALL, CP, API")
    dataset_id = dataset(query)
    page = account.listing(
        dataset_id,
        status=status,
        skip=number(query, "skip", 0, 10**9),
        limit=number(query, "limit", LISTED_BY_DEFAULT, MOST_LISTED),
        from_date=_date(query, "from_date"),
        to_date=_date(query, "to_date"),
        stale=stale,
    )
    return [] if query.get("trigger_type") == "CP" else page


async def trigger(account: Account, request: Request) -> Snapshot:
    """Answers `POST /datasets/v3/trigger`: starts a snapshot with the queued life, or one that the seed determines.

    Raises:
        BadRequest: there is no dataset, or no valid input.
    """
    dataset_id = dataset(request.query_params)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_INPUT:
            raise BadRequest("the input is too large")
    if not inputs(request.content_type, bytes(body)):
        raise BadRequest("the input holds nothing to collect")
    started = account.trigger(dataset_id)
    account.started(started, request.query_params)
    return started


def inputs(content_type: str, body: bytes) -> list[object]:
    """Parses the inputs of a collection: a JSON array, `{"input": [...]}`, or CSV with a header line.

    Raises:
        BadRequest: it is none of these.
    """
    try:
        text = body.decode("utf-8-sig")
        if content_type == "text/csv":
            return list(csv.DictReader(io.StringIO(text), strict=True))
        read = json.loads(text)
    except (ValueError, RecursionError, csv.Error) as error:
        raise BadRequest(f"the input cannot be read: {type(error).__name__}") from error
    if isinstance(read, dict):
        read = read.get("input")
    if not isinstance(read, list) or not all(isinstance(one, dict) for one in read):
        raise BadRequest("the input must be an array of objects")
    return read


def dataset(query: Mapping[str, str]) -> str:
    """Returns the dataset of a request.

    Raises:
        BadRequest: there is none.
    """
    dataset_id = query.get("dataset_id", "")
    if not dataset_id:
        raise BadRequest("dataset_id is required")
    return dataset_id


def number(query: Mapping[str, str], key: str, default: int, highest: int) -> int:
    """Returns a whole number from the query.

    Raises:
        BadRequest: it is not a number, or too high.
    """
    text = query.get(key)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 12 and int(text) <= highest):
        raise BadRequest(f"{key} must be a number from 0 to {highest}")
    return int(text)


def _date(query: Mapping[str, str], key: str) -> date | None:
    text = query.get(key)
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadRequest(f"{key} must be a date, as in 2026-11-07") from None

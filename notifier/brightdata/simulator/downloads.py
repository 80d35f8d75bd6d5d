"""The simulated endpoints for results: download, parts, cancel and scrape."""

from urllib.parse import unquote

from starlette.responses import Response

from notifier.brightdata.simulator import faulty_results, results
from notifier.brightdata.simulator.account import Account
from notifier.brightdata.simulator.endpoints import SNAPSHOT, BadRequest, number, trigger
from notifier.brightdata.simulator.faults import Fault
from notifier.brightdata.simulator.listener import Request
from notifier.brightdata.simulator.replies import NO_SUCH_PAGE, as_html, as_json, as_text, streamed
from notifier.brightdata.simulator.results import ResultsState, Selection

SCRAPED_WITHIN_S = 60.0
"""A collection that takes no longer answers a scrape with its data, which the simulator sends at once."""

TOO_MANY_PARTS = 1_000_000


async def answer(
    account: Account, kind: str, request: Request, *, retry_after: int, fault: Fault | None = None
) -> Response:
    """Returns the answer to a request of the kind download, parts, cancel or scrape.

    Args:
        retry_after: whole seconds in the `Retry-After` of a 202.
        fault: one of those that `faults.IN_RESULTS` names for the kind.
    """
    try:
        if kind == "scrape" and request.method == "POST":
            return await _scrape(account, request, retry_after, fault)
        segment = request.raw_path[len(SNAPSHOT) :].partition("?")[0].partition("/")[0]
        if kind == "cancel" and request.method == "POST" and segment:
            return _cancel(account, unquote(segment))
        if kind in ("download", "parts") and request.method == "GET" and segment:
            return await _download(account, unquote(segment), request, kind, retry_after, fault)
    except BadRequest as error:
        return as_json({"error": str(error)}, 400)
    return as_html(NO_SUCH_PAGE, 404)


async def _download(
    account: Account, snapshot_id: str, request: Request, kind: str, retry_after: int, fault: Fault | None
) -> Response:
    selection = _selection(request)
    found = account.results(snapshot_id)
    if (refusal := _refusal(found, retry_after)) is not None:
        return refusal
    if fault is Fault.BUILDING:
        return _building(200, retry_after)
    if fault is Fault.NOT_READY:
        return as_json({"error": "Snapshot is not ready"}, 400)
    parts = selection.parts(found.records)
    if kind == "parts":
        return as_json({"parts": TOO_MANY_PARTS if fault is Fault.MANY_PARTS else parts})
    if selection.part is not None and not 1 <= selection.part <= parts:
        return as_text("Part does not exist", 400)
    return _data(request, selection, found.seed, found.records, fault)


def _data(request: Request, selection: Selection, seed: int, records: int, fault: Fault | None) -> Response:
    pieces = faulty_results.body(fault, selection, seed, records)
    content_type = "application/gzip" if selection.compress else results.FORMATS[selection.format]
    encoding = "gzip" if fault is Fault.GZIP and not selection.compress else None
    return streamed(request, pieces, content_type, cut=fault is Fault.CUT, encoding=encoding)


def _building(status_code: int, retry_after: int) -> Response:
    message = f"Snapshot is building, try again in {retry_after}s"
    return as_json({"status": "building", "message": message}, status_code)


def _refusal(found: results.Results, retry_after: int) -> Response | None:
    match found.state:
        case ResultsState.THERE:
            return None
        case ResultsState.NOT_FOUND:
            return as_text("Snapshot does not exist", 404)
        case ResultsState.NOT_READY:
            message = f"Snapshot is not ready yet, try again in {retry_after}s"
            return as_json({"status": found.status, "message": message}, 202)
        case ResultsState.BUILDING:
            return _building(202, retry_after)
        case ResultsState.EMPTY:
            return as_text("Snapshot is empty", 400)
        case ResultsState.EXPIRED:
            return as_text("Snapshot is expired", 400)
        case ResultsState.ENDED_WITHOUT:  # the API's answer is not documented
            return as_json({"error": f"Snapshot is {found.status}"}, 400)


def _cancel(account: Account, snapshot_id: str) -> Response:
    match account.cancel(snapshot_id):
        case None:
            return as_text("Snapshot does not exist", 404)
        case False:
            return as_text("Snapshot is not running", 400)
        case True:
            return as_text("OK", 200)


async def _scrape(account: Account, request: Request, retry_after: int, fault: Fault | None) -> Response:
    selection = _selection(request)
    snapshot = await trigger(account, request)
    records = snapshot.life.facts.get("records")
    if snapshot.life.seconds <= SCRAPED_WITHIN_S and isinstance(records, int) and records:
        if fault is Fault.BUILDING:
            return as_json({"snapshot_id": snapshot.id, "message": f"Building, try again in {retry_after}s"})
        return _data(request, selection, snapshot.order, records, fault)
    message = "The request has exceeded the synchronous time limit; follow its snapshot"
    headers = {"Retry-After": str(retry_after)}
    return as_json({"snapshot_id": snapshot.id, "message": message}, 202, headers)


def _selection(request: Request) -> Selection:
    query = request.query_params
    if query.get("format", "json") not in results.FORMATS:
        raise BadRequest(f"format must be one of {', '.join(results.FORMATS)}")
    if query.get("compress", "false") not in ("true", "false"):
        raise BadRequest("compress must be true or false")
    batch_size = number(query, "batch_size", 0, 10**9) if "batch_size" in query else None
    if batch_size is not None and batch_size < results.SMALLEST_BATCH:
        raise BadRequest(f"batch_size must be at least {results.SMALLEST_BATCH}")
    return Selection(
        format=query.get("format", "json"),
        compress=query.get("compress") == "true",
        batch_size=batch_size,
        part=number(query, "part", 0, 10**9) if "part" in query else None,
    )

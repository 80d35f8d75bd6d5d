"""Starts collections. That is billed and not idempotent, so a request is sent once and never repeated.

`POST /datasets/v3/trigger` answers with the snapshot's id. `POST /datasets/v3/scrape` answers with the data within a
minute, or with 202 and the id (documented).
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from notifier.brightdata.datasets.input_errors import InputError, faults_of
from notifier.brightdata.datasets.inputs import Inputs
from notifier.brightdata.datasets.not_results import reports_progress, status_instead
from notifier.brightdata.datasets.progress import observation_of
from notifier.brightdata.datasets.results import ResultStream, read_beginning
from notifier.brightdata.http.answers import detail_of
from notifier.brightdata.http.failures import NoAnswer
from notifier.brightdata.http.foreign_text import cleaned, redacted
from notifier.brightdata.http.gateway import Gateway
from notifier.brightdata.http.lenient_json import json_of
from notifier.brightdata.http.response import Answer
from notifier.core.snapshot.ids import flaw_of_id
from notifier.core.snapshot.model import Reason, Unclear

TRIGGER = "/datasets/v3/trigger"
SCRAPE = "/datasets/v3/scrape"

LARGEST_ANSWER = 8 * 1024 * 1024
"""Bytes. A refusal may name thousands of inputs."""
LONGEST_TEXT = 2_000
TRIGGER_SECONDS = 120.0
"""Inputs may be large, and a scrape takes a minute. Giving up early would leave it open whether one was started."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """A collection was started; its snapshot can be followed."""

    snapshot_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NotStarted:
    """The API refused: nothing was started, and nothing is billed.

    `faults` are its errors for each input, and `answer` is its complete body, as text without secrets.
    """

    unclear: Unclear
    faults: tuple[InputError, ...] = ()
    answer: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class NoRecords:
    """The answer to a scrape has no records; `body` is the answer."""

    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class NotKnown:
    """The request was sent and its result is not known: a collection may have been started, and billed."""

    unclear: Unclear


class TriggerClient:
    """Starts collections through the gateway, each with one request. Failures are values."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def trigger(
        self, dataset_id: str, inputs: Inputs, options: Mapping[str, str]
    ) -> Started | NotStarted | NotKnown:
        """Starts a collection.

        Args:
            dataset_id: the dataset.
            inputs: what to collect.
            options: further parameters of the query, in the API's words.
        """
        async with self._asked(TRIGGER, dataset_id, inputs, options, TRIGGER_SECONDS) as answer:
            return answer if not isinstance(answer, Answer) else await _started(answer, inputs)

    @asynccontextmanager
    async def scrape(
        self, dataset_id: str, inputs: Inputs, options: Mapping[str, str]
    ) -> AsyncIterator[ResultStream | NoRecords | Started | NotStarted | NotKnown]:
        """Starts a collection and waits for its data as long as the API does; then the data is read in the block."""
        async with self._asked(SCRAPE, dataset_id, inputs, options, None) as answer:
            if not isinstance(answer, Answer):
                yield answer
            elif answer.status_code == 200:
                yield await _scraped(answer, packed=options.get("compress") == "true")
            else:
                yield await _started(answer, inputs)

    @asynccontextmanager
    async def _asked(
        self, path: str, dataset_id: str, inputs: Inputs, options: Mapping[str, str], seconds: float | None
    ) -> AsyncIterator[Answer | NotStarted | NotKnown]:
        asked = self._gateway.ask(
            "POST",
            path,
            params={"dataset_id": dataset_id, **options},
            headers={"Content-Type": inputs.content_type, "Accept": "*/*"},
            content=inputs.body,
            seconds=seconds,
            patience=TRIGGER_SECONDS,
        )
        try:
            answer = await asked.__aenter__()
        except NoAnswer as error:
            yield _without_answer(error)
            return
        try:
            yield answer
        finally:
            await asked.__aexit__(None, None, None)


async def _scraped(answer: Answer, *, packed: bool) -> ResultStream | NoRecords | Started | NotKnown:
    """Reads a 200: data, the id of a snapshot as a 202 has it, or nothing (an empty 200 was observed)."""
    data = await read_beginning(answer, packed=packed)
    if isinstance(data, Unclear):
        return NotKnown(unclear=data)
    if data.complete is not None and data.complete.strip() in (b"", b"[]", b"{}", b"null"):
        return NoRecords(body=data.complete)
    whole = data.complete or b""
    if (snapshot_id := _snapshot_id(whole, of_progress=True)) is not None:
        return Started(snapshot_id=snapshot_id)
    if status_instead(whole, answer.headers, datetime.now(UTC), answer.secret) is not None:
        detail = detail_of("HTTP 200, but no data", answer.headers, whole, answer.secret)
        return NotKnown(unclear=Unclear(reason=Reason.NONSENSE, detail=detail))
    return data


def _without_answer(error: NoAnswer) -> NotStarted | NotKnown:
    if error.unclear.reason is Reason.UNAUTHORISED or error.not_sent:
        return NotStarted(unclear=error.unclear)
    return NotKnown(unclear=error.unclear)


async def _started(answer: Answer, inputs: Inputs) -> Started | NotStarted | NotKnown:
    try:
        body = await answer.body_within(LARGEST_ANSWER, TRIGGER_SECONDS)
    except NoAnswer as error:
        if 200 <= answer.status_code < 300 or answer.status_code >= 500:
            return NotKnown(unclear=error.unclear)
        body = b""
    code = answer.status_code
    snapshot_id = _snapshot_id(body)
    if code in (200, 201, 202) and snapshot_id is not None:
        return Started(snapshot_id=snapshot_id)
    said = observation_of(
        status_code=code, headers=answer.headers, body=body, now=datetime.now(UTC), secret=answer.secret
    )
    # After a 5xx of a gateway it is not known what the server behind it did.
    if not 400 <= code < 500 or code == 408:
        if isinstance(said, Unclear) and not 200 <= code < 300:
            return NotKnown(unclear=said)
        what = f"HTTP {code}, but no snapshot's id"
        detail = detail_of(what, answer.headers, body, answer.secret) if body.strip() else f"{what}: an empty answer"
        return NotKnown(unclear=Unclear(reason=Reason.NONSENSE, detail=detail))
    faults = faults_of(body, inputs, answer.secret)
    quoted = _headline(body) if faults else body
    detail = detail_of(f"HTTP {code}", answer.headers, quoted, answer.secret, LONGEST_TEXT)
    reason = said.reason if isinstance(said, Unclear) else Reason.NONSENSE
    whole = cleaned(redacted(body.decode("utf-8", "replace"), answer.secret), LARGEST_ANSWER)
    return NotStarted(unclear=Unclear(reason=reason, detail=detail), faults=faults, answer=whole)


def _headline(body: bytes) -> bytes:
    """Returns the message of an answer, without the errors that it lists."""
    read = json_of(body)
    said = [read.get(key) for key in ("error", "message")] if isinstance(read, dict) else []
    return next((each.encode("utf-8", "replace") for each in said if isinstance(each, str)), b"")


def _snapshot_id(body: bytes, *, of_progress: bool = False) -> str | None:
    """Returns the snapshot id in an answer; with `of_progress` only if the answer is not a record."""
    try:
        read = json_of(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(read, dict) or (of_progress and not reports_progress(read)):
        return None
    found = read.get("snapshot_id")
    return found if isinstance(found, str) and flaw_of_id(found) is None else None

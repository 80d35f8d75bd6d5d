"""Reads what Bright Data answers instead of results: not ready, or refused. Pure.

A `building` or "not ready yet" object comes with 202, and with 200 too (both documented); `/parts` answers 400
`Snapshot is not ready`, and a download 400 `Snapshot is expired` or `Snapshot is empty` (documented).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from notifier.brightdata.datasets.progress import observation_of, status_word
from notifier.brightdata.http.answers import detail_of, retry_after_of
from notifier.brightdata.http.lenient_json import json_of
from notifier.core.snapshot.model import NotFound, Unclear
from notifier.core.snapshot.statuses import ENDS, canonical

TRY_AGAIN = timedelta(seconds=10)
"""The pause if the API asks for none: the one that its messages advise."""

_ADVICE = re.compile(r"try again in ([0-9]{1,5})\s*s", re.IGNORECASE)
_NOT_READY = re.compile(r"not ready|still building|is building|try again in [0-9]", re.IGNORECASE)

_OF_PROGRESS = frozenset({
    *("status", "message", "error_message", "error", "error_codes", "code", "type", "snapshot_id", "dataset_id"),
    *("records", "errors", "running_time", "collection_duration", "avg_duration_per_input", "retry_after"),
})  # fmt: skip
"""The keys of an object that reports a snapshot's progress. An object with any other key is a record."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NotReady:
    """There are no results yet: the API's status, and the pause it asks for."""

    status: str
    retry_after: timedelta


class Refusal(StrEnum):
    """Why there will be no results."""

    EXPIRED = "expired"
    EMPTY = "empty"
    NOT_FOUND = "not_found"
    OTHER = "refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """There will be no results; `detail` is what the API said."""

    refusal: Refusal
    detail: str


def status_instead(body: bytes, headers: Mapping[str, str], now: datetime, secret: str) -> NotReady | Refused | None:
    """Reads the complete body of a 200 as a report of the snapshot's progress; None if it is data.

    It is a report if it is one object (or an array of one) with a string `status`, with a `message`, an `error_message`
    or a `snapshot_id`, and without any key that only a record has.
    """
    answer = _object(body)
    explained = any(isinstance(answer.get(key), str) for key in ("message", "error_message", "snapshot_id"))
    if not isinstance(answer.get("status"), str) or not explained or not reports_progress(answer):
        return None
    return _standing(answer, body, headers, now, secret)


def reports_progress(answer: Mapping[str, object]) -> bool:
    """Returns whether an object has only keys that report a snapshot's progress."""
    return answer.keys() <= _OF_PROGRESS


def no_data(
    status_code: int, body: bytes, headers: Mapping[str, str], now: datetime, secret: str
) -> NotReady | Refused | Unclear:
    """Returns why an answer other than 200 has no results."""
    if status_code == 202:
        return _standing(_object(body), body, headers, now, secret)
    said = observation_of(status_code=status_code, headers=headers, body=body, now=now, secret=secret)
    if isinstance(said, NotFound):
        return Refused(refusal=Refusal.NOT_FOUND, detail="Bright Data does not know this snapshot")
    assert isinstance(said, Unclear)
    if status_code not in (400, 409, 410, 422, 425):
        return said
    refusal = _refusal(body)
    answer = _object(body)
    if refusal is Refusal.OTHER and _NOT_READY.search(_words(answer, body)):
        return _not_yet(answer, body, headers, now, secret)
    return Refused(refusal=refusal, detail=said.detail)


def _standing(
    answer: Mapping[str, object], body: bytes, headers: Mapping[str, str], now: datetime, secret: str
) -> NotReady | Refused:
    status = status_word(answer.get("status"), secret)
    if status is not None and canonical(status) in ENDS - {"ready"}:
        return Refused(refusal=_refusal(body), detail=detail_of(status, headers, body, secret))
    return _not_yet(answer, body, headers, now, secret)


def _not_yet(
    answer: Mapping[str, object], body: bytes, headers: Mapping[str, str], now: datetime, secret: str
) -> NotReady:
    """Takes the pause from `Retry-After`, else from the message's "try again in 10s"."""
    advice = _ADVICE.search(_words(answer, body))
    pause = retry_after_of(headers, now) or (timedelta(seconds=int(advice[1])) if advice else TRY_AGAIN)
    status = status_word(answer.get("status"), secret) or "building"
    return NotReady(status=status, retry_after=max(pause, timedelta(seconds=1)))


def _words(answer: Mapping[str, object], body: bytes) -> str:
    """Returns the API's message, under whichever key it is."""
    said = [answer.get(key) for key in ("message", "error_message", "error")]
    return " ".join(text for text in said if isinstance(text, str)) or body[:1_000].decode("utf-8", "replace")


def _refusal(body: bytes) -> Refusal:
    words = body.lower()
    return Refusal.EXPIRED if b"expired" in words else Refusal.EMPTY if b"is empty" in words else Refusal.OTHER


def _object(body: bytes) -> dict[str, object]:
    """Returns the single object of the body; an empty one if it is anything else."""
    try:
        read = json_of(body)
    except (ValueError, RecursionError):
        return {}
    if isinstance(read, list) and len(read) == 1:
        read = read[0]
    return read if isinstance(read, dict) else {}

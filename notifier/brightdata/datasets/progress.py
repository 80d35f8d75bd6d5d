"""Reads an answer of the progress endpoint into an observation. Pure.

Status codes, bodies and fields are those that Bright Data documents, and that were observed live: every field but
`status` is optional, an answer other than 200 need not be JSON, and any word may be a status.
"""

import math
import re
from collections.abc import Mapping
from datetime import datetime

from notifier.brightdata.http.answers import detail_of, is_html, reason_of, refusal_of, retry_after_of
from notifier.brightdata.http.foreign_text import cleaned, redacted
from notifier.brightdata.http.lenient_json import json_of
from notifier.core.snapshot.ids import flaw_of_id
from notifier.core.snapshot.model import Facts, NotFound, Observation, Reason, Seen, Unclear
from notifier.core.words import one_line

LONGEST_STATUS = 64
LONGEST_MESSAGE = 2_000
LONGEST_CODE = 100
MOST_CODES = 50
HIGHEST_COUNT = 2**53
"""The largest integer that JSON carries safely; a larger number counts as absent."""
LONGEST_DURATION_MS = 10 * 366 * 86_400_000
"""Ten years; a longer duration counts as absent."""

_NUMBER = re.compile(r"[0-9]{1,16}(\.0{1,2})?")
"""A count in a string, as some answers have it.

With a thousands separator it is refused: "12.480" and "12,480" mean twelve or twelve thousand, depending on the
country.
"""


def observation_of(
    *,
    status_code: int,
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
    snapshot_id: str | None = None,
    secret: str = "",
) -> Observation:
    """Returns what the answer says of the snapshot. Never raises.

    Args:
        status_code: of HTTP.
        headers: a mapping that ignores case, or one with its keys in lower case.
        body: as received, or its beginning.
        now: when it arrived, for a `Retry-After` with a date.
        snapshot_id: the snapshot polled; an answer about another one is nonsense.
        secret: masked wherever the answer repeats it.
    """
    if status_code == 200:
        return _seen(headers, body, snapshot_id, secret)
    if status_code == 404 and not is_html(headers, body):
        return NotFound()
    reason = reason_of(status_code) or refusal_of(status_code, headers, body) or Reason.NONSENSE
    waits = status_code == 429 or reason is Reason.SERVER_ERROR
    return Unclear(
        reason=reason,
        detail=detail_of(f"HTTP {status_code}", headers, body, secret),
        retry_after=retry_after_of(headers, now) if waits else None,
    )


def status_word(value: object, secret: str) -> str | None:
    """Returns the value as a status, in the API's own word; None if it cannot be one."""
    word = value.strip() if isinstance(value, str) else ""
    if not word or len(word) > LONGEST_STATUS or not word.isprintable():
        return None
    return redacted(word, secret)


def count_of(value: object) -> int | None:
    """Returns the value as a count; None if it cannot be one."""
    return _integer(value, HIGHEST_COUNT)


def _seen(headers: Mapping[str, str], body: bytes, snapshot_id: str | None, secret: str) -> Observation:
    try:
        answer = json_of(body)
    except (ValueError, RecursionError):
        return _nonsense("HTTP 200, but not JSON", headers, body, secret)
    if not isinstance(answer, dict):
        return _nonsense("HTTP 200, but not a JSON object", headers, body, secret)
    status = status_word(answer.get("status"), secret)
    if status is None:
        return _nonsense("HTTP 200, but no usable status", headers, body, secret)
    about = answer.get("snapshot_id")
    if snapshot_id is not None and about is not None and about != snapshot_id:
        return Unclear(reason=Reason.NONSENSE, detail="HTTP 200, but about another snapshot")
    return Seen(status=status, facts=_facts(answer, secret))


def _nonsense(what: str, headers: Mapping[str, str], body: bytes, secret: str) -> Unclear:
    return Unclear(reason=Reason.NONSENSE, detail=detail_of(what, headers, body, secret))


def _facts(answer: Mapping[str, object], secret: str) -> Facts:
    return Facts(
        dataset_id=_id(answer.get("dataset_id"), secret),
        records=count_of(answer.get("records")),
        errors=count_of(answer.get("errors")),
        error_message=_text(answer.get("error_message"), secret) or _text(answer.get("error"), secret),
        error_codes=_codes(answer.get("error_codes"), secret),
        running_time_ms=_integer(answer.get("running_time"), LONGEST_DURATION_MS),
        collection_duration_ms=_integer(answer.get("collection_duration"), LONGEST_DURATION_MS),
    )


def _integer(value: object, highest: int) -> int | None:
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = int(value.strip().partition(".")[0])
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        value = int(value)  # JSON has one kind of number: 10 and 10.0 are the same
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= highest else None


def _id(value: object, secret: str) -> str | None:
    if not isinstance(value, str) or not value.isprintable():
        return None
    word = redacted(value.strip(), secret)
    return word if flaw_of_id(word) is None else None


def _text(value: object, secret: str) -> str | None:
    # Masked first: a cut through the secret would leave a part of it.
    return cleaned(redacted(value, secret), LONGEST_MESSAGE) or None if isinstance(value, str) else None


def _codes(value: object, secret: str) -> tuple[tuple[str, int], ...]:
    if not isinstance(value, dict):
        return ()
    counted = [(one_line(redacted(name, secret), LONGEST_CODE), count_of(number)) for name, number in value.items()]
    codes = [(name, number) for name, number in counted if name and number is not None]
    return tuple(sorted(codes, key=lambda code: (-code[1], code[0]))[:MOST_CODES])

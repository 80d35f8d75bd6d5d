"""What an answer of the progress endpoint says of a snapshot. Pure: bytes and headers in, an observation out.

Status codes, bodies and fields as Bright Data documents them and as they were observed live: every field but `status`
is optional, JSON is never required of an answer that is not 200, and any word may be a status.
"""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from notifier.brightdata.http.lenient_json import json_of
from notifier.brightdata.http.text import cleaned, redacted
from notifier.core.model import Facts, NotFound, Observation, Reason, Seen, Unclear
from notifier.core.snapshot.ids import flaw_of_id
from notifier.core.snapshot.refusals import will_not_change
from notifier.core.words import one_line

LONGEST_DETAIL = 200
LONGEST_STATUS = 64
LONGEST_MESSAGE = 2_000
LONGEST_CODE = 100
MOST_CODES = 50
HIGHEST_COUNT = 2**53
"""The largest integer that JSON carries safely; a larger number is taken for nonsense and left out."""
LONGEST_DURATION_MS = 10 * 366 * 86_400_000
"""Ten years: a longer duration is taken for nonsense and left out."""
LONGEST_RETRY_AFTER = timedelta(hours=1)

_SECONDS = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,12})?")
_NUMBER = re.compile(r"[0-9]{1,16}(\.0{1,2})?")
"""A number of things that stands in a string, as some answers have their counts.

With a separator of thousands it is not a number: "12.480" and "12,480" mean twelve or twelve thousand, by the country.
"""

_REASONS = {
    **dict.fromkeys((301, 302, 303, 307, 308), Reason.NONSENSE),  # a redirect, which is not followed
    401: Reason.UNAUTHORISED,
    402: Reason.FORBIDDEN,
    403: Reason.FORBIDDEN,
    408: Reason.TIMEOUT,
    429: Reason.RATE_LIMITED,
    **dict.fromkeys(range(500, 600), Reason.SERVER_ERROR),
}


def observation_of(
    *,
    status_code: int,
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
    snapshot_id: str | None = None,
    secret: str = "",
) -> Observation:
    """What the answer says. Never raises, whatever the answer is.

    Args:
        status_code: of HTTP.
        headers: a mapping that ignores case, or one with its keys in lower case.
        body: as it came, or its beginning.
        now: when it came, for a `Retry-After` that names a time.
        snapshot_id: the snapshot that was asked about; an answer about another one is nonsense.
        secret: masked wherever the answer repeats it.
    """
    if status_code == 200:
        return _seen(headers, body, snapshot_id, secret)
    if status_code == 404 and not is_html(headers, body):
        return NotFound()
    reason = reason_of(status_code) or _refused(status_code, headers, body) or Reason.NONSENSE
    waits = status_code == 429 or reason is Reason.SERVER_ERROR
    return Unclear(
        reason=reason,
        detail=detail_of(f"HTTP {status_code}", headers, body, secret),
        retry_after=retry_after_of(headers, now) if waits else None,
    )


def reason_of(status_code: int) -> Reason | None:
    """Why an answer with this status code can tell nothing, whatever was asked; None if it may tell something."""
    return _REASONS.get(status_code)


def _refused(status_code: int, headers: Mapping[str, str], body: bytes) -> Reason | None:
    """A page in HTML is a gateway's, which does not know what was asked."""
    return Reason.REFUSED if will_not_change(status_code) and not is_html(headers, body) else None


def retry_after_of(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """The pause that `Retry-After` asks for, in seconds or as an HTTP date (RFC 9110, 10.2.3).

    Within 0 and `LONGEST_RETRY_AFTER`; None when the header is absent or makes no sense.
    """
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if _SECONDS.fullmatch(text):
        pause = timedelta(seconds=float(text))
    else:
        try:
            date = parsedate_to_datetime(text)
            pause = (date if date.tzinfo else date.replace(tzinfo=UTC)) - now
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    return min(max(pause, timedelta(0)), LONGEST_RETRY_AFTER)


def status_word(value: object, secret: str) -> str | None:
    """The value as a status, in the API's own word; None if it cannot be one."""
    word = value.strip() if isinstance(value, str) else ""
    if not word or len(word) > LONGEST_STATUS or not word.isprintable():
        return None
    return redacted(word, secret)


def count_of(value: object) -> int | None:
    """The value as a number of things; None if it cannot be one."""
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
        value = int(value)  # JSON knows one kind of number: 10 and 10.0 are the same
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


def is_html(headers: Mapping[str, str], body: bytes) -> bool:
    """Return whether a gateway or a web server wrote this: the API answers JSON or plain text.

    A 404 of theirs says that the address is wrong, not that the snapshot does not exist.
    """
    if "html" in headers.get("content-type", "").lower():
        return True
    return body[:200].lstrip().lower().startswith((b"<!doctype", b"<html"))


def detail_of(what: str, headers: Mapping[str, str], body: bytes, secret: str, longest: int = LONGEST_DETAIL) -> str:
    """One line for a log: what is the matter, and what the answer itself says, without the secret."""
    if encoding := headers.get("content-encoding", "").strip():
        what = f"{what} ({redacted(encoding, secret)}-encoded)"
    elif is_html(headers, body):
        what = f"{what} (an HTML page)"
    elif said := redacted(_said(body), secret).strip():
        what = f"{what}: {said}"
    return one_line(what, longest)


def _said(body: bytes) -> str:
    """The API's own words: `{"error": "Snapshot not found"}` says "Snapshot not found", plain text itself."""
    try:
        answer = json_of(body)
    except (ValueError, RecursionError):
        answer = None
    if isinstance(answer, dict):
        for key in ("error", "message", "error_message"):
            if isinstance(answer.get(key), str):
                return str(answer[key])
    return body.decode("utf-8", "replace")

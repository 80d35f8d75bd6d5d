"""Interprets any HTTP answer of the API: why it is unusable, how long to wait, and what it says. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from notifier.brightdata.http.foreign_text import redacted
from notifier.brightdata.http.lenient_json import json_of
from notifier.core.retry_after import parse_retry_after
from notifier.core.snapshot.model import Reason
from notifier.core.snapshot.refusals import will_not_change
from notifier.core.words import one_line

LONGEST_DETAIL = 200
"""Characters of a detail for the log."""

LONGEST_RETRY_AFTER = timedelta(hours=1)

_REASONS = {
    **dict.fromkeys((301, 302, 303, 307, 308), Reason.NONSENSE),  # redirects are not followed
    401: Reason.UNAUTHORISED,
    402: Reason.FORBIDDEN,
    403: Reason.FORBIDDEN,
    408: Reason.TIMEOUT,
    429: Reason.RATE_LIMITED,
    **dict.fromkeys(range(500, 600), Reason.SERVER_ERROR),
}


def reason_of(status_code: int) -> Reason | None:
    """Returns why no answer with this status code is usable, whatever was asked; None if one may be usable."""
    return _REASONS.get(status_code)


def refusal_of(status_code: int, headers: Mapping[str, str], body: bytes) -> Reason | None:
    """Returns `REFUSED` if the API rejects the request and would do so again; None otherwise.

    An HTML page comes from a gateway, which does not know what was asked.
    """
    return Reason.REFUSED if will_not_change(status_code) and not is_html(headers, body) else None


def retry_after_of(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """Returns the pause that `Retry-After` asks for, at most `LONGEST_RETRY_AFTER`; None if there is none."""
    return parse_retry_after(headers.get("retry-after"), now, LONGEST_RETRY_AFTER)


def is_html(headers: Mapping[str, str], body: bytes) -> bool:
    """Returns whether a gateway or a web server wrote the answer: the API itself answers JSON or plain text.

    A 404 of theirs means that the address is wrong, not that the snapshot does not exist.
    """
    if "html" in headers.get("content-type", "").lower():
        return True
    return body[:200].lstrip().lower().startswith((b"<!doctype", b"<html"))


def detail_of(what: str, headers: Mapping[str, str], body: bytes, secret: str, longest: int = LONGEST_DETAIL) -> str:
    """Returns one line for the log: what is wrong, and what the answer itself says, without the secret."""
    if encoding := headers.get("content-encoding", "").strip():
        what = f"{what} ({redacted(encoding, secret)}-encoded)"
    elif is_html(headers, body):
        what = f"{what} (an HTML page)"
    elif said := redacted(_message_in(body), secret).strip():
        what = f"{what}: {said}"
    return one_line(what, longest)


def _message_in(body: bytes) -> str:
    """Returns the API's own words: of `{"error": "Snapshot not found"}` the text, plain text as it is."""
    try:
        answer = json_of(body)
    except (ValueError, RecursionError):
        answer = None
    if isinstance(answer, dict):
        for key in ("error", "message", "error_message"):
            if isinstance(answer.get(key), str):
                return str(answer[key])
    return body.decode("utf-8", "replace")

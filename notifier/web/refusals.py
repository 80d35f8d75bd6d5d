"""Refuses a request before any route sees it: a problem (RFC 9457) where the API is asked, and words elsewhere."""

from collections.abc import Mapping
from datetime import UTC, datetime

from starlette.responses import HTMLResponse, PlainTextResponse, Response

from notifier.web.api.problems import Problem, answer, kind_of
from notifier.web.pages.errors import error_page, refused

API = "/api/"
"""The paths of the API begin with this."""


def refusal(
    path: str, status: int, text: str, headers: Mapping[str, str] | None = None, *, page: bool = False
) -> Response:
    """Return the answer to a refused request.

    Args:
        path: what was asked for.
        status: the status of HTTP.
        text: why, and what to do instead.
        headers: more headers of the answer.
        page: whether a browser asks for a page to show.
    """
    if path.startswith(API):
        return answer(Problem(kind_of(status), text, headers=headers), path)
    if page:
        return HTMLResponse(error_page(refused(status, text), datetime.now(UTC)), status, headers)
    return PlainTextResponse(f"{text}\n", status, headers)

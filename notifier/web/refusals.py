"""Refuses a request before any route sees it: a problem (RFC 9457) where the API is asked, and plain text elsewhere."""

from collections.abc import Mapping

from starlette.responses import PlainTextResponse, Response

from notifier.web.api.problems import Problem, answer, kind_of

API = "/api/"
"""The paths of the API begin with this."""


def refusal(path: str, status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer to a refused request.

    Args:
        path: what was asked for.
        status: the status of HTTP.
        text: why, and what to do instead.
        headers: more headers of the answer.
    """
    if path.startswith(API):
        return answer(Problem(kind_of(status), text, headers=headers), path)
    return PlainTextResponse(f"{text}\n", status, headers)

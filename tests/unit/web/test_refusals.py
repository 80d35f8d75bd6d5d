"""What no route sees is refused in the form of what was asked."""

import json

from notifier.web.refusals import refusal


def test_the_api_is_refused_by_a_problem() -> None:
    response = refusal("/api/v1/watches", 401, "the token is missing", {"WWW-Authenticate": "Bearer"})
    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
    assert json.loads(bytes(response.body))["type"] == "/api/reference#problem-unauthorised"


def test_a_page_is_refused_by_a_line_of_text() -> None:
    response = refusal("/apis", 403, "not from here")
    assert (response.status_code, response.body) == (403, b"not from here\n")

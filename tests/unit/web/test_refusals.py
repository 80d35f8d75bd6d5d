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


def test_a_browser_that_asks_for_a_page_gets_one() -> None:
    answer = refusal("/deliveries", 403, "not from <there>", page=True)
    text = bytes(answer.body).decode()
    assert (answer.status_code, answer.media_type) == (403, "text/html")
    assert "Not allowed" in text
    assert "not from &lt;there&gt;" in text

"""Which requests that change something come from a page of this daemon."""

import pytest

from notifier.web.access.origin_check import is_own_request

HOST = {"host": "127.0.0.1:8787"}
PUBLIC = "https://notifier.example:443"


@pytest.mark.parametrize(
    "said",
    [
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "same-origin", "origin": "https://behind.a.proxy"},
        {"origin": "http://127.0.0.1:8787"},
        {"origin": "https://notifier.example"},
        {"origin": "https://notifier.example", "sec-fetch-site": "same-origin"},
    ],
)
@pytest.mark.parametrize("from_browser", [True, False])
def test_a_page_of_its_own_may_change_something(said: dict[str, str], from_browser: bool) -> None:
    assert is_own_request({**HOST, **said}, PUBLIC, from_browser=from_browser)


@pytest.mark.parametrize(
    "said",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": "http://127.0.0.1:8000"},
        {"sec-fetch-site": "unheard-of"},
        {"sec-fetch-site": ""},
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1:8788"},
        {"origin": "null"},
        {"origin": ""},
    ],
)
@pytest.mark.parametrize("from_browser", [True, False])
def test_a_page_of_another_may_not(said: dict[str, str], from_browser: bool) -> None:
    assert not is_own_request({**HOST, **said}, PUBLIC, from_browser=from_browser)


def test_a_program_says_nothing_and_a_browser_has_to() -> None:
    assert is_own_request(HOST, None, from_browser=False)
    assert not is_own_request(HOST, None, from_browser=True)

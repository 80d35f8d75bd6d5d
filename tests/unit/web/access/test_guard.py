"""Who is answered over HTTP, and in what words."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse
from support.web import asking

from notifier.config.model import Http
from notifier.web.access.cookie import PLAIN
from notifier.web.access.guard import Guard, knows
from notifier.web.access.sessions import Sessions

TOKEN = "p4ge-t0ken-0123456789"
SHOWN = PlainTextResponse("shown")
BEARER = {"Authorization": f"Bearer {TOKEN}"}
COOKIE = {"Cookie": f"other=1; {PLAIN}={Sessions(TOKEN).new()}"}
OWN, FOREIGN = {"Origin": "http://127.0.0.1"}, {"Origin": "https://evil.example"}


def http(token: str | None = None, public_url: str | None = None) -> Http:
    return Http(host="127.0.0.1", port=0, token=token, public_url=public_url)


async def ask(
    settings: Http, path: str = "/", headers: dict[str, str] | None = None, method: str = "GET"
) -> httpx.Response:
    async with asking(Guard(SHOWN, settings)) as client:
        return await client.request(method, path, headers=headers)


@given(st.text(max_size=40), st.text(max_size=40))
def test_only_a_bearer_of_the_very_token_knows_it(scheme: str, given_token: str) -> None:
    said = f"{scheme} {given_token}"
    assert knows(said, TOKEN) == (said.strip().lower().startswith("bearer ") and said.split(" ", 1)[1].strip() == TOKEN)
    assert knows(f"bearer {TOKEN}", TOKEN)


async def test_without_a_token_a_strangers_name_is_refused_with_the_way_out() -> None:
    assert (await ask(http())).text == "shown"
    refused = await ask(http(), headers={"Host": "evil.example"})
    assert (refused.status_code, "Host" in refused.text) == (403, True)
    assert (await ask(http(), "/healthz", {"Host": "evil.example"})).text == "shown"


async def test_with_a_token_only_who_knows_it_is_answered_by_whatever_name() -> None:
    for headers in ({}, {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": f"Basic {TOKEN}"}):
        assert (await ask(http(TOKEN), headers=headers)).status_code == 401
    assert (await ask(http(TOKEN), headers={**BEARER, "Host": "proxy.example"})).text == "shown"
    assert (await ask(http(TOKEN), "/healthz")).text == "shown"
    assert (await ask(http(TOKEN), "/nothing")).status_code == 401  # what there is, is not said either


async def test_a_session_is_as_good_as_the_token_and_a_wrong_token_beside_it_is_not() -> None:
    assert (await ask(http(TOKEN), headers=COOKIE)).text == "shown"
    assert (await ask(http(TOKEN), headers={**COOKIE, "Authorization": "Bearer wrong"})).status_code == 401
    assert (await ask(http("another-t0ken-012345"), headers=COOKIE)).status_code == 401


@pytest.mark.parametrize(
    ("settings", "headers", "status"),
    [
        (http(), {}, 200),
        (http(), OWN, 200),
        (http(), FOREIGN, 403),
        (http(), {"Sec-Fetch-Site": "cross-site"}, 403),
        (http(), {"Sec-Fetch-Site": "same-site"}, 403),
        (http(), {**FOREIGN, "Host": "evil.example"}, 403),
        (http(public_url="https://own.example"), {"Origin": "https://own.example"}, 200),
        (http(TOKEN), {}, 401),
        (http(TOKEN), OWN, 401),
        (http(TOKEN), {**BEARER, **FOREIGN}, 200),
        (http(TOKEN), {**COOKIE, **OWN}, 200),
        (http(TOKEN), {**COOKIE, **FOREIGN}, 403),
        (http(TOKEN), COOKIE, 403),
    ],
)
@pytest.mark.parametrize("method", ["POST", "DELETE", "UNHEARD-OF"])
async def test_what_changes_something_comes_from_an_own_page_or_with_the_token(
    settings: Http, headers: dict[str, str], status: int, method: str
) -> None:
    answer = await ask(settings, "/watches/s_1/mute", headers, method)
    assert (answer.status_code, answer.text == "shown") == (status, status == 200)


async def test_signing_in_from_another_page_is_refused_as_well() -> None:
    assert (await ask(http(TOKEN), "/sign-in", FOREIGN, "POST")).status_code == 403
    assert (await ask(http(TOKEN), "/sign-in", OWN, "POST")).text == "shown"


async def test_hints_and_the_files_of_the_pages_need_no_token() -> None:
    assert (await ask(http(TOKEN), "/hooks/brightdata/secret", {"Host": "own.example"}, "POST")).text == "shown"
    assert (await ask(http(TOKEN), "/static/app.css")).text == "shown"
    assert (await ask(http(TOKEN), "/static/app.css", method="POST")).status_code == 401


async def test_a_browser_is_sent_to_the_sign_in_page_and_back() -> None:
    answer = await ask(http(TOKEN), "/watches/a%20b?x=1&y=%2F", {"Accept": "text/html"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2Fwatches%2Fa%2520b%3Fx%3D1%26y%3D%252F"


async def test_a_link_on_another_site_is_asked_for_again_with_the_cookie() -> None:
    """`SameSite=Strict` keeps the cookie from the first request: it would end at the sign-in page each time."""
    headers = {"Accept": "text/html", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    answer = await ask(http(TOKEN), "/watches/s_1?x=1", headers)
    assert (answer.status_code, answer.headers["refresh"]) == (200, "0; url=/watches/s_1?x=1")
    assert (await ask(http(TOKEN), "//evil.example", headers)).headers["refresh"] == "0; url=/"

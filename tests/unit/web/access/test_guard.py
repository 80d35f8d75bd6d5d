"""Who is answered over HTTP, and in what words."""

from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse
from support.web import asking

from notifier.web.access.guard import Guard, knows

TOKEN = "p4ge-t0ken-0123456789"
SHOWN = PlainTextResponse("shown")


async def get(token: str | None, path: str = "/", **headers: str) -> tuple[int, str]:
    async with asking(Guard(SHOWN, token=token)) as client:
        answer = await client.get(path, headers=headers)
        return answer.status_code, answer.text


@given(st.text(max_size=40), st.text(max_size=40))
def test_only_a_bearer_of_the_very_token_knows_it(scheme: str, given_token: str) -> None:
    said = f"{scheme} {given_token}"
    assert knows(said, TOKEN) == (said.strip().lower().startswith("bearer ") and said.split(" ", 1)[1].strip() == TOKEN)
    assert knows(f"bearer {TOKEN}", TOKEN)


async def test_without_a_token_a_strangers_name_is_refused_with_the_way_out() -> None:
    assert await get(None) == (200, "shown")
    status, text = await get(None, Host="evil.example")
    assert (status, "Host" in text) == (403, True)
    assert await get(None, "/healthz", Host="evil.example") == (200, "shown")


async def test_with_a_token_only_who_knows_it_is_answered_by_whatever_name() -> None:
    assert (await get(TOKEN))[0] == 401
    assert (await get(TOKEN, Authorization=f"Bearer {TOKEN}x"))[0] == 401
    assert (await get(TOKEN, Authorization=f"Basic {TOKEN}"))[0] == 401
    assert await get(TOKEN, Authorization=f"Bearer {TOKEN}", Host="proxy.example") == (200, "shown")
    assert await get(TOKEN, "/healthz") == (200, "shown")
    assert (await get(TOKEN, "/nothing"))[0] == 401  # what there is, is not told either

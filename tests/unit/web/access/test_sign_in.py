"""Signing in with the token, and out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial

import httpx
import pytest
from fastapi import FastAPI
from support.web import asking

from notifier.web.access import sign_in
from notifier.web.access.cookie import PLAIN, SECURE
from notifier.web.access.sessions import Sessions
from notifier.web.access.sign_in_limit import OF_ONE
from notifier.web.pages.sign_in import sign_in_page

render = partial(sign_in_page, clock=lambda: datetime.now(UTC))
TOKEN = "p4ge-t0ken-0123456789"


@asynccontextmanager
async def signing(token: str | None = TOKEN) -> AsyncIterator[tuple[httpx.AsyncClient, Sessions]]:
    sessions = Sessions(TOKEN)
    app = FastAPI()
    app.include_router(sign_in.router(token, None if token is None else sessions, render=render))
    async with asking(app) as client:
        yield client, sessions


def cookies(answer: httpx.Response) -> dict[str, str]:
    """The cookies that an answer sets, with their attributes."""
    return {line.partition("=")[0]: line for line in answer.headers.get_list("set-cookie")}


async def test_the_token_gives_a_session_that_scripts_and_other_sites_do_not_have() -> None:
    async with signing() as (client, sessions):
        answer = await client.post("/sign-in", data={"token": f" {TOKEN}\n", "next": "/watches/s_1?x=1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/watches/s_1?x=1")
    (cookie,) = cookies(answer).values()
    assert sessions.is_valid(answer.cookies[PLAIN])
    assert TOKEN not in cookie
    for attribute in ("HttpOnly", "SameSite=strict", "Path=/", "Max-Age="):
        assert attribute in cookie
    assert "Secure" not in cookie


@pytest.mark.parametrize("said", [{"Origin": "https://own.example"}, {"X-Forwarded-Proto": "https"}])
async def test_over_https_the_cookie_stays_there(said: dict[str, str]) -> None:
    async with signing() as (client, _):
        answer = await client.post("/sign-in", data={"token": TOKEN}, headers=said)
    assert "Secure" in cookies(answer)[SECURE]


async def test_a_wrong_token_gives_the_form_again_and_no_session() -> None:
    async with signing() as (client, _):
        answer = await client.post("/sign-in", data={"token": "wrong", "next": '/x"><script>'})
    assert (answer.status_code, cookies(answer)) == (403, {})
    assert sign_in.WRONG in answer.text
    assert "<script>" not in answer.text


async def test_who_guesses_too_often_waits_and_is_told_how_long() -> None:
    async with signing() as (client, _):
        for _ in range(OF_ONE):
            assert (await client.post("/sign-in", data={"token": "wrong"})).status_code == 403
        answer = await client.post("/sign-in", data={"token": TOKEN})
    assert (answer.status_code, cookies(answer)) == (429, {})
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("body", [b"", b"\xff\xfe=\x00", b"token", b"token=&token=x", b"a=1&" * 1000])
async def test_whatever_is_sent_instead_of_the_form_is_a_wrong_token(body: bytes) -> None:
    async with signing() as (client, _):
        assert (await client.post("/sign-in", content=body)).status_code == 403


async def test_signing_out_ends_the_session_and_not_only_the_cookie() -> None:
    async with signing() as (client, sessions):
        value = sessions.new()
        answer = await client.post("/sign-out", headers={"Cookie": f"{PLAIN}={value}"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert not sessions.is_valid(value)
    assert set(cookies(answer)) == {PLAIN, SECURE}
    assert all("Max-Age=0" in line for line in cookies(answer).values())


async def test_signing_out_ends_the_streams_of_open_pages_if_there_was_a_session() -> None:
    sessions, ended = Sessions(TOKEN), []
    app = FastAPI()
    app.include_router(sign_in.router(TOKEN, sessions, render=render, ended=lambda: ended.append(1)))
    async with asking(app) as client:
        for value in ("", "made.up.value"):
            await client.post("/sign-out", headers={"Cookie": f"{PLAIN}={value}"})
        assert ended == []
        await client.post("/sign-out", headers={"Cookie": f"{PLAIN}={sessions.new()}"})
    assert ended == [1]


async def test_without_a_token_there_is_nothing_to_sign_in_to() -> None:
    async with signing(None) as (client, _):
        for answer in (await client.get("/sign-in"), await client.post("/sign-in", data={"token": "x"})):
            assert (answer.status_code, answer.headers["location"]) == (303, "/")

"""Whoever knows the secret is answered 202 for whatever he sends; nobody else learns that there is anything."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest
from support.web import asking, empty_config, sources

from notifier.config.model import Hooks, Http
from notifier.core.isolation import Faults
from notifier.core.snapshot.hint_queue import HintResult
from notifier.core.work_units import UnitFault
from notifier.web.access.sign_in_limit import OF_ONE
from notifier.web.application import application
from notifier.web.hooks import BRIGHTDATA, LARGEST_BODY, is_secret

NEW, OLD = "new-s3cret-0123456789abcdef", "old-s3cret-0123456789abcdef"
BOTH = Hooks(secrets=(NEW, OLD))
TOKEN = "page-t0ken-0123456789"


class World:
    """An application that takes hints, and what came of them."""

    def __init__(self, *, hooks: Hooks | None = BOTH, token: str | None = TOKEN) -> None:
        self.hinted: list[str] = []
        self.useless: list[HintResult] = []
        self.faults: list[UnitFault] = []
        self.fails = False
        self.config = replace(empty_config(), hooks=hooks)
        of = sources(config=lambda: self.config, hint=self._hint, useless_hint=self.useless.append)
        http = Http(host="127.0.0.1", port=0, token=token)
        self.app = application(of, http=http, faults=Faults(self.faults.append))

    def _hint(self, snapshot_id: str) -> None:
        if self.fails:
            raise RuntimeError("broken")
        self.hinted.append(snapshot_id)

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        async with asking(self.app, "http://notifier.example.com") as client:
            yield client


async def test_a_hint_needs_neither_a_token_nor_a_host_of_this_machine() -> None:
    for token in (TOKEN, None):
        world = World(token=token)
        async with world.client() as client:
            answer = await client.post(BRIGHTDATA + NEW, json={"snapshot_id": "s_1", "status": "ready"})
            assert (answer.status_code, answer.content) == (202, b"")
            other = await client.post(BRIGHTDATA + NEW, content=b"snapshot_id=s_2", headers={"Origin": "https://x.org"})
            assert other.status_code == 202
        assert world.hinted == ["s_1", "s_2"]
        assert world.useless == []


async def test_every_secret_of_the_list_is_taken_and_a_reload_changes_them() -> None:
    world = World()
    async with world.client() as client:
        assert (await client.post(BRIGHTDATA + OLD, content=b"s_1")).status_code == 202
        world.config = replace(world.config, hooks=Hooks(secrets=(NEW,)))
        assert (await client.post(BRIGHTDATA + OLD, content=b"s_1")).status_code == 404
        world.config = replace(world.config, hooks=None)
        assert (await client.post(BRIGHTDATA + NEW, content=b"s_1")).status_code == 404


@pytest.mark.parametrize(
    "kind", ["application/json", "application/x-www-form-urlencoded", "image/png", "a/b; charset=x"]
)
async def test_the_content_type_may_lie(kind: str) -> None:
    world = World()
    async with world.client() as client:
        answer = await client.post(BRIGHTDATA + NEW, content=b"snapshot_id=s_1", headers={"Content-Type": kind})
    assert answer.status_code == 202
    assert world.hinted == ["s_1"]


async def test_a_body_without_an_id_is_answered_like_any_other_and_counted() -> None:
    world = World()
    async with world.client() as client:
        answers = [await client.post(BRIGHTDATA + NEW, content=body) for body in (b"", b"\x1f\x8b\x08", b"[" * 60_000)]
    assert {answer.status_code for answer in answers} == {202}
    assert world.useless == [HintResult.NAMELESS] * 3
    assert not world.hinted


async def test_a_large_body_is_refused_whole_or_in_pieces() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"snapshot_id": "s_1", "x": "'
        for _ in range(LARGEST_BODY // 1024):
            yield b"x" * 1024

    world = World()
    async with world.client() as client:
        for body in (b"x" * (LARGEST_BODY + 1), pieces()):
            assert (await client.post(BRIGHTDATA + NEW, content=body)).status_code == 413
        assert (await client.post(BRIGHTDATA + NEW, content=b"x" * LARGEST_BODY)).status_code == 202
    assert not world.hinted


async def test_a_wrong_secret_is_answered_404_and_then_429_and_the_right_one_still_202() -> None:
    world = World()
    async with world.client() as client:
        codes = [(await client.post(f"{BRIGHTDATA}{NEW}{n}", content=b"s_1")).status_code for n in range(OF_ONE + 5)]
        assert codes == [404] * OF_ONE + [429] * 5
        assert (await client.post(BRIGHTDATA + NEW, content=b"s_1")).status_code == 202
    assert world.useless == [HintResult.REFUSED] * (OF_ONE + 5)
    assert world.hinted == ["s_1"]


@pytest.mark.parametrize(
    "path", ["/hooks/", "/hooks/brightdata", "/hooks/brightdata/", f"/hooks/{NEW}", f"{BRIGHTDATA}{NEW}/x"]
)
async def test_nothing_else_is_below_the_path(path: str) -> None:
    world = World()
    async with world.client() as client:
        assert (await client.post(path, content=b"s_1")).status_code in (404, 405, 307)
    assert not world.hinted


async def test_the_secret_is_not_in_what_is_reported_of_a_fault() -> None:
    world = World()
    world.fails = True
    async with world.client() as client:
        answer = await client.post(BRIGHTDATA + NEW, content=b"s_1")
    assert answer.status_code == 500
    assert NEW not in answer.text
    assert [fault.subject for fault in world.faults] == ["/hooks/***"]


def test_a_secret_is_compared_whole() -> None:
    assert is_secret(NEW, (OLD, NEW))
    for wrong in ("", NEW[:-1], NEW + "x", NEW.upper(), "\udc80", "é"):
        assert not is_secret(wrong, (OLD, NEW))
    assert not is_secret("", ())

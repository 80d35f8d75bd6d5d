"""What is answered to which path, whatever the daemon's state."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import web

from notifier.core.errors import StoreError
from notifier.core.health.api import ApiKind, ApiState
from notifier.core.health.vitals import Vitals, plain
from notifier.core.isolation import Faults
from notifier.telemetry.redaction import Redactor
from notifier.web.views import METRICS_FORMAT, Sources, application

API = ApiState(kind=ApiKind.OK, since=None, detail="", requests=0, refusals=0, held_for=timedelta(0))
WELL = Vitals(api=API, overdue=timedelta(0), watches=1, channels=1, oldest_open=None, reload=None)
LOCKED = replace(WELL, api=replace(API, kind=ApiKind.UNAUTHORISED, detail="canary was refused"))
LATE = replace(WELL, api=replace(API, requests=40), overdue=timedelta(minutes=5))


async def metrics() -> bytes:
    return b"a 1\n"


def being(vitals: Vitals | Exception) -> Callable[[], Awaitable[Vitals]]:
    """A daemon that does so."""

    async def answer() -> Vitals:
        if isinstance(vitals, Exception):
            raise vitals
        return vitals

    return answer


@asynccontextmanager
async def shown(vitals: Vitals | Exception = WELL) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the pages of a daemon that does so."""
    sources = Sources(vitals=being(vitals), metrics=metrics, redact=Redactor(["canary"]).of)
    runner = web.AppRunner(application(sources, token=None, faults=Faults()))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with aiohttp.ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as session:
            yield session
    finally:
        await runner.cleanup()


async def test_what_there_is_stands_on_the_first_page() -> None:
    async with shown() as session, session.get("/") as answer:
        text = await answer.text()
        for path in ("/healthz", "/readyz", "/metrics"):
            assert path in text
            async with session.get(path) as found:
                assert found.status == 200


@pytest.mark.parametrize("vitals", [WELL, LOCKED, StoreError("gone"), TimeoutError("no answer")], ids=str)
async def test_whatever_the_trouble_the_daemon_lives(vitals: Vitals | Exception) -> None:
    async with shown(vitals) as session, session.get("/healthz") as answer:
        assert (answer.status, await answer.text()) == (200, "alive\n")


@pytest.mark.parametrize(
    ("vitals", "status", "lines"),
    [
        (WELL, 200, ["ready"]),
        (LATE, 200, ["ready", "note: polls are late, the most overdue one by 5 min; see `notifier config check`"]),
        (StoreError("x.db: the disk is full"), 503, ["not ready", "trouble: x.db: the disk is full"]),
        (
            TimeoutError("no answer within 5 s"),
            503,
            ["not ready", "trouble: the database does not answer: no answer within 5 s"],
        ),
    ],
    ids=["well", "late", "store fails", "store hangs"],
)
async def test_people_read_whether_it_is_ready_and_why_not(
    vitals: Vitals | Exception, status: int, lines: list[str]
) -> None:
    async with shown(vitals) as session, session.get("/readyz") as answer:
        assert (answer.status, (await answer.text()).splitlines()) == (status, lines)


async def test_programs_read_what_healthcheck_says_without_secrets() -> None:
    async with shown(LOCKED) as session, session.get("/readyz", headers={"Accept": "application/json"}) as answer:
        assert answer.status == 503
        text = await answer.text()
        assert json.loads(text) == json.loads(json.dumps(plain(LOCKED)).replace("canary", "***"))


async def test_prometheus_is_told_the_format() -> None:
    async with shown() as session, session.get("/metrics") as answer:
        assert answer.headers["Content-Type"] == METRICS_FORMAT
        assert await answer.read() == b"a 1\n"


async def test_nothing_can_be_changed_by_asking() -> None:
    async with shown() as session:
        for path in ("/", "/healthz", "/readyz", "/metrics"):
            async with session.post(path) as answer:
                assert answer.status == 405
            async with session.head(path) as answer:
                assert answer.status == 200

"""What is answered to which path, whatever the daemon's state."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from support.web import API, WELL, asking, sources

from notifier.config.model import Http
from notifier.core.errors import StoreError
from notifier.core.health.api import ApiKind
from notifier.core.health.resources import plain
from notifier.core.health.vitals import Vitals
from notifier.core.isolation import Faults
from notifier.telemetry.redaction import Redactor
from notifier.web.application import application
from notifier.web.health import METRICS_FORMAT

LOCKED = replace(WELL, api=replace(API, kind=ApiKind.UNAUTHORISED, detail="canary was refused"))
LATE = replace(WELL, api=replace(API, requests=40), overdue=timedelta(minutes=5))


@asynccontextmanager
async def shown(vitals: Vitals | Exception = WELL) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the pages of a daemon that does so."""
    made = application(
        sources(vitals=vitals, redact=Redactor(["canary"]).of), http=Http(host="127.0.0.1", port=0), faults=Faults()
    )
    async with asking(made) as client:
        yield client


async def test_what_there_is_not_is_answered_in_words() -> None:
    async with shown() as client:
        answer = await client.get("/nothing")
        assert (answer.status_code, answer.text) == (404, "Not Found; / says what there is\n")


@pytest.mark.parametrize("vitals", [WELL, LOCKED, StoreError("gone"), TimeoutError("no answer")], ids=str)
async def test_whatever_the_trouble_the_daemon_lives(vitals: Vitals | Exception) -> None:
    async with shown(vitals) as client:
        answer = await client.get("/healthz")
        assert (answer.status_code, answer.text) == (200, "alive\n")


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
    async with shown(vitals) as client:
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.text.splitlines()) == (status, lines)


async def test_programs_read_what_healthcheck_says_without_secrets() -> None:
    async with shown(LOCKED) as client:
        answer = await client.get("/readyz", headers={"Accept": "application/json"})
        assert answer.status_code == 503
        assert answer.json() == json.loads(json.dumps(plain(LOCKED)).replace("canary", "***"))


async def test_prometheus_is_told_the_format() -> None:
    async with shown() as client:
        answer = await client.get("/metrics")
        assert answer.headers["content-type"] == METRICS_FORMAT
        assert answer.content == b"a 1\n"


async def test_nothing_can_be_changed_by_asking() -> None:
    async with shown() as client:
        for path in ("/", "/healthz", "/readyz", "/metrics"):
            assert (await client.post(path)).status_code == 405
            assert (await client.head(path)).status_code == 200

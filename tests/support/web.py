"""Web sources that read nothing and do nothing, and clients of an ASGI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from starlette.types import ASGIApp

from notifier.config.model import Api, Config
from notifier.core.health.api import ApiKind, ApiState
from notifier.core.health.resources import NodeResource
from notifier.core.health.vitals import Vitals
from notifier.core.resource_parts import MessageResource
from notifier.store.reading.reading import Reading
from notifier.web.queries import Queries
from notifier.web.sources import Actions, WebSources

API = ApiState(kind=ApiKind.OK, since=None, detail="", requests=0, refusals=0, held_for=timedelta(0))
WELL = Vitals(api=API, overdue=timedelta(0), watches=1, channels=1, oldest_open=None, reload=None)


def being(answer: Any) -> Any:
    """A function that returns this, or raises it."""

    async def give(*arguments: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return give


def empty_config(path: Path = Path("config.yaml")) -> Config:
    """A configuration of nothing."""
    return Config(
        path=path, files=(), api=Api(token="t"), database=path.parent / "notifier.db", operators=(), channels={},
        watches=(), http=None, secrets=frozenset(),
    )  # fmt: skip


ACTIONS = Actions(
    mute=being(None),
    unmute=being(False),
    poll_now=being(None),
    retry=being(0),
    retry_dead=being(0),
    test_channel=being({"outcome": "delivered", "reason": "ok", "answer": ""}),
    note=being(None),
)


def queries(config: Config, vitals: Any = WELL) -> Queries:
    """Queries of the database of a configuration."""
    return Queries(
        config=lambda: config,
        reading=Reading(config.database, lambda: datetime.now(UTC)),
        vitals=being(vitals),
        render=lambda _: lambda channel, deliverables: MessageResource(title=channel, body=str(len(deliverables))),
        redact=str,
    )


def sources(**given: Any) -> WebSources:
    """Sources of a daemon that is well; a field that is given replaces it, `vitals` and `metrics` by their answer."""
    for name in ("vitals", "metrics"):
        if name in given and not callable(given[name]):
            given[name] = being(given[name])
    config = empty_config()
    plain = WebSources(
        config=lambda: config,
        queries=queries(config),
        vitals=being(WELL),
        metrics=being(b"a 1\n"),
        redact=lambda value: value,
        clock=lambda: datetime.now(UTC),
        node=lambda: NodeResource(node="here", version="0", configuration="none", started_at=datetime.now(UTC)),
        actions=ACTIONS,
    )
    return replace(plain, **given)


@asynccontextmanager
async def asking(application: ASGIApp, url: str = "http://127.0.0.1") -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application, without a socket."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=application), base_url=url) as client:
        yield client

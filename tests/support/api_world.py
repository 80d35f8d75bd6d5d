"""A database with something of everything, and the API over it, without a socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from notifier.config.model import Channel, Config, Http
from notifier.core.isolation import Faults
from notifier.core.snapshot.model import Watch
from notifier.core.work_units import UnitFault
from notifier.delivery.rendering import renderer_of
from notifier.store.reading.reading import Reading
from notifier.web.application import application
from notifier.web.queries import Queries
from support.fakes import START
from support.histories import add_delivery, add_event, add_poll, add_snapshot, dataset_watch, written
from support.web import WELL, being, empty_config, sources

SECRET = "canary-secret-of-a-channel"
NOW = START + timedelta(hours=1)


def fill(database: Path, events: int = 5) -> None:
    """Write two watched snapshots, three that a dataset's watch found, and events with a delivery in each state."""
    with written(database) as connection:
        add_snapshot(connection, "s_1", status="ready", records=10)
        add_snapshot(connection, "s_2", status="running")
        add_poll(connection, "s_2", at=START, following=NOW)
        for number in range(3):
            add_snapshot(connection, f"sd_{number}", watch=f"gd_1/sd_{number}", dataset_id="gd_1")
        states = ("delivered", "dead", "retrying", "uncertain", "pending", "dropped")
        for number in range(events):
            at = START + timedelta(seconds=number)
            add_event(connection, f"evt_{number:016x}", revision=number + 1, at=at)
            add_delivery(
                connection, f"evt_{number:016x}", state=states[number % len(states)], at=at, tries=("delivered",)
            )
        add_event(connection, "evt_of_a_dataset0", snapshot="sd_0", watch="gd_1/sd_0", at=START)


def config_of(database: Path) -> Config:
    """The configuration of these watches, with two channels."""
    options: dict[str, Any] = {"every": timedelta(seconds=30), "notify": ("chat",), "on": ("all",)}
    chat = Channel(name="chat", url=f"json://127.0.0.1:1/{SECRET}")
    return replace(
        empty_config(database.with_name("config.yaml")),
        database=database,
        channels={"chat": chat, "mail": Channel(name="mail", url="json://127.0.0.1:1/mail")},
        watches=(
            Watch(id="s_1", name="Prices", snapshot_id="s_1", **options),
            Watch(id="s_2", name="Prices", snapshot_id="s_2", labels={"team": SECRET}, **options),
        ),
        datasets=(dataset_watch("gd_1"),),
        secrets=frozenset({SECRET}),
    )


@asynccontextmanager
async def asking_api(
    database: Path, *, token: str | None = None, faults: list[UnitFault] | None = None, **given: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the whole application over a database; it has the token if there is one.

    Args:
        database: where it is.
        token: that of `http:`.
        faults: gets what a route raised; without it exceptions pass.
        given: as for `support.web.sources`.
    """
    http = Http(host="127.0.0.1", port=1, token=token)
    config = replace(config_of(database), http=http)
    reading = Reading(database, lambda: NOW)
    queries = Queries(config=lambda: config, reading=reading, vitals=being(WELL), render=renderer_of, redact=_redacted)
    known = {"config": lambda: config, "queries": queries, "clock": lambda: NOW, "redact": _redact} | given
    made = application(sources(**known), http=http, faults=Faults(None if faults is None else faults.append))
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    transport = httpx.ASGITransport(app=made)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as client:
        yield client
    reading.close()


def _redacted(text: str) -> str:
    return text.replace(SECRET, "***")


def _redact(value: Any) -> Any:
    match value:
        case str():
            return _redacted(value)
        case dict():
            return {key: _redact(each) for key, each in value.items()}
        case list():
            return [_redact(each) for each in value]
        case _:
            return value

"""The questions of pages and API are answered from the configuration and the database, and without secrets."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support.fakes import Clock, watch
from support.histories import add_delivery, add_event, add_snapshot, dataset_watch, written
from support.web import WELL, being, empty_config

from notifier.config.model import Channel, Config
from notifier.core.resource_parts import MessageResource
from notifier.store.reading.filters import DeliveryFilters, EventFilters, SnapshotFilters
from notifier.store.reading.reading import Reading
from notifier.web.queries import Queries

SECRET = "a-secret-of-the-tests"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A watch of each kind, whose names have a secret."""
    return replace(
        empty_config(tmp_path / "config.yaml"),
        channels={"chat": Channel(name="chat", url=f"json://{SECRET}@127.0.0.1:9")},
        watches=(watch("s_1", name=f"Prices {SECRET}"),),
        datasets=(dataset_watch("gd_1", name=f"Profiles {SECRET}"),),
        secrets=frozenset({SECRET}),
    )


@pytest.fixture
def queries(config: Config) -> Queries:
    """Queries of a database in which much has the secret."""
    with written(config.database) as connection:
        add_snapshot(connection, "s_1", status="failed", dataset_id="gd_1", error_message=f"no {SECRET}")
        add_snapshot(connection, "s_2", watch="gd_1/s_2", status="running", dataset_id="gd_1")
        add_event(connection, "evt_1", status="failed")
        add_delivery(connection, "evt_1", tries=("delivered",))
    return Queries(
        config=lambda: config,
        reading=Reading(config.database, Clock()),
        vitals=being(WELL),
        render=lambda _: lambda channel, told: MessageResource(title=SECRET, body=f"{channel} {len(told)}"),
        redact=lambda text: text.replace(SECRET, "***"),
    )


async def test_no_answer_has_a_secret_and_each_keeps_its_shape(queries: Queries) -> None:
    answers = [
        await queries.overview(SnapshotFilters()),
        await queries.watch("s_1"),
        await queries.dataset("gd_1"),
        await queries.deliveries(DeliveryFilters()),
        await queries.delivery(1),
        await queries.events(EventFilters()),
        await queries.channels(),
        await queries.actions(),
        await queries.conditions(),
        await queries.configuration(),
    ]
    assert all(SECRET not in repr(each) for each in answers)
    assert sum("***" in repr(each) for each in answers) >= 5
    overview = await queries.overview(SnapshotFilters(text="prices"))
    assert overview.snapshots[0].name == "Prices ***"
    assert overview.snapshots[0].error_message == "no ***"


async def test_a_watch_and_a_dataset_come_with_their_settings(queries: Queries) -> None:
    own, found, dataset = await queries.watch("s_1"), await queries.watch("gd_1/s_2"), await queries.dataset("gd_1")
    assert own is not None
    assert found is not None
    assert dataset is not None
    for each, key in (
        (own.configuration, "snapshot"),
        (found.configuration, "dataset"),
        (dataset.configuration, "dataset"),
    ):
        assert each is not None
        assert key in each


async def test_a_dataset_shows_its_snapshots_no_longer_than_they_are_kept(config: Config, queries: Queries) -> None:
    with written(config.database) as connection:
        add_snapshot(connection, "s_3", watch="gd_1/s_3", status="ready", since=Clock().now - timedelta(days=2))
    assert len((await queries.overview(SnapshotFilters())).snapshots) == 3
    short = replace(config, keep=timedelta(days=1))
    kept = Queries(
        config=lambda: short,
        reading=Reading(config.database, Clock()),
        vitals=being(WELL),
        render=lambda _: lambda channel, told: MessageResource(title=None, body=""),
        redact=str,
    )
    assert len((await kept.overview(SnapshotFilters())).snapshots) == 2


async def test_what_waits_behind_a_channel_that_fails_has_the_next_try_of_the_channel(config: Config) -> None:
    with written(config.database) as connection:
        add_snapshot(connection, "s_1", status="failed")
        add_event(connection, "evt_1", status="failed")
        add_delivery(connection, "evt_1", state="retrying", tries=("retry",))
    at = Clock().now + timedelta(minutes=5)
    behind = Queries(
        config=lambda: config,
        reading=Reading(config.database, Clock()),
        vitals=being(WELL),
        render=lambda _: lambda channel, told: MessageResource(title=None, body=""),
        redact=str,
        next_try=lambda _: at,
    )
    [listed] = (await behind.deliveries(DeliveryFilters())).deliveries
    one = await behind.delivery(1)
    assert one is not None
    assert (listed.channel_next_try, one.channel_next_try) == (at, at)

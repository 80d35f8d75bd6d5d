"""A row that this program cannot have written is told in words, to the daemon and to commands."""

from pathlib import Path

import pytest
from support.fakes import START, Clock, watch
from support.outboxes import sql, take, tell

from notifier.core.errors import StoreError
from notifier.store.reader import Reader
from notifier.store.reading.filters import DeliveryFilters, SnapshotFilters
from notifier.store.reading.reading import Reading, Watched
from notifier.store.store import Store

DAMAGES = (
    "UPDATE events SET facts = '{'",
    "UPDATE events SET names = 'ready'",
    "UPDATE events SET observed_at = 9000000000000000000",
    "UPDATE deliveries SET wanted_at = 9000000000000000000",
    "UPDATE deliveries SET reached = '['",
)


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damaged_row_is_an_error_of_the_store_with_a_cure(store: Store, database: Path, damage: str) -> None:
    await tell(store, "chat")
    sql(database, damage)
    with pytest.raises(StoreError, match=r"damaged.*backup"):
        await take(store)
    if "wanted_at" not in damage and "reached" not in damage:  # which the commands do not show
        with pytest.raises(StoreError, match=r"damaged.*backup"):
            Reader(database).deliveries()
        with pytest.raises(StoreError, match=r"damaged.*backup"):
            Reading(database, Clock()).deliveries(DeliveryFilters())


async def test_a_snapshot_whose_facts_are_no_mapping_is_told_too(store: Store, database: Path) -> None:
    await tell(store, "chat", at=START)
    sql(database, "UPDATE snapshots SET facts = '[1]'")
    with pytest.raises(StoreError, match="damaged"):
        Reader(database).snapshots(["s_1"])
    reading, watched = Reading(database, Clock()), Watched(watches=(watch("s_1"),), datasets=())
    with pytest.raises(StoreError, match="damaged"):
        reading.overview(watched, SnapshotFilters())
    sql(database, "UPDATE snapshots SET facts = '{}'")
    assert reading.overview(watched, SnapshotFilters()).counts == {"ready": 1}

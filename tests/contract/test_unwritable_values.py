"""A value that no row can hold is the fault of what it belongs to: its neighbours are written, the store is well."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from support.fakes import START, seen, watch

from notifier.core.delivery.routing import event_of
from notifier.core.errors import StoreError
from notifier.core.snapshot.model import SnapshotState, Watch
from notifier.core.snapshot.transitions import step
from notifier.store.reader import Reader
from notifier.store.sqlite.errors import Unwritable
from notifier.store.store import Store


async def commit(store: Store, of: Watch, **changes: object) -> bool:
    """Commit that the watch's snapshot is ready, with a state that is odd in these."""
    before = SnapshotState(snapshot_id=of.snapshot_id)
    after, (told,) = step(before, seen("ready"), START, timedelta(0))
    odd = replace(after, **changes)  # type: ignore[arg-type]
    return await store.commit(watch=of, before=before, after=odd, events=[(event_of(told, of), ("chat",))])


@pytest.mark.parametrize(
    ("of", "changes", "error"),
    [
        (watch("s_odd", name="\ud800"), {}, UnicodeEncodeError),
        (watch("s_odd"), {"created_at": START.replace(tzinfo=None)}, Unwritable),
        (watch("s_odd"), {"created_at": 2**63}, Unwritable),
        (watch("s_odd"), {"revision": 2**63}, Unwritable),
        (watch("s_odd"), {"left_end": object()}, Unwritable),
        (watch("s_odd"), {"status": None}, Unwritable),
    ],
    ids=["surrogate", "naive", "no time", "64 bits", "object", "null"],
)
async def test_what_cannot_be_written_costs_itself_and_not_what_is_written_with_it(
    store: Store, of: Watch, changes: dict[str, object], error: type[Exception]
) -> None:
    """All three share a transaction."""
    came = await asyncio.gather(
        commit(store, watch("s_1")), commit(store, of, **changes), commit(store, watch("s_2")), return_exceptions=True
    )
    assert came[0] is came[2] is True
    assert isinstance(came[1], error)
    assert not isinstance(came[1], StoreError)
    assert {event.transition.snapshot_id for event in Reader(store._database.path).history(START)} == {"s_1", "s_2"}
    assert store.retries.trouble is None


async def test_a_number_beyond_64_bits_is_no_damaged_row(store: Store) -> None:
    """No row can hold it: written, it is to blame itself; asked for, it is the id of nothing."""
    with pytest.raises(Unwritable, match="SQLite INTEGER"):
        await commit(store, watch("s_odd"), revision=2**63)
    assert await store.outbox.retry(START, ids=(2**63,)) == []

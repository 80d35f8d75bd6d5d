"""Records of polls are stored in slices, and one that cannot be stored costs only itself."""

from collections.abc import Collection
from typing import Any

import pytest
from support.fakes import START, seen

from notifier.core.errors import StoreError
from notifier.core.snapshot.model import SnapshotState
from notifier.polling.poll_log import SLICE, PollLog
from notifier.store.store import PollRecord


class Storing:
    """Takes records; refuses those of some snapshots, or fails from a call on."""

    def __init__(self, *refused: str, fails_at: int | None = None) -> None:
        self.slices: list[list[str]] = []
        self.fails_at = fails_at
        self._refused = refused

    async def note_polls(self, batch: Collection[PollRecord]) -> None:
        ids = [record.snapshot_id for record in batch]
        if self.fails_at == len(self.slices):
            raise StoreError("away")
        if set(ids) & set(self._refused):
            raise ValueError("odd")
        self.slices.append(ids)


def logged(storing: Any, number: int) -> PollLog:
    log = PollLog(storing)
    for each in range(number):
        log.add(f"s_{each}", seen("running"), SnapshotState(snapshot_id=f"s_{each}"), START, None)
    return log


IDS = [f"s_{number}" for number in range(2 * SLICE + 1)]


async def test_a_flush_is_stored_in_slices_so_that_a_change_waits_for_one_of_them() -> None:
    storing = Storing()
    log = logged(storing, len(IDS))
    await log.flush()
    assert storing.slices == [IDS[:SLICE], IDS[SLICE : 2 * SLICE], IDS[2 * SLICE :]]
    assert len(log) == 0


async def test_what_a_database_in_trouble_did_not_take_is_kept_for_the_next_flush() -> None:
    storing = Storing(fails_at=1)
    log = logged(storing, len(IDS))
    with pytest.raises(StoreError):
        await log.flush()
    assert len(log) == len(IDS) - SLICE
    storing.fails_at = None
    await log.flush()
    assert [id_ for some in storing.slices for id_ in some] == IDS


async def test_a_record_that_cannot_be_stored_costs_only_itself() -> None:
    storing = Storing("s_1")
    log = logged(storing, len(IDS))
    with pytest.raises(ValueError, match="odd"):
        await log.flush()
    assert sorted(id_ for some in storing.slices for id_ in some) == sorted({*IDS} - {"s_1"})
    assert len(log) == 0

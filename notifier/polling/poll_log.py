"""Keeps the records of polls until they are stored, in one batch every few seconds."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice

from notifier.core.errors import StoreError
from notifier.core.outcomes import answer_word
from notifier.core.snapshot.model import Observation, SnapshotState
from notifier.store.store import PollRecord, Store

SLICE = 100
"""Records in one transaction: a change that is to be committed meanwhile waits for a millisecond, and not for all."""


class PollLog:
    """The latest poll of each snapshot since the last flush."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._records: dict[str, PollRecord] = {}
        self._storing: dict[str, PollRecord] = {}

    def __len__(self) -> int:
        return len(self._records)

    def add(
        self, snapshot_id: str, observation: Observation, state: SnapshotState, now: datetime, pause: timedelta | None
    ) -> None:
        """Record a poll.

        Args:
            snapshot_id: the snapshot.
            observation: what the poll answered.
            state: the state of the snapshot after it.
            now: when it was answered.
            pause: the time to the next poll; None if there is none.
        """
        self._records[snapshot_id] = PollRecord(
            snapshot_id=snapshot_id,
            polled_at=now,
            answer=answer_word(observation),
            next_poll_at=None if pause is None else now + pause,
            seen_at=state.seen_at,
            not_found=state.not_found,
            not_found_since=state.not_found_since,
        )

    def latest(self, snapshot_id: str) -> PollRecord | None:
        """Return the last poll of a snapshot if it is not stored yet. It may be called in any thread."""
        return self._records.get(snapshot_id) or self._storing.get(snapshot_id)

    async def flush(self) -> None:
        """Store the records.

        Raises:
            StoreError: they are kept for the next flush.
            Exception: one of them cannot be stored; all others are.
        """
        waiting = self._storing = self._records
        self._records = {}
        failure: Exception | None = None
        try:
            while waiting:
                some = list(islice(waiting.values(), SLICE))
                try:
                    await self._store.note_polls(some)
                except StoreError:
                    raise
                except Exception as error:  # noqa: BLE001 - raised below, once the others are stored
                    failure = error
                    await self._store_one_by_one(some)
                for each in some:
                    del waiting[each.snapshot_id]
        finally:
            self._records = waiting | self._records
            self._storing = {}
        if failure is not None:
            raise failure

    async def _store_one_by_one(self, records: Iterable[PollRecord]) -> None:
        """Store each record by itself, so that one that cannot be stored costs only itself."""
        for record in records:
            try:
                await self._store.note_polls([record])
            except StoreError:
                raise
            except Exception:  # noqa: BLE001 - `flush` raises what the batch raised
                continue

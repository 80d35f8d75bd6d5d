"""Keeps the records of polls until they are stored, in one batch every few seconds."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

from notifier.core.errors import StoreError
from notifier.core.outcomes import answer_word
from notifier.core.snapshot.model import Observation, SnapshotState
from notifier.store.store import PollRecord, Store


class PollLog:
    """The latest poll of each snapshot since the last flush."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._records: dict[str, PollRecord] = {}

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

    async def flush(self) -> None:
        """Store the records.

        Raises:
            StoreError: they are kept for the next flush.
            Exception: one of them cannot be stored; all others are.
        """
        batch, self._records = self._records, {}
        try:
            await self._store.note_polls(batch.values())
        except (StoreError, asyncio.CancelledError):
            self._records = batch | self._records
            raise
        except Exception:
            await self._store_one_by_one(batch)
            raise

    async def _store_one_by_one(self, batch: Mapping[str, PollRecord]) -> None:
        """Store each record by itself, so that one that cannot be stored costs only itself."""
        for number, record in enumerate(batch.values()):
            try:
                await self._store.note_polls([record])
            except (StoreError, asyncio.CancelledError):
                self._records = dict(list(batch.items())[number:]) | self._records
                raise
            except Exception:  # noqa: BLE001 - `flush` raises what the batch raised
                continue

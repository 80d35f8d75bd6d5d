"""What requests the status of a snapshot: the client of the API, or a test's stand-in for it."""

from typing import Protocol

from notifier.brightdata.limits.permit import Permit
from notifier.core.snapshot.model import Observation


class SnapshotObserver(Protocol):
    """Requests the status of snapshots. Answers with a value, never with an exception."""

    async def observe(self, snapshot_id: str, *, permit: Permit | None = None) -> Observation:
        """Request a snapshot, with this permit if the caller has waited for one."""
        ...

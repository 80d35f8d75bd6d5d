"""What admits requests with the token."""

from datetime import timedelta
from typing import Protocol

from notifier.brightdata.limits.permit import Permit
from notifier.core.snapshot.model import Reason


class Gate(Protocol):
    """Admits requests: a `Limiter` of this process, or one that another process lends."""

    async def admit(self) -> Permit:
        """Waits for a request's turn."""

    def rate_limited(self, retry_after: timedelta | None) -> None:
        """Learns that the API answered 429."""

    def answered(self) -> None:
        """Learns that the API answered something else."""

    def judged(self, reason: Reason | None, detail: str = "") -> None:
        """Learns the result of a request: why its answer is unusable, or None for a good answer."""

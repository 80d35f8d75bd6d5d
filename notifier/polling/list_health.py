"""Whether a dataset's lists come, whether the API refuses them for good, and whether they are trusted."""

from collections.abc import Collection
from datetime import UTC, datetime

from notifier.core.snapshot.model import DatasetWatch, Unclear
from notifier.core.snapshot.refusals import NONE, RefusalNews, known_before
from notifier.core.snapshot.refusals import after as count_refusal
from notifier.core.snapshot.refusals import news as refusal_news
from notifier.core.snapshot.rotation import TRUSTED, Trust, found_behind, trust_after_list

FAILURES_BEFORE_FALLBACK = 3
"""Failed lists in a row after which the members are polled individually."""

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class ListHealth:
    """How the lists of one dataset do."""

    def __init__(self) -> None:
        self._failures = 0
        self._failing_since: datetime | None = None
        self._fallen_back = False
        self._refusals = NONE
        self._trust = TRUSTED

    @property
    def failures(self) -> int:
        """How many lists in a row have failed."""
        return self._failures

    @property
    def trust(self) -> Trust:
        """Whether the lists are trusted."""
        return self._trust

    def failed(self, at: datetime) -> None:
        """Count a list that did not come."""
        self._failures += 1
        self._failing_since = self._failing_since or at

    def came(self) -> None:
        """Note that a list came, and was taken up."""
        self._failures, self._failing_since, self._fallen_back = 0, None, False

    def fall_back(self, members: Collection[str], api_answered_at: datetime | None) -> list[str]:
        """Return the members to poll individually, because lists keep failing: none, one, or all.

        While no poll is answered either, more polls would only delay everything else once the API answers. So one
        member is polled, and the others once a poll has been answered.

        Args:
            members: the members of the group.
            api_answered_at: when a poll of a snapshot was last answered.
        """
        if self._fallen_back or self._failures < FAILURES_BEFORE_FALLBACK:
            return []
        since = self._failing_since
        silent = api_answered_at is None or (since is not None and api_answered_at < since)
        self._fallen_back = not silent
        return list(members)[: 1 if silent else None]

    def count_refusals(self, unclear: Unclear | None, watch: DatasetWatch | None) -> RefusalNews | None:
        """Count a list, or why there was none; return the news if the dataset itself is watched."""
        before, self._refusals = self._refusals, NONE if unclear is None else count_refusal(self._refusals, unclear)
        return None if watch is None else refusal_news(before, self._refusals, watch)

    def restore_refusals(self) -> None:
        """Take up that an earlier run reported the dataset as refused for good."""
        self._refusals = known_before()

    def restore_distrust(self, now: datetime) -> None:
        """Take up that an earlier run reported the lists as not trusted."""
        self._trust = Trust(since=LONG_AGO, doubted_at=now)

    def was_behind(self, snapshot_id: str, listed_at: datetime) -> bool:
        """Note that the list requested at that time was behind on a snapshot; return whether trust is lost by it."""
        before, self._trust = self._trust, found_behind(self._trust, snapshot_id, listed_at)
        return not before.stale

    def is_behind_on(self, snapshot_ids: Collection[str], listed_at: datetime) -> Trust | None:
        """Judge a list by the snapshots of `trust.behind` on which it is still behind.

        Returns:
            The trust before, if the lists are trusted again; else None.
        """
        return self._set_trust(trust_after_list(self._trust, snapshot_ids, listed_at))

    def reset_trust(self) -> Trust | None:
        """Trust the lists again, as none is requested any more; return as `is_behind_on`."""
        return self._set_trust(TRUSTED)

    def _set_trust(self, trust: Trust) -> Trust | None:
        before, self._trust = self._trust, trust
        return before if before.stale and not trust.stale else None

"""What lists claim of a dataset's snapshots and polls of the snapshots themselves are to confirm."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from notifier.core.snapshot.statuses import canonical


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """A status that a list claims for a snapshot, until a poll of the snapshot itself confirms or refutes it.

    Attributes:
        word: the list's word.
        listed_at: when the first list with this word was requested.
        seen_at: when the last list with the known status was requested, if there was one.
    """

    word: str
    listed_at: datetime
    seen_at: datetime | None


class Claims:
    """The claims that are being checked, and the words that polls did not confirm, by snapshot."""

    def __init__(self) -> None:
        self._open: dict[str, Claim] = {}
        self._rejected: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[str]:
        return iter(self._open)

    def __contains__(self, snapshot_id: object) -> bool:
        return snapshot_id in self._open

    def of(self, snapshot_id: str) -> Claim | None:
        """Return the claim about a snapshot that is being checked."""
        return self._open.get(snapshot_id)

    def rejected_word(self, snapshot_id: str) -> str | None:
        """Return the list's word, in canonical spelling, that a poll of the snapshot did not confirm."""
        return self._rejected.get(snapshot_id)

    def make(self, words: Mapping[str, str], listed_at: datetime, seen_at: Mapping[str, datetime | None]) -> None:
        """Take up the claims of a list; one that is being checked already keeps its time.

        Args:
            words: the list's words, by snapshot.
            listed_at: when the list was requested.
            seen_at: when a list last had the known status of each snapshot.
        """
        for id_, word in words.items():
            known = self._open.get(id_)
            if known is None or canonical(known.word) != canonical(word):
                self._open[id_] = Claim(word=word, listed_at=listed_at, seen_at=seen_at[id_])

    def agree(self, snapshot_id: str, *, ended: bool) -> None:
        """Note that a list has the known status of a snapshot; the claim about one that has `ended` stays open."""
        self._rejected.pop(snapshot_id, None)
        if not ended:
            self._open.pop(snapshot_id, None)

    def settle(self, snapshot_id: str) -> None:
        """Drop a claim that a poll has answered."""
        self._open.pop(snapshot_id, None)

    def reject(self, snapshot_id: str) -> None:
        """Note that a poll did not confirm a claim: the list's word is ignored until the list has another one."""
        self._rejected[snapshot_id] = canonical(self._open.pop(snapshot_id).word)

    def remove(self, snapshot_id: str) -> None:
        """Forget all about a snapshot."""
        self._open.pop(snapshot_id, None)
        self._rejected.pop(snapshot_id, None)

    def keep_rejected(self, snapshot_ids: Collection[str]) -> None:
        """Forget the rejected words of all other snapshots."""
        self._rejected = {id_: word for id_, word in self._rejected.items() if id_ in snapshot_ids}

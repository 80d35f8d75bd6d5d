"""What a form of a page asks for: from the address to filters of the store, and from filters to addresses.

Everything that a list shows stands in its address, so that it can be kept, sent to others, and used without scripts.
Nonsense in an address is no error: it is left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from notifier.core.delivery.states import OPEN
from notifier.core.snapshot.statuses import Phase
from notifier.store.reading.filters import DeliveryFilters, SnapshotFilters, Sort

IN_PROGRESS, ENDED, MUTED = "in-progress", "ended", "muted"
"""The values of `status` that stand for many; no status has such a name, or it is chosen by one of these."""

_PHASES = {IN_PROGRESS: (Phase.UNKNOWN, Phase.ACTIVE), ENDED: (Phase.ENDED, Phase.MISSING)}

SORTS: Mapping[str, str] = {
    Sort.URGENCY.value: "Failures first",
    Sort.SINCE.value: "Newest change first",
    Sort.NAME.value: "Name",
    Sort.STATUS.value: "Status",
    Sort.NEXT_POLL.value: "Next poll first",
}

TIMES: Mapping[str, tuple[str, timedelta]] = {
    "1h": ("In the last hour", timedelta(hours=1)),
    "1d": ("In the last day", timedelta(days=1)),
    "7d": ("In the last 7 days", timedelta(days=7)),
    "30d": ("In the last 30 days", timedelta(days=30)),
}

_LONGEST = 200
"""Characters of a filter that count."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchFilters:
    """The filters of the overview, as its form has them; an empty text is no filter."""

    q: str = ""
    status: str = ""
    dataset: str = ""
    sort: str = Sort.URGENCY.value
    after: str = ""

    @property
    def given(self) -> bool:
        """Whether the page is not the plain overview."""
        return self != WatchFilters()

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "WatchFilters":
        """Return the filters in an address."""
        sort = query.get("sort", "")
        return cls(
            q=query.get("q", "").strip()[:_LONGEST],
            status=query.get("status", "")[:_LONGEST],
            dataset=query.get("dataset", "")[:_LONGEST],
            sort=sort if sort in SORTS else Sort.URGENCY.value,
            after=query.get("after", ""),
        )

    def url(self, **changed: str) -> str:
        """Return the address of the overview with these filters, some of them changed; the page begins anew."""
        given = {"q": self.q, "status": self.status, "dataset": self.dataset, "sort": self.sort} | changed
        return _url("/", given, {"sort": Sort.URGENCY.value}, "#watches")

    def for_store(self, now: datetime) -> SnapshotFilters:
        """Return what the store is asked for."""
        phases = _PHASES.get(self.status, ())
        is_muted = self.status == MUTED
        return SnapshotFilters(
            statuses=(self.status,) if self.status and not phases and not is_muted else (),
            phases=phases,
            muted_at=now if is_muted else None,
            dataset=self.dataset or None,
            text=self.q,
            sort=Sort(self.sort),
            cursor=self.after or None,
        )


OPEN_STATES = "open"
"""The value of `state` that stands for all that wait or are sent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SentFilters:
    """The filters of the deliveries, as their form has them; an empty text is no filter."""

    channel: str = ""
    state: str = ""
    since: str = ""
    watch: str = ""
    event: str = ""
    after: str = ""

    @property
    def given(self) -> bool:
        """Whether anything is left out."""
        return self != SentFilters(after=self.after)

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "SentFilters":
        """Return the filters in an address."""
        texts = {name: query.get(name, "").strip()[:_LONGEST] for name in ("channel", "state", "watch", "event")}
        since = query.get("since", "")
        return cls(**texts, since=since if since in TIMES else "", after=query.get("after", ""))

    def url(self, **changed: str) -> str:
        """Return the address of the deliveries with these filters, some of them changed; the page begins anew."""
        names = ("channel", "state", "since", "watch", "event")
        return _url("/deliveries", {name: str(getattr(self, name)) for name in names} | changed, {})

    def for_store(self, now: datetime) -> DeliveryFilters:
        """Return what the store is asked for."""
        return DeliveryFilters(
            states=OPEN if self.state == OPEN_STATES else (self.state,) if self.state else (),
            channel=self.channel or None,
            watch=self.watch or None,
            event=self.event or None,
            since=now - TIMES[self.since][1] if self.since else None,
            cursor=self.after or None,
        )


def _url(path: str, given: Mapping[str, str], usual: Mapping[str, str], anchor: str = "") -> str:
    named = {name: value for name, value in given.items() if value and usual.get(name) != value}
    return f"{path}{'?' if named else ''}{urlencode(named, errors='replace')}{anchor}"

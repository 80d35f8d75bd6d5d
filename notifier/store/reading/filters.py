"""What a list is asked for: filters, an order, a page."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from notifier.core.snapshot.statuses import Phase

PAGE = 100
"""Rows of a page, unless another number is asked for."""

LONGEST_PAGE = 1_000


class Sort(StrEnum):
    """The orders of watched snapshots."""

    URGENCY = "urgency"
    """What failed within a week, then what is in progress, then what has ended; in each the newest status first."""

    NAME = "name"
    SINCE = "since"
    """The newest status first."""

    STATUS = "status"
    NEXT_POLL = "next_poll"
    """The next poll first; what is not polled again comes last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SnapshotFilters:
    """Which of the watched snapshots, in which order; the default is all.

    Attributes:
        statuses: only those with one of these statuses, in any case.
        phases: only those in one of these phases.
        dataset: only those of the dataset with this id.
        watch: only those of the watch with this id; that of a dataset has all snapshots that it found.
        text: only those whose name or id contains this, in any case.
        muted_at: only those that are muted at this time, by themselves or with their dataset.
        sort: the order.
        cursor: that of the page before.
        limit: rows of the page, from 1 to `LONGEST_PAGE`.
    """

    statuses: Collection[str] = ()
    phases: Collection[Phase] = ()
    dataset: str | None = None
    watch: str | None = None
    text: str = ""
    muted_at: datetime | None = None
    sort: Sort = Sort.URGENCY
    cursor: str | None = None
    limit: int = PAGE


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryFilters:
    """Which deliveries; the default is all.

    Attributes:
        states: only those in one of these states.
        channel: only those for this channel.
        watch: only those of the watch with this id; that of a dataset has those of all snapshots that it found.
        snapshot: only those of the snapshot with this id.
        event: only those of the event or notice whose id begins with this.
        since, until: only those decided from the first of these times on, and before the second.
        cursor: that of the page before.
        limit: rows of the page, from 1 to `LONGEST_PAGE`.
    """

    states: Collection[str] = ()
    channel: str | None = None
    watch: str | None = None
    snapshot: str | None = None
    event: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    cursor: str | None = None
    limit: int = PAGE


@dataclass(frozen=True, kw_only=True, slots=True)
class EventFilters:
    """Which events; as `DeliveryFilters`."""

    watch: str | None = None
    snapshot: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    cursor: str | None = None
    limit: int = PAGE

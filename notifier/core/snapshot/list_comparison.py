"""What a dataset's list means for the known statuses of its snapshots. Pure.

A list has a status for each snapshot, but no facts. So an end in a list is confirmed by an individual poll before it
becomes an event, and so is a status in progress that someone is notified of. Any other status is taken from the list
if the list has changed since it agreed with what has been known for a while. Otherwise one individual poll decides,
because lists may lag and need not use the same words for statuses in progress; the list's word is then ignored until it
changes.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from notifier.core.snapshot.model import EXPIRING, UNKNOWN, Facts, Listed, SnapshotState
from notifier.core.snapshot.statuses import ENDS, Phase, canonical, phase_of
from notifier.core.snapshot.transitions import contradicts, is_stale

MIN_LISTED = 3
"""Fewer snapshots of a dataset are polled individually, if the dataset itself is not watched."""

MIN_SAVING = 1.5
"""How many individual polls a page of a list must save: it is larger than a single answer."""

DATE_TOLERANCE = timedelta(days=1)
"""How far the dates of a list may be off; lists are requested by the day, in UTC."""

LAG = timedelta(seconds=30)
"""How far a list may be behind a single answer (not measured). A status that is newer than this is not overridden."""


class ListVerdict(StrEnum):
    """What to do with a list's word: nothing, take it as the new status, or ask by an individual poll."""

    SAME = "same"
    TAKE = "take"
    ASK = "ask"


def verdict(
    state: SnapshotState,
    word: str,
    *,
    notified: bool,
    asked_at: datetime,
    now: datetime,
    agreed_at: datetime | None,
    rejected: str | None,
) -> ListVerdict:
    """Decide what follows from a list's word for a snapshot.

    Args:
        state: what is known.
        word: the list's word.
        notified: whether someone is notified of this word.
        asked_at: when the list was requested.
        now: when it came.
        agreed_at: when the list before was requested, if it had the known status; else None.
        rejected: the list's word that an individual poll did not confirm, in canonical spelling; else None.
    """
    if not contradicts(state, word) or is_stale(state, asked_at, now) or canonical(word) == rejected:
        return ListVerdict.SAME
    if canonical(word) in ENDS or phase_of(state.status) in (Phase.ENDED, Phase.MISSING):
        return ListVerdict.ASK
    if state.status == UNKNOWN:
        return ListVerdict.TAKE
    if notified or rejected is not None or agreed_at is None or state.since is None:
        return ListVerdict.ASK
    return ListVerdict.TAKE if state.since <= agreed_at and state.since + LAG <= asked_at else ListVerdict.ASK


def may_lag(state: SnapshotState, asked_at: datetime, now: datetime) -> bool:
    """Whether a list that has a snapshot in progress after a poll has found its end may just lag."""
    return state.since is not None and state.since <= now and asked_at < state.since + LAG


def is_news(created: datetime | None, ended: bool, *, baseline_at: datetime, kept_since: datetime) -> bool:
    """Whether an unknown snapshot in a list is newer than the first list of its dataset.

    What had ended before that list is the baseline, and makes no events. A snapshot in progress is always news, and so
    is an end without a date: one event too many is better than a lost one.

    Args:
        created: when it was begun, if the list has that.
        ended: whether the list's word is an end.
        baseline_at: when the dataset was first listed. Snapshots that were a day old at most are stored one by one, so
            that the two clocks need not agree.
        kept_since: what ended earlier may have been an event, and forgotten since.
    """
    if not ended or created is None:
        return True
    return created >= max(baseline_at - DATE_TOLERANCE, kept_since)


def baseline_state(entry: Listed, facts: Facts, now: datetime) -> SnapshotState:
    """Return the state of a snapshot that had ended before its dataset was first listed: without any event.

    There is no warning of the deletion of its results either.
    """
    return SnapshotState(
        snapshot_id=entry.snapshot_id,
        status=entry.status,
        revision=1,
        facts=facts,
        first_seen_at=now,
        since=now,
        seen_at=now,
        created_at=entry.created,
        derived=EXPIRING,
    )


def without_baseline(state: SnapshotState) -> SnapshotState:
    """Return what counts as known of a snapshot that now has a watch of its own.

    A snapshot of its dataset's baseline made no event; a user who names it wants to be notified of its end.
    """
    if state.revision != 1 or state.derived != EXPIRING:  # any other expiring snapshot has had a transition before
        return state
    return replace(state, status=UNKNOWN, since=None, seen_at=None, first_seen_at=None, derived=None)


def saves_requests(members: int, pages: int) -> bool:
    """Whether listing this many snapshots in so many pages takes fewer requests than individual polls.

    With each list, one of them is also polled individually (`core.snapshot.rotation`).
    """
    return members >= MIN_LISTED and members > MIN_SAVING * pages + 1

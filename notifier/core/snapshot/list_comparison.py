"""What the list of a dataset means for what is known of its snapshots. Pure.

A list has a status for each snapshot and no facts. So an end that it tells is asked for singly, and only then told; a
word in progress that somebody is to be told of is asked for too, for its facts; any other is taken as it is. Lists and
single answers need not agree on the words in between, and a list may lag behind, so a list is believed by itself only
where it moved since it last agreed with what has been known for a while: all else is asked for singly once, and then
left alone until the list says something else.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from notifier.core.model import EXPIRING, UNKNOWN, Facts, Listed, SnapshotState
from notifier.core.snapshot.statuses import ENDS, Phase, canonical, phase_of
from notifier.core.snapshot.transitions import contradicts, is_stale

MIN_LISTED = 3
"""Fewer snapshots of a dataset are polled one by one, if nobody watches the dataset itself."""

MIN_SAVING = 1.5
"""A list is larger than an answer: it must save this many polls for one before it is worth it."""

DATE_TOLERANCE = timedelta(days=1)
"""How far a list's dates may be off from what is true of them: they are asked for by the day, in UTC."""

LAG = timedelta(seconds=30)
"""How far a list may be behind a single answer (measured by nobody: caution). What was known this long before the list
was asked for is not overridden by older news."""


class ListVerdict(StrEnum):
    """What a list's word calls for: nothing, to be taken as the new status, or a poll of the snapshot alone."""

    SAME = "same"
    TAKE = "take"
    ASK = "ask"


def verdict(
    state: SnapshotState,
    word: str,
    *,
    told: bool,
    asked_at: datetime,
    now: datetime,
    agreed_at: datetime | None,
    rejected: str | None,
) -> ListVerdict:
    """What follows from a list's word for a snapshot.

    Args:
        state: what is known.
        word: the list's.
        told: whether somebody is to be told of that word.
        asked_at: when the list was asked for.
        now: when it came.
        agreed_at: when the list before was asked for, if it had what is known; else None.
        rejected: the list's word that an individual poll did not confirm, in the spelling of `canonical`; else None.
    """
    if not contradicts(state, word) or is_stale(state, asked_at, now) or canonical(word) == rejected:
        return ListVerdict.SAME
    if canonical(word) in ENDS or phase_of(state.status) in (Phase.ENDED, Phase.MISSING):
        return ListVerdict.ASK
    if state.status == UNKNOWN:
        return ListVerdict.TAKE
    if told or rejected is not None or agreed_at is None or state.since is None:
        return ListVerdict.ASK
    return ListVerdict.TAKE if state.since <= agreed_at and state.since + LAG <= asked_at else ListVerdict.ASK


def may_lag(state: SnapshotState, asked_at: datetime, now: datetime) -> bool:
    """Whether a list that still has a snapshot in progress, of which a poll told the end, may just be behind."""
    return state.since is not None and state.since <= now and asked_at < state.since + LAG


def is_news(created: datetime | None, ended: bool, *, baseline_at: datetime, kept_since: datetime) -> bool:
    """Whether a snapshot that a list has and nobody knows came to be after the dataset's first poll.

    What had ended before that poll is its baseline, and no news. What is in progress is always news, and so is an end
    without a date: better told once too often than never.

    Args:
        created: when it was begun, if the list says so.
        ended: whether the list's word is an end.
        baseline_at: the dataset's first poll. What was then a day old at most is remembered singly, so that the two
            clocks need not agree.
        kept_since: what ended before this may have been told and forgotten.
    """
    if not ended or created is None:
        return True
    return created >= max(baseline_at - DATE_TOLERANCE, kept_since)


def baseline_state(entry: Listed, facts: Facts, now: datetime) -> SnapshotState:
    """What is silently known of a snapshot that had ended when its dataset was first polled.

    Nor will anybody be warned that its results are deleted.
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
    """What counts as known of a snapshot that is now watched by itself.

    Of the baseline of its dataset nothing was ever told: whoever names one of it wants to be told of its end.
    """
    if state.revision != 1 or state.derived != EXPIRING:  # whatever else expires has had a transition before
        return state
    return replace(state, status=UNKNOWN, since=None, seen_at=None, first_seen_at=None, derived=None)


def saves_requests(members: int, pages: int) -> bool:
    """Whether polling this many snapshots through lists of so many pages costs less than one by one.

    With each list one of them is asked singly, too (`core.rotation`).
    """
    return members >= MIN_LISTED and members > MIN_SAVING * pages + 1

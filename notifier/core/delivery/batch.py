"""Decides about the deliveries that wait for a channel when it is its turn: sent, dropped, or held back."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from notifier.core.delivery.channel_policy import MOST_PARALLEL, ChannelPolicy
from notifier.core.delivery.model import Deliverable, Delivery, Event
from notifier.core.delivery.routing import family

SUPERSEDED = "superseded"
MUTED = "muted"
NOTICE = "notice"
"""The event name that stands for notices to the operators in quiet hours' `except:`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A delivery that waits, and when it may be sent."""

    delivery: Delivery
    not_before: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """A decision about all that waits for one channel. What it does not name goes on waiting.

    Attributes:
        send: goes out now: as one message where messages are merged, otherwise as a message each, in parallel.
        drop: ids that are dropped, each with the reason.
        hold: ids that are held back, each with the time until which.
        full: one message had no room for all that was due.
    """

    send: tuple[Delivery, ...] = ()
    drop: tuple[tuple[int, str], ...] = ()
    hold: tuple[tuple[int, datetime], ...] = ()
    full: bool = False


def next_batch(
    waiting: Sequence[Waiting],
    *,
    policy: ChannelPolicy,
    muted: Collection[str],
    now: datetime,
    alone: bool = False,
    room: int = MOST_PARALLEL,
    batchable: Callable[[Sequence[Deliverable]], Sequence[Deliverable]] = list,
) -> Batch:
    """Decide what goes out now. The rules, in order:

    1. Deliveries of a muted watch are dropped, and those of snapshots that a muted watch of a dataset found.
    2. Where messages are merged, an event is dropped if a newer one of the same snapshot waits, too: nobody wants to
       read "running" after "ready". An event that quiet hours hold back does not drop one that may go now.
    3. What is due in quiet hours is held back until they end.
    4. The rest of what is due goes out. Where messages are merged, it goes as one message, with exceptions: a delivery
       that was refused before, or whose message raised, goes alone, so that it cannot spoil the others; deliveries that
       some of the channel's targets already have go with those that the same targets have; what does not fit waits for
       the next message. Where messages are not merged, as many go in parallel as the policy allows, one per snapshot.

    Args:
        waiting: everything that waits for the channel, the most overdue first.
        policy: the channel's.
        muted: the ids of the watches that are muted.
        now: the time.
        alone: send at most one, to test whether a broken channel works again.
        room: how many messages may go beside those in flight, where messages are not merged.
        batchable: returns what fits into one message, of what could go as one (at least one).
    """
    dropped = {each.delivery.id: MUTED for each in waiting if _is_muted(each.delivery, muted)}
    until = {
        each.delivery.id: policy.quiet.holds(_names_of(each.delivery), now) if policy.quiet else None
        for each in waiting
    }
    if policy.merges:
        left = [each.delivery for each in waiting if each.delivery.id not in dropped]
        dropped |= _superseded(left, by=[delivery for delivery in left if until[delivery.id] is None])
        dropped |= _superseded([delivery for delivery in left if until[delivery.id] is not None], by=left)
    held: list[tuple[int, datetime]] = []
    due: list[Delivery] = []
    for each in waiting:
        if each.delivery.id in dropped or each.not_before > now:
            continue
        end = until[each.delivery.id]
        if end is None:
            due.append(each.delivery)
        else:
            held.append((each.delivery.id, end))
    full = False
    if alone:
        due = due[:1]
    elif policy.merges:
        due, full = _as_one_message(due, batchable)
    else:
        due = _parallel(due, min(policy.parallel, room))
    return Batch(send=tuple(due), drop=tuple(dropped.items()), hold=tuple(held), full=full)


def _is_muted(delivery: Delivery, muted: Collection[str]) -> bool:
    return isinstance(delivery.event, Event) and any(each in muted for each in family(delivery.event.watch_id))


def _names_of(delivery: Delivery) -> tuple[str, ...]:
    return delivery.event.transition.names if isinstance(delivery.event, Event) else (NOTICE,)


def _superseded(waiting: Sequence[Delivery], *, by: Sequence[Delivery]) -> dict[int, str]:
    newest: dict[str, int] = {}
    for delivery in by:
        if isinstance(delivery.event, Event):
            transition = delivery.event.transition
            newest[transition.snapshot_id] = max(newest.get(transition.snapshot_id, 0), transition.revision)
    return {
        delivery.id: SUPERSEDED
        for delivery in waiting
        if isinstance(delivery.event, Event)
        and delivery.event.transition.revision < newest.get(delivery.event.transition.snapshot_id, 0)
    }


def _as_one_message(
    due: Sequence[Delivery], batchable: Callable[[Sequence[Deliverable]], Sequence[Deliverable]]
) -> tuple[list[Delivery], bool]:
    """Return what goes as one message, and whether that had no room for all."""
    if not due or _goes_alone(due[0]):
        return [*due[:1]], False
    alike = [delivery for delivery in due if not _goes_alone(delivery) and delivery.reached == due[0].reached]
    going = {each.id for each in batchable([delivery.event for delivery in alike])}
    together = [delivery for delivery in alike if delivery.event.id in going]
    return together, len(together) < len(alike)


def _goes_alone(delivery: Delivery) -> bool:
    """Whether a delivery failed a message before: it was refused, or making the message raised."""
    return bool(delivery.refusals) or delivery.raised


def _parallel(due: Sequence[Delivery], most: int) -> list[Delivery]:
    first: dict[str, Delivery] = {}
    for delivery in due:
        first.setdefault(subject_of(delivery), delivery)
    return [*first.values()][:most]


def subject_of(delivery: Delivery) -> str:
    """Return what a delivery is about, of which one message is in flight at a time: its snapshot, or its own notice."""
    event = delivery.event
    return event.transition.snapshot_id if isinstance(event, Event) else event.id

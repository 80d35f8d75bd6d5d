"""What becomes of the deliveries that wait for a channel when it is its turn: sent, dropped, or held back."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from notifier.core.delivery.model import Deliverable, Delivery, Event
from notifier.core.delivery.policy import ChannelPolicy
from notifier.core.delivery.routing import family

SUPERSEDED = "superseded"
MUTED = "muted"
NOTICE = "notice"
"""The event name under which quiet hours know a notice to the operators."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A delivery that waits: what it is, and when it may be sent."""

    delivery: Delivery
    not_before: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """A decision over all that waits for one channel. What it does not name goes on waiting.

    `send` goes out now: as one message where messages are merged, else each as its own and all side by side. `drop`
    ends with its reason; `hold` waits until that time. `full` says that the one message had no room for all of them.
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
    batchable: Callable[[Sequence[Deliverable]], Sequence[Deliverable]] = list,
) -> Batch:
    """Decide what goes out now. The rules, in order:

    1. What belongs to a muted watch is dropped, and what to a snapshot that a muted watch of a dataset found.
    2. Where messages are merged, an event is dropped once a newer one of the same snapshot waits too: nobody wants to
       read "running" after "ready". One that quiet hours hold back does not drop one that may go now.
    3. What is due in quiet hours is held back until they end.
    4. The rest of what is due goes out, all as one where messages are merged. What the far side refused before, or
       what could not be made, goes alone, so that it cannot spoil the others; what some of the channel's targets have
       goes with its like; what the message has no room for waits for the next. Where they are not merged as many go as
       may be on their way at the same time, of one snapshot one after the other.

    Args:
        waiting: everything that waits for the channel, the most overdue first.
        policy: the channel's.
        muted: the ids of the watches that are muted.
        now: the time.
        alone: send at most one, to try whether a broken channel works again.
        batchable: of what could go as one message, what the channel takes whole (at least one).
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
        due = _parallel(due, policy.parallel)
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
    """What goes as one message, and whether that had no room for more."""
    if not due or _goes_alone(due[0]):
        return [*due[:1]], False
    alike = [delivery for delivery in due if not _goes_alone(delivery) and delivery.reached == due[0].reached]
    going = {told.id for told in batchable([delivery.event for delivery in alike])}
    together = [delivery for delivery in alike if delivery.event.id in going]
    return together, len(together) < len(alike)


def _goes_alone(delivery: Delivery) -> bool:
    """Whether it has spoilt a message before: it was refused, or the message could not be made."""
    return bool(delivery.refusals) or delivery.raised


def _parallel(due: Sequence[Delivery], most: int) -> list[Delivery]:
    first: dict[str, Delivery] = {}
    for delivery in due:
        event = delivery.event
        first.setdefault(event.transition.snapshot_id if isinstance(event, Event) else event.id, delivery)
    return [*first.values()][:most]

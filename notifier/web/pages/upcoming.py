"""What happens next: polls, tries, the ends of quiet hours and of mutes."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import inf
from urllib.parse import urlencode

from notifier.core.resource_pages import SnapshotPage
from notifier.core.resources import ChannelResource, DatasetResource, DeliveryResource, SnapshotResource
from notifier.core.words import count
from notifier.web.pages.formats import segment
from notifier.web.pages.looks import HELD, of_delivery

MOST = 6
"""Rows of a kind; one more says how many others there are."""

POLLS = "/?status=in-progress&sort=next_poll#watches"
"""The page of all that is polled, the next poll first."""

MUTED_WATCHES = "/?status=muted#watches"


@dataclass(frozen=True, kw_only=True, slots=True)
class Upcoming:
    """Something that will happen: what and when; `at` is None if only a person ends it.

    `polls` are the topics (`web.live.changes`) whose polls move `at`.
    """

    key: str
    kind: str
    tone: str
    icon: str
    what: str
    at: datetime | None
    detail: str = ""
    href: str = ""
    polls: str = ""


def upcoming(
    page: SnapshotPage,
    in_progress: int,
    waiting: Sequence[DeliveryResource],
    soonest: Sequence[SnapshotResource],
    muted: Sequence[SnapshotResource],
    channels: Sequence[ChannelResource],
    now: datetime,
) -> list[Upcoming]:
    """Return what happens next, the soonest first; what only a person ends comes last.

    All polls are one row, and so are all messages to a channel. Quiet hours and mutes each have their own.

    Args:
        page: the watches that are shown; its datasets are all of them.
        in_progress: how many snapshots are polled.
        waiting: deliveries that are open.
        soonest: the snapshots with the next polls.
        muted: the snapshots that are muted.
        channels: how the channels do.
        now: the present time.
    """
    rows = [
        *_polls(in_progress, soonest, page.datasets, now),
        *_cut(list(_tries(waiting, channels, now)), "to other channels", "/deliveries?state=open"),
        *_cut(list(_holds(channels, now)), "other channels", "/channels"),
        *_cut(list(_mutes([*page.datasets, *muted])), "other watches", MUTED_WATCHES),
    ]
    rows.sort(key=lambda each: (each.at is None, each.at or now))
    return rows


def _cut(rows: list[Upcoming], others: str, href: str) -> list[Upcoming]:
    """Return the rows of a kind; the last one stands for those that have no room."""
    if len(rows) <= MOST:
        return rows
    first = sorted(rows, key=lambda each: each.at.timestamp() if each.at else inf)[: MOST - 1]
    rest = replace(first[-1], key=f"more:{href}", what=f"{len(rows) - len(first):,} {others}", detail="", href=href)
    return [*first, rest]


def _polls(
    in_progress: int, soonest: Sequence[SnapshotResource], datasets: Sequence[DatasetResource], now: datetime
) -> Iterator[Upcoming]:
    """Yield one row for all polls: how many there are, and the next one."""
    first = min([*_of_snapshots(soonest), *_of_lists(datasets)], key=lambda each: each.at or now, default=None)
    lists = sum(each.next_poll is not None for each in datasets)
    if first is None or in_progress + lists <= 1:
        yield from [] if first is None else [first]
        return
    numbers = ((in_progress, "snapshot"), (lists, "dataset"))
    what = " and ".join(count(number, noun) for number, noun in numbers if number)
    yield replace(first, key="polls", icon="running", what=what, detail=f"the next: {first.what}", href=POLLS)


def _of_snapshots(soonest: Sequence[SnapshotResource]) -> Iterator[Upcoming]:
    for each in soonest:
        if each.next_poll is not None:
            yield Upcoming(
                key=f"poll:{each.watch}",
                kind="poll",
                tone="active",
                icon="running",
                what=each.name or each.watch,
                at=each.next_poll,
                detail=f"{each.status} now",
                href=f"/watches/{segment(each.watch)}",
                polls=f"watch:{each.watch} dataset:{each.dataset}" if each.dataset else f"watch:{each.watch}",
            )


def _of_lists(datasets: Sequence[DatasetResource]) -> Iterator[Upcoming]:
    for each in datasets:
        if each.next_poll is not None:
            yield Upcoming(
                key=f"list:{each.watch}",
                kind="poll",
                tone="active",
                icon="dataset",
                what=each.name or each.watch,
                at=each.next_poll,
                detail="the list of the dataset",
                href=f"/watches/{segment(each.watch)}",
                polls=f"dataset:{each.dataset}",
            )


def _tries(
    waiting: Sequence[DeliveryResource], channels: Sequence[ChannelResource], now: datetime
) -> Iterator[Upcoming]:
    """Yield one row for the messages of each channel that no quiet hours hold."""
    for each in channels:
        begun = each.deliveries.get("retrying", 0) + each.deliveries.get("uncertain", 0)
        number = begun + each.deliveries.get("pending", 0)
        if not number or each.held_by == "quiet":
            continue
        look = of_delivery("retrying" if begun else "pending")
        one = next((one for one in waiting if one.channel == each.channel), None) if number == 1 else None
        yield Upcoming(
            key=f"messages:{each.channel}",
            kind="next try" if begun else "message",
            tone=look.tone,
            icon=look.icon,
            what=f"{count(number, 'message')} to {each.channel}" if one is None else one.title or one.event_id,
            at=max(each.held_until or now, now),
            detail=(f"to {each.channel}" if one else "") or ("the channel is broken" if each.broken_since else ""),
            href=f"/deliveries/{one.id}"
            if one
            else f"/deliveries?{urlencode({'state': 'open', 'channel': each.channel})}",
        )


def _holds(channels: Sequence[ChannelResource], now: datetime) -> Iterator[Upcoming]:
    for each in channels:
        if each.held_until is None or each.held_until <= now or each.held_by != "quiet":
            continue
        waiting = each.deliveries.get("pending", 0) + each.deliveries.get("retrying", 0)
        yield Upcoming(
            key=f"channel:{each.channel}",
            kind=HELD["quiet"].word,
            tone="idle",
            icon="quiet",
            what=f"Quiet hours of {each.channel} end",
            at=each.held_until,
            detail=f"{count(waiting, 'message')} {'waits' if waiting == 1 else 'wait'} until then",
            href="/channels",
        )


def _mutes(watched: Iterable[DatasetResource | SnapshotResource]) -> Iterator[Upcoming]:
    for each in watched:
        if each.muted and "/" not in each.watch:
            name = each.name or each.watch
            yield Upcoming(
                key=f"mute:{each.watch}",
                kind="muted",
                tone="idle",
                icon="muted",
                what=f"Mute of {name} ends" if each.muted_until else f"{name} is muted",
                at=each.muted_until,
                href=f"/watches/{segment(each.watch)}",
            )

"""What happens next: polls, tries, the ends of quiet hours and of mutes."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from notifier.core.resource_pages import SnapshotPage
from notifier.core.resources import ChannelResource, DatasetResource, DeliveryResource, SnapshotResource
from notifier.core.words import count
from notifier.web.pages.formats import segment
from notifier.web.pages.looks import HELD, of_delivery

MOST = 8
"""Rows in all."""

POLLS = 3
"""Polls among them: there are many, and they say less than the others."""


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
    waiting: Sequence[DeliveryResource],
    soonest: Sequence[SnapshotResource],
    channels: Sequence[ChannelResource],
    now: datetime,
) -> list[Upcoming]:
    """Return what happens next, the soonest first; what only a person ends comes last.

    Args:
        page: the watches that are shown; its datasets are all of them.
        waiting: deliveries that are open.
        soonest: the snapshots with the next polls.
        channels: how the channels do.
        now: the present time.
    """
    quiet = {each.channel for each in channels if each.held_by == "quiet"}
    tries = _tries((each for each in waiting if each.channel not in quiet), now)
    polls = sorted([*_polls(soonest), *_lists(page.datasets)], key=lambda each: each.at or now)[:POLLS]
    rows = [*tries, *_holds(channels, now), *polls, *_mutes(page)]
    rows.sort(key=lambda each: (each.at is None, each.at or now))
    return rows[:MOST]


def _polls(soonest: Sequence[SnapshotResource]) -> Iterator[Upcoming]:
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


def _lists(datasets: Sequence[DatasetResource]) -> Iterator[Upcoming]:
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


def _tries(waiting: Iterable[DeliveryResource], now: datetime) -> Iterator[Upcoming]:
    for each in waiting:
        look = of_delivery(each.state)
        yield Upcoming(
            key=f"delivery:{each.id}",
            kind="next try" if each.attempts_begun else "message",
            tone=look.tone,
            icon=look.icon,
            what=each.title or each.event_id,
            at=each.not_before or now,
            detail=f"to {each.channel}",
            href=f"/deliveries/{each.id}",
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


def _mutes(page: SnapshotPage) -> Iterator[Upcoming]:
    watched: list[DatasetResource | SnapshotResource] = [*page.datasets, *page.snapshots]
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

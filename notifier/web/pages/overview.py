"""The overview: does anything need me, what runs, what ended, what was told, what happens next; then all watches."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from notifier.core.resource_pages import SnapshotPage
from notifier.core.resources import (
    ChannelResource,
    ConditionResource,
    DeliveryResource,
    SnapshotResource,
)
from notifier.core.snapshot.statuses import Phase, phase_of
from notifier.core.words import count
from notifier.web.pages.filters import ENDED, IN_PROGRESS, MUTED, SORTS, WatchFilters
from notifier.web.pages.upcoming import upcoming

PANEL = 6
"""Rows of a panel above the list of watches."""

MUTES = 20
"""Muted snapshots that are asked for, to list what happens next."""

MOST_DATASETS = 100
"""Datasets that are listed; the others are found by the search."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Panels:
    """What stands above the list of watches.

    Attributes:
        running, ended: the newest of each.
        messages: the newest deliveries.
        waiting: deliveries that are open.
        soonest: the snapshots with the next polls.
    """

    running: tuple[SnapshotResource, ...] = ()
    ended: tuple[SnapshotResource, ...] = ()
    messages: tuple[DeliveryResource, ...] = ()
    waiting: tuple[DeliveryResource, ...] = ()
    soonest: tuple[SnapshotResource, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Overview:
    """What the page shows.

    Attributes:
        page: the watches that the filters show, and their counts.
        counts: the number of all watched snapshots by status, whatever the filters say.
        conditions: what is in trouble.
        channels: how the channels do.
        dataset_names: every watched dataset by its id.
        any_watches: whether the configuration has any.
        muted: the first of the snapshots that are muted.
        panels: what stands above the watches; None where filters are given.
        untold: how many failures were told to nobody yet, because their deliveries are still tried.
    """

    page: SnapshotPage
    counts: Mapping[str, int]
    conditions: tuple[ConditionResource, ...]
    channels: tuple[ChannelResource, ...]
    dataset_names: Mapping[str, str]
    any_watches: bool
    muted: tuple[SnapshotResource, ...] = ()
    panels: Panels | None = None
    untold: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """The answer to the first question, in words; `href` leads to what it is about."""

    tone: str
    icon: str
    title: str
    text: str
    href: str = ""


def context(found: Overview, filters: WatchFilters, now: datetime) -> dict[str, Any]:
    """Return what the template `overview` needs."""
    page, panels = found.page, found.panels or Panels()
    following = f"{_with(filters.url(), 'after', page.next_cursor)}" if page.next_cursor else None
    return {
        "path": "/",
        "verdict": verdict(found),
        "conditions": found.conditions,
        "filters": filters,
        "running": panels.running,
        "in_progress": in_progress(found.counts),
        "ended": panels.ended,
        "messages": panels.messages,
        "upcoming": upcoming(
            page, in_progress(page.counts), panels.waiting, panels.soonest, found.muted, found.channels, now
        ),
        "counts": list(_counts(page.counts, filters)),
        "any_muted": bool(found.muted) or filters.status == MUTED,
        "muted_url": filters.url(status=MUTED),
        "statuses": [
            (IN_PROGRESS, "In progress"),
            (ENDED, "Ended"),
            (MUTED, "Muted"),
            *((each, each) for each in _chosen(page.counts, filters)),
        ],
        "dataset_names": list(found.dataset_names.items()),
        "sorts": list(SORTS.items()),
        "sort_words": SORTS[filters.sort].lower(),
        "datasets": page.datasets[:MOST_DATASETS],
        "more_datasets": max(len(page.datasets) - MOST_DATASETS, 0),
        "rows": page.snapshots,
        "any_watches": found.any_watches,
        "first_url": filters.url() if filters.after else None,
        "next_url": following,
    }


def verdict(found: Overview) -> Verdict:
    """Say whether anything needs a person."""
    number = len(found.conditions)
    state = _in_short(found)
    if found.untold:
        state += f" {count(found.untold, 'failure')} {'was' if found.untold == 1 else 'were'} told to nobody yet."
    again = tried_again(found.channels)
    href = "/deliveries?state=open" if again or found.untold else ""
    if number:
        title = "One thing needs you" if number == 1 else f"{number:,} things need you"
        return Verdict(tone="bad", icon="failed", title=title, text=state, href=href)
    if again or found.untold:
        are = "is" if again == 1 else "are"
        title = f"{count(again, 'message')} {are} being tried again" if again else "Failures wait to be told"
        return Verdict(tone="warn", icon="retrying", title=title, text=state, href=href)
    if not found.any_watches:
        text = "Nothing is watched yet: name a snapshot or a dataset of Bright Data in the configuration."
        return Verdict(tone="idle", icon="unknown", title="Watch your first snapshot", text=text)
    return Verdict(tone="good", icon="ready", title="Nothing needs you", text=state)


def tried_again(channels: Sequence[ChannelResource]) -> int:
    """Return how many deliveries failed, and are tried again."""
    return sum(each.deliveries.get(state, 0) for each in channels for state in ("retrying", "uncertain"))


def _in_short(found: Overview) -> str:
    counts = found.counts
    running = in_progress(counts)
    failed = counts.get("failed", 0) + counts.get("missing", 0)
    said = [f"{running:,} in progress" if running else "nothing in progress"]
    said.append(f"{failed:,} failed or missing" if failed else "nothing failed")
    open_ = sum(
        number
        for channel in found.channels
        for state, number in channel.deliveries.items()
        if state in ("pending", "retrying", "uncertain", "sending")
    )
    said.append(f"{count(open_, 'message')} waiting" if open_ else "no message is waiting")
    text = ", ".join(said)
    return f"{text[:1].upper()}{text[1:]}."


def in_progress(counts: Mapping[str, int]) -> int:
    """Return how many snapshots have not ended."""
    return sum(number for status, number in counts.items() if phase_of(status) in (Phase.ACTIVE, Phase.UNKNOWN))


def _counts(counts: Mapping[str, int], filters: WatchFilters) -> Iterator[dict[str, Any]]:
    """The counts by status, the most urgent first, each with the address that shows only these."""
    total = sum(counts.values())
    yield {"status": "", "number": total, "href": filters.url(status=""), "current": not filters.status}
    for status, number in sorted(counts.items(), key=_urgency):
        href = filters.url(status=status)
        yield {"status": status, "number": number, "href": href, "current": filters.status == status}


def _urgency(entry: tuple[str, int]) -> tuple[int, str]:
    status, _ = entry
    order = {"failed": 0, "missing": 1, "canceled": 4, "ready": 5}
    return order.get(status, 3 if phase_of(status) is Phase.ACTIVE else 6), status


def _chosen(counts: Mapping[str, int], filters: WatchFilters) -> list[str]:
    """The statuses to choose from: those that occur, and the one that is chosen."""
    chosen = {filters.status} - {"", IN_PROGRESS, ENDED, MUTED}
    return sorted({*counts, *chosen})


def _with(url: str, name: str, value: str) -> str:
    """Return an address with one more parameter, before its anchor."""
    path, mark, anchor = url.partition("#")
    return f"{path}{'&' if '?' in path else '?'}{name}={value}{mark}{anchor}"

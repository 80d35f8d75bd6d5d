"""What happens next is listed in the order of time, and each thing once."""

from collections.abc import Sequence
from dataclasses import replace

from support.page_world import CHANNELS, DATASETS, DELIVERIES, NOW, SNAPSHOTS

from notifier.core.resource_pages import SnapshotPage
from notifier.core.resources import ChannelResource
from notifier.web.pages.upcoming import Upcoming, upcoming


def planned(channels: Sequence[ChannelResource]) -> list[Upcoming]:
    """What happens next with two open deliveries and one snapshot that is polled soon."""
    page = SnapshotPage(snapshots=SNAPSHOTS, next_cursor=None, counts={}, datasets=DATASETS)
    return upcoming(page, (DELIVERIES[2], DELIVERIES[5]), (SNAPSHOTS[2],), channels, NOW)


def test_what_happens_next_is_in_the_order_of_time() -> None:
    rows = planned(CHANNELS)
    assert [each.kind for each in rows] == ["poll", "poll", "poll", "next try", "muted", "quiet hours", "muted"]
    times = [each.at for each in rows if each.at is not None]
    assert times == sorted(times)
    assert rows[-1].at is None, "what only a person ends comes last"


def test_what_waits_for_quiet_hours_is_said_once() -> None:
    rows = planned(CHANNELS)
    assert [each.what for each in rows if "ops-mail" in f"{each.what}{each.detail}"] == ["Quiet hours of ops-mail end"]


def test_a_channel_that_is_held_no_more_holds_nothing() -> None:
    past = [replace(each, held_until=NOW) for each in CHANNELS]
    assert all(each.kind != "quiet hours" for each in planned(past))

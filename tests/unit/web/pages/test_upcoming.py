"""What happens next is one line a kind in the order of time; quiet hours and mutes are always listed."""

from collections.abc import Sequence
from dataclasses import replace

from support.page_world import CHANNELS, DATASETS, DELIVERIES, NOW, SNAPSHOTS, after

from notifier.core.resource_pages import SnapshotPage
from notifier.core.resources import ChannelResource, SnapshotResource
from notifier.web.pages.upcoming import MOST, Upcoming, upcoming

MUTED = tuple(each for each in SNAPSHOTS if each.muted)


def planned(
    channels: Sequence[ChannelResource] = CHANNELS, muted: Sequence[SnapshotResource] = MUTED, in_progress: int = 5
) -> list[Upcoming]:
    """What happens next with two open deliveries and one snapshot that is polled soon."""
    page = SnapshotPage(snapshots=SNAPSHOTS, next_cursor=None, counts={}, datasets=DATASETS)
    return upcoming(page, in_progress, (DELIVERIES[2], DELIVERIES[5]), (SNAPSHOTS[2],), muted, channels, NOW)


def test_what_happens_next_is_in_the_order_of_time() -> None:
    rows = planned()
    assert [each.kind for each in rows] == ["poll", "next try", "muted", "quiet hours", "muted"]
    times = [each.at for each in rows if each.at is not None]
    assert times == sorted(times)
    assert rows[-1].at is None, "what only a person ends comes last"


def test_all_polls_are_one_line_with_the_next_one() -> None:
    (polls,) = (each for each in planned() if each.kind == "poll")
    assert (polls.what, polls.detail) == ("5 snapshots and 2 datasets", "the next: Prices, hourly")
    assert polls.at == after(seconds=4)


def test_a_single_poll_is_that_of_its_watch() -> None:
    page = SnapshotPage(snapshots=SNAPSHOTS, next_cursor=None, counts={}, datasets=())
    (only,) = upcoming(page, 1, (), (SNAPSHOTS[2],), (), (), NOW)
    assert (only.what, only.href) == ("Prices, hourly", "/watches/sd_m9fhqq2dz0v1t4")


def test_the_messages_to_a_channel_are_one_line() -> None:
    four = [replace(each, deliveries={"retrying": 3, "pending": 1}) for each in CHANNELS if each.channel == "pipeline"]
    (row,) = (each for each in planned(four) if each.kind == "next try")
    assert (row.what, row.href) == ("4 messages to pipeline", "/deliveries?state=open&channel=pipeline")
    (alone,) = (each for each in planned() if each.kind == "next try")
    assert (alone.what, alone.href) == (DELIVERIES[2].title, "/deliveries/42")


def test_many_of_a_kind_end_with_how_many_others_there_are() -> None:
    many = [replace(MUTED[0], watch=f"sd_{number}", muted_until=after(hours=number)) for number in range(1, 12)]
    rows = [each for each in planned(muted=many) if each.kind == "muted"]
    assert len(rows) == MOST
    assert any(each.what == "7 other watches" and each.href == "/?status=muted#watches" for each in rows)


def test_what_waits_for_quiet_hours_is_said_once() -> None:
    rows = planned()
    assert [each.what for each in rows if "ops-mail" in f"{each.what}{each.detail}"] == ["Quiet hours of ops-mail end"]


def test_a_channel_that_is_held_no_more_holds_nothing() -> None:
    past = [replace(each, held_until=NOW) for each in CHANNELS]
    assert all(each.kind != "quiet hours" for each in planned(past))

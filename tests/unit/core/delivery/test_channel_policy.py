"""Quiet hours: by the wall clock of a zone, on ordinary days and on those when the clocks change."""

from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from notifier.core.delivery.channel_policy import ChannelPolicy, OnUncertain, Quiet

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")

CHANGES = [
    (BERLIN, datetime(2026, 3, 29, 1, tzinfo=UTC)),
    (BERLIN, datetime(2026, 10, 25, 1, tzinfo=UTC)),
    (NEW_YORK, datetime(2026, 3, 8, 7, tzinfo=UTC)),
    (NEW_YORK, datetime(2026, 11, 1, 6, tzinfo=UTC)),
    (ZoneInfo("Australia/Lord_Howe"), datetime(2026, 4, 4, 15, tzinfo=UTC)),  # By half an hour.
    (ZoneInfo("Africa/Cairo"), datetime(2026, 4, 23, 22, tzinfo=UTC)),  # Midnight is skipped.
    (ZoneInfo("Asia/Beirut"), datetime(2026, 10, 24, 21, tzinfo=UTC)),  # Back over midnight.
    (ZoneInfo("America/St_Johns"), datetime(2010, 11, 7, 2, 31, tzinfo=UTC)),  # Back over midnight, from 00:01.
    (ZoneInfo("Pacific/Apia"), datetime(2011, 12, 30, 10, tzinfo=UTC)),  # A whole day is skipped.
]
STEADY: list[tzinfo] = [UTC, ZoneInfo("Asia/Kolkata"), timezone(timedelta(hours=-11, minutes=-30))]

TIMES = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))
AROUND = st.timedeltas(min_value=timedelta(hours=-40), max_value=timedelta(hours=40))
NEAR_A_CHANGE = st.builds(lambda change, offset: (change[0], change[1] + offset), st.sampled_from(CHANGES), AROUND)
ANY_TIME = st.integers(10**9, 2 * 10**9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
STEADY_TIME = st.tuples(st.sampled_from(STEADY), ANY_TIME)
ZONES = [*STEADY, *(zone for zone, _ in CHANGES)]


def quiet(start: time, end: time, zone: tzinfo, *exceptions: str) -> Quiet:
    """A window; the case is dropped if it would be none."""
    assume(start != end)
    return Quiet(start=start, end=end, zone=zone, exceptions=exceptions)


def clock_shows(moment: datetime, zone: tzinfo) -> datetime:
    """What the clocks on the walls of the zone show."""
    return moment.astimezone(zone).replace(tzinfo=None)


def passes(zone: tzinfo, day: date, clock: time) -> datetime:
    """The first quarter of an hour at which the clocks show the time or more, found by looking at each of them.

    All changes that are tested fall on a quarter, or on a minute after one that goes back over no tested time.
    """
    wall = datetime.combine(day, clock)
    moment = wall.replace(tzinfo=UTC) - timedelta(hours=38)
    while clock_shows(moment, zone) < wall:
        moment += timedelta(minutes=15)
    return moment


def windows(window: Quiet, around: datetime) -> list[tuple[datetime, datetime]]:
    """The windows of the days around a moment, those that touch made one."""
    found: list[tuple[datetime, datetime]] = []
    for days in range(-4, 5):
        day = clock_shows(around, window.zone).date() + timedelta(days=days)
        begin = passes(window.zone, day, window.start)
        end = passes(window.zone, day if window.start < window.end else day + timedelta(days=1), window.end)
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        elif begin < end:
            found.append((begin, end))
    return found


@pytest.mark.parametrize(
    ("start", "end", "now", "until"),
    [
        ("22:00", "07:00", "2026-06-01T21:59:59+02:00", None),
        ("22:00", "07:00", "2026-06-01T22:00:00+02:00", "2026-06-02T07:00:00+02:00"),
        ("22:00", "07:00", "2026-06-02T06:59:59.999999+02:00", "2026-06-02T07:00:00+02:00"),
        ("22:00", "07:00", "2026-06-02T07:00:00+02:00", None),
        ("12:00", "13:30", "2026-06-02T12:45:00+02:00", "2026-06-02T13:30:00+02:00"),
        ("12:00", "13:30", "2026-06-02T11:00:00+02:00", None),
        ("20:00", "00:00", "2026-06-02T23:59:00+02:00", "2026-06-03T00:00:00+02:00"),
        ("00:00", "06:00", "2026-06-02T00:00:00+02:00", "2026-06-02T06:00:00+02:00"),
        # The night that is an hour shorter: 02:00 to 03:00 is skipped.
        ("22:00", "07:00", "2026-03-28T22:00:00+01:00", "2026-03-29T07:00:00+02:00"),
        ("22:00", "02:30", "2026-03-29T01:59:59+01:00", "2026-03-29T03:00:00+02:00"),
        ("22:00", "02:30", "2026-03-29T03:00:00+02:00", None),
        ("02:30", "07:00", "2026-03-29T01:59:59+01:00", None),
        ("02:30", "07:00", "2026-03-29T03:00:00+02:00", "2026-03-29T07:00:00+02:00"),
        ("02:30", "03:15", "2026-03-29T03:10:00+02:00", "2026-03-29T03:15:00+02:00"),
        ("02:10", "02:40", "2026-03-29T03:20:00+02:00", None),
        # All that lies between two windows is skipped.
        ("02:40", "02:20", "2026-03-29T01:00:00+01:00", "2026-03-30T02:20:00+02:00"),
        # The night that is an hour longer: 02:00 to 03:00 comes twice.
        ("22:00", "07:00", "2026-10-24T22:00:00+02:00", "2026-10-25T07:00:00+01:00"),
        ("22:00", "02:30", "2026-10-25T02:29:00+02:00", "2026-10-25T02:30:00+02:00"),
        ("22:00", "02:30", "2026-10-25T02:10:00+01:00", None),
        ("02:30", "07:00", "2026-10-25T02:29:00+02:00", None),
        ("02:30", "07:00", "2026-10-25T02:10:00+01:00", "2026-10-25T07:00:00+01:00"),
        ("02:15", "02:45", "2026-10-25T02:30:00+02:00", "2026-10-25T02:45:00+02:00"),
        ("02:15", "02:45", "2026-10-25T02:30:00+01:00", None),
    ],
)
def test_a_window_begins_and_ends_by_the_clocks_of_berlin(start: str, end: str, now: str, until: str | None) -> None:
    window = Quiet(start=time.fromisoformat(start), end=time.fromisoformat(end), zone=BERLIN)
    expected = datetime.fromisoformat(until) if until else None
    assert window.ends_at(datetime.fromisoformat(now)) == expected


@pytest.mark.parametrize(
    ("start", "end", "now", "until"),
    [
        ("21:00", "02:30", "2026-03-08T01:30:00-05:00", "2026-03-08T03:00:00-04:00"),
        ("02:15", "06:00", "2026-03-08T03:00:00-04:00", "2026-03-08T06:00:00-04:00"),
        ("21:00", "01:30", "2026-11-01T01:00:00-04:00", "2026-11-01T01:30:00-04:00"),
        ("21:00", "01:30", "2026-11-01T01:15:00-05:00", None),
        ("01:30", "06:00", "2026-11-01T01:15:00-05:00", "2026-11-01T06:00:00-05:00"),
    ],
)
def test_a_window_begins_and_ends_by_the_clocks_of_new_york(start: str, end: str, now: str, until: str | None) -> None:
    window = Quiet(start=time.fromisoformat(start), end=time.fromisoformat(end), zone=NEW_YORK)
    expected = datetime.fromisoformat(until) if until else None
    assert window.ends_at(datetime.fromisoformat(now)) == expected


@given(TIMES, TIMES, st.one_of(NEAR_A_CHANGE, STEADY_TIME))
@example(time(23, 45), time(0, 15), (ZoneInfo("America/St_Johns"), datetime(2010, 11, 7, 2, 40, tzinfo=UTC)))
def test_an_end_is_later_than_now_in_utc_and_there_the_window_is_over(
    start: time, end: time, where: tuple[tzinfo, datetime]
) -> None:
    zone, now = where
    window = quiet(start, end, zone)
    until = window.ends_at(now)
    if until is not None:
        assert until > now
        assert until.tzinfo is UTC
        assert window.ends_at(until) is None
        assert window.ends_at(until - timedelta.resolution) == until


@given(TIMES, TIMES, STEADY_TIME)
def test_where_no_clock_changes_it_is_quiet_exactly_from_the_start_until_the_end(
    start: time, end: time, where: tuple[tzinfo, datetime]
) -> None:
    zone, now = where
    until = quiet(start, end, zone).ends_at(now)
    clock = clock_shows(now, zone).time()
    is_inside = start <= clock < end if start < end else clock >= start or clock < end
    assert (until is not None) == is_inside
    assert until is None or clock_shows(until, zone).time() == end
    assert until is None or until - now <= timedelta(days=1)


@settings(deadline=None)
@given(TIMES, TIMES, NEAR_A_CHANGE.filter(lambda where: str(where[0]) != "America/St_Johns"))
@example(time(2, 45), time(2, 15), (BERLIN, datetime(2026, 3, 29, tzinfo=UTC)))
@example(time(22), time(7), (ZoneInfo("Pacific/Apia"), datetime(2011, 12, 30, 9, tzinfo=UTC)))
def test_where_clocks_change_a_window_lies_between_the_first_moments_that_show_its_times_or_more(
    start: time, end: time, where: tuple[tzinfo, datetime]
) -> None:
    zone, now = where
    window = quiet(start, end, zone)
    expected = [end for begin, end in windows(window, now) if begin <= now < end]
    assert window.ends_at(now) == (expected[0] if expected else None)


@given(TIMES, TIMES, NEAR_A_CHANGE, st.sampled_from(ZONES))
def test_the_zone_that_now_is_told_in_changes_nothing(
    start: time, end: time, where: tuple[tzinfo, datetime], other: tzinfo
) -> None:
    zone, now = where
    window = quiet(start, end, zone)
    assert window.ends_at(now.astimezone(other)) == window.ends_at(now)
    assert window.ends_at(now.astimezone(zone)) == window.ends_at(now)


@given(TIMES, TIMES, NEAR_A_CHANGE)
def test_an_exception_goes_at_once_and_everything_else_is_held_until_the_end(
    start: time, end: time, where: tuple[tzinfo, datetime]
) -> None:
    zone, now = where
    window = quiet(start, end, zone, "failed", "cancelled")
    assert window.holds(("failed",), now) is None
    assert window.holds(("canceled",), now) is None
    assert window.holds(("ready", "empty"), now) == window.ends_at(now)
    assert quiet(start, end, zone).holds(("failed",), now) == window.ends_at(now)
    assert quiet(start, end, zone, "all").holds(("ready", "empty"), now) is None


def test_an_event_is_an_exception_by_any_of_its_names() -> None:
    window = Quiet(start=time(0), end=time(23, 59), zone=UTC, exceptions=("empty",))
    now = datetime(2026, 6, 1, 12, tzinfo=UTC)
    assert window.holds(("ready", "empty"), now) is None
    assert window.holds(("ready", "complete"), now) == datetime(2026, 6, 1, 23, 59, tzinfo=UTC)


def test_a_window_from_a_time_to_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="the same time"):
        Quiet(start=time(7), end=time(7), zone=UTC)


def test_a_channel_that_says_nothing_is_paced_merges_and_sends_again() -> None:
    policy = ChannelPolicy()
    assert policy.pace == timedelta(seconds=1)
    assert policy.merges
    assert policy.quiet is None
    assert policy.fallback is None
    assert policy.on_uncertain is OnUncertain.RESEND
    assert policy.give_up_after == timedelta(days=3)

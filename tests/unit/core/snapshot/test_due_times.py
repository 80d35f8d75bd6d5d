"""The grid on which polls are due: no drift, no herd, nothing to catch up with."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from support.fakes import START, on_grid

from notifier.core.snapshot.due_times import Grid, instant, moment

keys = st.text(max_size=20)
intervals = st.timedeltas(timedelta(seconds=1), timedelta(days=3))
moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - they get one


def after(interval: timedelta, key: str, now: datetime) -> datetime:
    return moment(Grid.of(key, interval).after(instant(now)))


@given(moments)
def test_an_instant_is_a_time_to_the_microsecond(now: datetime) -> None:
    assert moment(instant(now)) == now


@given(keys, intervals, moments)
def test_the_next_instant_is_after_now_and_at_most_an_interval_away(
    key: str, interval: timedelta, now: datetime
) -> None:
    assert now < after(interval, key, now) <= now + interval


@given(keys, intervals, moments, st.integers(-1, 1))
def test_that_holds_at_the_very_instants_of_the_grid(key: str, interval: timedelta, now: datetime, beside: int) -> None:
    following = after(interval, key, now)
    near = following + timedelta(microseconds=beside)
    assert after(interval, key, near) == (following if beside < 0 else following + interval)


@given(keys, intervals, st.lists(moments, min_size=2, max_size=5))
def test_all_instants_of_a_key_lie_on_one_grid(key: str, interval: timedelta, times: list[datetime]) -> None:
    assert on_grid([after(interval, key, each) for each in times], interval)


def test_keys_are_spread_over_the_interval() -> None:
    interval = timedelta(seconds=100)
    offsets = [(after(interval, f"s_{number}", START) - START) / interval for number in range(1_000)]
    tenths = [sum(int(offset * 10) == tenth for offset in offsets) for tenth in range(10)]
    assert min(tenths) > 60
    assert max(tenths) < 140

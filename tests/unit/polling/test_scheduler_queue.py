"""More polls are due than requests are admitted: which go first, and how many."""

import asyncio
from datetime import timedelta

from support.fakes import START, on_grid
from support.poll_schedules import EVERY, Polls, tell

from notifier.polling.running_polls import MAX_CONCURRENT


def test_a_poll_starts_only_with_a_request_and_the_most_overdue_first() -> None:
    async def story(polls: Polls) -> None:
        polls.requests.most = 1

        async def take_time(_key: str) -> None:
            await asyncio.sleep(1)
            assert polls.requests.in_flight == 1

        polls.during = take_time
        polls.pauses = {f"s_{number}": [None] for number in range(10)}
        for number in reversed(range(10)):
            polls.add(f"s_{number}", first_s=number / 10, pause=timedelta(hours=1))
        async with polls.running():
            await asyncio.sleep(20)

    polls = tell(story)
    assert [key for key, _, _ in polls.made] == [f"s_{number}" for number in range(10)]
    assert (polls.requests.in_flight, polls.requests.given_back) == (0, 10)


def test_concurrent_polls_are_bounded_even_if_their_requests_are_done() -> None:
    async def story(polls: Polls) -> None:
        committed = asyncio.Event()

        async def commit(_key: str) -> None:
            polls.requests.in_flight = 0
            await committed.wait()

        polls.during = commit
        for number in range(2 * MAX_CONCURRENT):
            polls.add(f"s_{number}", pause=timedelta(hours=1))
        async with polls.running():
            await asyncio.sleep(1)
            assert len(polls.made) == MAX_CONCURRENT
            committed.set()
            await asyncio.sleep(1)

    assert len({key for key, _, _ in tell(story).made}) == 2 * MAX_CONCURRENT


def test_a_young_snapshot_goes_before_an_old_one_that_is_as_overdue() -> None:
    async def story(polls: Polls) -> None:
        polls.requests.most = 0
        polls.add("old", pause=timedelta(minutes=10))
        polls.add("young", pause=timedelta(seconds=10), first_s=1)
        async with polls.running():
            await asyncio.sleep(2)
            polls.requests.most = 1
            polls.requests.release()
            polls.requests.in_flight = 0
            await asyncio.sleep(5)

    assert [key for key, _, _ in tell(story).made][:2] == ["young", "old"]


def test_an_old_snapshot_is_polled_however_many_young_ones_are_due() -> None:
    async def story(polls: Polls) -> None:
        polls.requests.most = 1

        async def take_time(_key: str) -> None:
            await asyncio.sleep(1)

        polls.during = take_time
        polls.pauses = {f"young_{number}": [timedelta(seconds=10)] * 100 for number in range(20)}
        polls.add("old", pause=timedelta(minutes=10))
        for number in range(20):
            polls.add(f"young_{number}", pause=timedelta(seconds=10))
        async with polls.running():
            await asyncio.sleep(60)

    assert tell(story).times("old")


def test_a_key_that_is_removed_from_the_queue_is_not_polled_and_takes_no_request() -> None:
    async def story(polls: Polls) -> None:
        polls.requests.most = 0
        polls.add("s_1")
        polls.add("s_2")
        async with polls.running():
            await asyncio.sleep(1)
            polls.schedule.remove("s_1")
            polls.requests.most = 2
            polls.requests.release()
            polls.requests.in_flight = 0
            await asyncio.sleep(1)

    polls = tell(story)
    assert [key for key, _, _ in polls.made] == ["s_2"]
    assert polls.requests.in_flight == 0


def test_a_hastened_key_is_polled_at_once_and_then_on_its_grid() -> None:
    async def story(polls: Polls) -> None:
        polls.add("s_1", first_s=500, pause=timedelta(hours=1))
        async with polls.running():
            await asyncio.sleep(10)
            polls.schedule.hasten("s_1")
            polls.schedule.hasten("s_unknown")
            await asyncio.sleep(120)

    polls = tell(story)
    first, *rest = polls.times("s_1")
    assert first == START + timedelta(seconds=10)
    assert on_grid(rest, EVERY)


def test_a_key_that_is_added_again_while_it_is_polled_is_due_at_the_new_time() -> None:
    async def story(polls: Polls) -> None:
        async def put_off(key: str) -> None:
            if len(polls.made) == 1:
                polls.schedule.add(key, pause=EVERY, first=polls.clock.now() + timedelta(seconds=100))

        polls.during = put_off
        polls.add("s_1")
        async with polls.running():
            await asyncio.sleep(150)

    first, second, *_ = tell(story).times("s_1")
    assert second - first == timedelta(seconds=100)


def test_the_scheduler_reports_how_overdue_the_most_overdue_poll_is() -> None:
    async def story(polls: Polls) -> None:
        polls.requests.most = 0
        async with polls.running():
            assert polls.schedule.overdue == timedelta(0)
            polls.add("s_1")
            polls.add("s_2", first_s=5)
            await asyncio.sleep(10)
            assert polls.schedule.overdue == timedelta(seconds=10)
            assert polls.made == []

    tell(story)

"""Jobs for results in the real database: settled once, with what is told of them."""

from datetime import timedelta
from pathlib import Path

from support.fakes import START
from support.outboxes import settled, sql, take, tell

from notifier.core.delivery.message_text import message
from notifier.core.delivery.model import Event, Notice
from notifier.core.delivery.retry_pauses import LONGEST_RETRY
from notifier.core.errors import DownloadTrouble
from notifier.core.snapshot.download_job import HELD_FOR, Fetched, GivenUp, Retrying
from notifier.downloads.worker import Jobs, late_news
from notifier.store import downloads
from notifier.store.store import Store

LATER = START + timedelta(minutes=1)
FETCHED = Fetched(path="/results/s_1.json", records=3)


async def job(store: Store, *channels: str) -> Event:
    """An event whose results are to be fetched."""
    event = await tell(store, *channels)
    await store._database.run(lambda connection: downloads.add(connection, event, folder="/results", format="json"))
    return event


async def test_the_messages_wait_for_the_file_and_go_when_it_is_there(store: Store) -> None:
    jobs: Jobs = store.downloads
    event = await job(store, "chat", "mail")
    assert (await take(store, "chat", at=LATER)).send == ()
    [due] = await jobs.due(START, 5, ())
    assert (due.event, due.folder, due.format, due.attempt) == (event, "/results", "json", 1)
    woken = await jobs.settle(due, FETCHED, LATER, late_news(due, FETCHED, LATER))
    assert set(woken) == {"chat", "mail"}
    assert [each.event.id for each in (await take(store, "chat", at=LATER)).send] == [event.id]
    assert await jobs.next_due(()) is None


async def test_a_file_that_takes_too_long_does_not_hold_the_message_and_follows_as_a_notice(store: Store) -> None:
    jobs: Jobs = store.downloads
    event = await job(store, "chat", "mail")
    over = START + HELD_FOR
    sent = (await take(store, "chat", at=over)).send
    assert [each.event.id for each in sent] == [event.id]
    await settled(store, sent, at=over)
    [due] = await jobs.due(over, 5, ())
    woken = await jobs.settle(due, FETCHED, over, late_news(due, FETCHED, over))
    assert set(woken) == {"chat"}
    [late] = [each.event for each in (await take(store, "chat", at=over)).send]
    assert isinstance(late, Notice)
    assert "/results/s_1.json" in late.body
    assert [each.event.id for each in (await take(store, "mail", at=over)).send] == [event.id]


async def test_a_failure_is_tried_again_at_its_time_and_its_end_lets_the_messages_go(store: Store) -> None:
    jobs: Jobs = store.downloads
    await job(store, "chat")
    [first] = await jobs.due(START, 5, ())
    retrying = Retrying(until=LATER, trouble=DownloadTrouble.NO_SPACE, detail="full")
    assert set(await jobs.settle(first, retrying, START, None)) == set()
    assert await jobs.due(START, 5, ()) == []
    assert await jobs.next_due(()) == LATER
    [second] = await jobs.due(LATER, 5, ())
    assert second.attempt == 2
    given_up = GivenUp(trouble=DownloadTrouble.EXPIRED, detail="deleted")
    assert set(await jobs.settle(second, given_up, LATER, late_news(second, given_up, LATER))) == {"chat"}
    assert len((await take(store, "chat", at=LATER)).send) == 1


async def test_a_message_names_its_file_as_it_stands_when_it_is_made(store: Store) -> None:
    await job(store, "chat", "mail")
    [due] = await store.downloads.due(START, 5, ())
    [early] = (await take(store, "mail", at=START + HELD_FOR)).send
    await store.downloads.settle(due, FETCHED, LATER, None)
    [done] = (await take(store, "chat", at=LATER)).send
    assert isinstance(early.event, Event)
    assert isinstance(done.event, Event)
    assert "File: on its way to /results" in message(early.event).body
    assert "File: /results/s_1.json" in message(done.event).body


async def test_old_events_go_with_their_jobs_but_not_before_those_have_ended(store: Store) -> None:
    await job(store, "chat")
    [due] = await store.downloads.due(START, 5, ())
    sent = (await take(store, "chat", at=START + HELD_FOR)).send
    await settled(store, sent, at=START + HELD_FOR)
    much_later = START + timedelta(days=100)
    await store.maintenance.prune(before=much_later, watched=(), now=much_later)
    assert [each.event.id for each in await store.downloads.due(LATER, 5, ())] == [due.event.id]
    await store.downloads.settle(due, FETCHED, LATER, None)
    await store.maintenance.prune(before=much_later, watched=(), now=much_later)
    assert sql(store._database.path, "SELECT count(*) FROM downloads") == [(0,)]


async def test_an_attempt_is_settled_once(store: Store) -> None:
    jobs: Jobs = store.downloads
    await job(store, "chat")
    [due] = await jobs.due(START, 5, ())
    assert await jobs.settle(due, FETCHED, LATER, None)
    assert not await jobs.settle(due, GivenUp(trouble=DownloadTrouble.EMPTY, detail=""), LATER, None)


async def test_jobs_survive_a_restart(database: Path) -> None:
    async with Store(database) as store:
        event = await job(store, "chat")
    async with Store(database) as store:
        assert [each.event for each in await store.downloads.due(START, 5, ())] == [event]
        assert await store.downloads.due(START, 5, {event.id}) == []


async def test_a_message_that_waits_for_its_file_goes_on_waiting_at_a_start_and_when_the_clock_is_set(
    store: Store,
) -> None:
    event = await job(store, "chat")
    assert await store.outbox.reschedule_after_clock_change(LATER) == 0
    assert (await take(store, "chat", at=LATER)).send == ()
    long_before = START - timedelta(days=1)
    assert await store.outbox.reschedule_after_clock_change(long_before) == 1
    assert [each.event.id for each in (await take(store, "chat", at=long_before)).send] == [event.id]


async def test_a_job_is_put_off_for_no_longer_than_a_pause_by_a_clock_that_was_wrong(store: Store) -> None:
    await job(store, "chat")
    [due] = await store.downloads.due(START, 5, ())
    until = START + LONGEST_RETRY
    await store.downloads.settle(due, Retrying(until=until, trouble=DownloadTrouble.BUSY, detail=""), START, None)
    assert await store.downloads.reschedule_after_clock_change(START) == 0
    before = START - timedelta.resolution
    assert await store.downloads.reschedule_after_clock_change(before) == 1
    assert len(await store.downloads.due(before, 5, ())) == 1

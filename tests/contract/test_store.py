"""What every store must do: commit all or nothing, decide every race, and forget nothing.

The database is a parameter of `database`: another kind joins by a line there.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.claims import PAUSE, attempt, claim, moved, rows, settled, tell
from support.fakes import DELIVERED, START, seen, transition, watch

from notifier.core.delivery.model import Event
from notifier.core.delivery.retry_decision import decide
from notifier.core.delivery.routing import event_of
from notifier.core.errors import StoreError
from notifier.core.snapshot.model import Facts, NotFound, Observation, SnapshotState
from notifier.core.snapshot.transitions import step
from notifier.store.reader import Reader
from notifier.store.sqlite.errors import Unwritable
from notifier.store.store import PollRecord, Store

BLANK = SnapshotState(snapshot_id="s_1")


class TestCommit:
    """What breaks a rule of the database is `Unwritable`, which costs its unit; a StoreError would end the daemon."""

    async def test_a_transition_and_its_deliveries_are_there_together(self, store: Store, database: Path) -> None:
        event = await tell(store, "chat", "mail")
        assert [(row.channel, row.state, row.event) for row in rows(database)] == [
            ("chat", "pending", event),
            ("mail", "pending", event),
        ]
        assert (await store.state("s_1")).status == "ready"

    async def test_an_event_that_nobody_is_told_is_remembered_without_deliveries(self, store: Store) -> None:
        await tell(store)
        assert (await store.state("s_1")).revision == 1
        assert await store.outbox.open_deliveries() == {}

    async def test_a_delivery_that_cannot_be_written_takes_the_state_back_with_it(
        self, store: Store, database: Path
    ) -> None:
        after, event = moved(BLANK, seen("ready"))
        with pytest.raises(Unwritable, match="UNIQUE constraint failed: deliveries"):
            await store.commit(watch=watch(), before=BLANK, after=after, events=[(event, ["chat", "chat"])])
        assert await store.state("s_1") == BLANK
        assert rows(database) == []
        assert await store.commit(watch=watch(), before=BLANK, after=after, events=[(event, ["chat"])])

    async def test_an_event_that_cannot_be_written_takes_the_state_back_with_it(self, store: Store) -> None:
        event = await tell(store)
        before = await store.state("s_1")
        after, _ = moved(before, seen("failed"))
        with pytest.raises(Unwritable, match="UNIQUE constraint failed: events"):
            await store.commit(watch=watch(), before=before, after=after, events=[(event, [])])
        assert await store.state("s_1") == before

    async def test_from_a_stale_state_nothing_is_written(self, store: Store, database: Path) -> None:
        await tell(store, "chat")
        now = await store.state("s_1")
        after, event = moved(BLANK, seen("failed"))
        assert not await store.commit(watch=watch(), before=BLANK, after=after, events=[(event, ["chat"])])
        stale = replace(now, revision=7)
        after, event = moved(stale, seen("failed"))
        assert not await store.commit(watch=watch(), before=stale, after=after, events=[(event, ["chat"])])
        assert await store.state("s_1") == now
        assert len(rows(database)) == 1

    @pytest.mark.parametrize("known", [False, True])
    async def test_of_many_at_once_from_one_state_exactly_one_wins(
        self, store: Store, database: Path, known: bool
    ) -> None:
        if known:
            after, event = moved(BLANK, seen("running"))
            await store.commit(watch=watch(), before=BLANK, after=after, events=[(event, [])])
        before = await store.state("s_1")
        after, event = moved(before, seen("ready"))
        won = await asyncio.gather(
            *(store.commit(watch=watch(), before=before, after=after, events=[(event, ["chat"])]) for _ in range(10))
        )
        assert sorted(won) == [False] * 9 + [True]
        assert len(rows(database)) == 1

    async def test_a_new_state_without_its_times_is_an_error_and_no_race(self, store: Store) -> None:
        broken = replace(BLANK, status="ready", revision=1)
        with pytest.raises(Unwritable, match="NOT NULL constraint failed"):
            await store.commit(watch=watch(), before=BLANK, after=broken, events=[])


class TestStates:
    @settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(
        facts=st.builds(
            Facts,
            dataset_id=st.none() | st.text(),
            records=st.none() | st.integers(0, 2**53),
            errors=st.none() | st.integers(0, 2**53),
            error_message=st.none() | st.text(),
            error_codes=st.dictionaries(st.text(), st.integers(0, 99), max_size=3).map(lambda d: tuple(d.items())),
            running_time_ms=st.none() | st.integers(0, 10**9),
        ),
        status=st.text(min_size=1, max_size=9),
        microseconds=st.integers(0, 10**12),
        number=st.integers(0, 10**9),
    )
    async def test_every_fact_and_time_comes_back_as_it_was(
        self, store: Store, facts: Facts, status: str, microseconds: int, number: int
    ) -> None:
        before = SnapshotState(snapshot_id=f"s_{number}_{microseconds}_{status!r}_{hash(facts)}")
        when = START + timedelta(microseconds=microseconds)
        after, (told,) = step(before, seen(status, **{f: getattr(facts, f) for f in Facts.__slots__}), when, PAUSE)
        event = event_of(told, watch(before.snapshot_id, labels={"team": "ünïcode ☃"}))
        assert await store.commit(watch=watch(), before=before, after=after, events=[(event, [before.snapshot_id])])
        assert await store.state(before.snapshot_id) == after
        claimed = await claim(store, before.snapshot_id, when)
        assert claimed is not None
        assert claimed.event == event
        await settled(store, attempt(claimed), decide(claimed, DELIVERED, when, 0.5), when)

    async def test_all_states_are_the_sum_of_each(self, store: Store) -> None:
        await tell(store, snapshot_id="s_1")
        await tell(store, snapshot_id="s_2")
        await store.note_polls([poll("s_3")])
        states = await store.states(["s_1", "s_2", "s_3", "s_4"])
        assert set(states) == {"s_1", "s_2", "s_3"}
        assert all([await store.state(each) == states[each] for each in states])

    async def test_what_endings_leave_behind_comes_back(self, store: Store) -> None:
        state, now, events = replace(BLANK, created_at=START - PAUSE), START, list[tuple[Event, list[str]]]()
        for number, status in enumerate(["ready", "running", "running"]):
            now = START + timedelta(hours=number)
            after, (told,) = step(state, seen(status), now, PAUSE, stalled_after=PAUSE)
            events = [(event_of(replace(told, until=now), watch()), ["chat"])]
            assert await store.commit(watch=watch(), before=state, after=after, events=events)
            assert replace(await store.state("s_1"), seen_at=now) == after
            state = after
        assert (state.derived, state.created_at, state.left_end is None) == ("stalled", START - PAUSE, False)
        claimed = [await claim(store, "chat", now) for _ in range(3)]
        assert [each.event for each in claimed if each][-1] == events[0][0]

    async def test_a_snapshot_never_seen_is_blank(self, store: Store) -> None:
        assert await store.state("s_1") == BLANK
        assert await store.states(["s_1"]) == {}

    async def test_a_step_on_a_state_that_went_through_the_store_gives_the_same(self, store: Store) -> None:
        state = BLANK
        history: list[Observation] = [
            seen("running"),
            NotFound(),
            NotFound(),
            seen("running"),
            NotFound(),
            NotFound(),
            NotFound(),
        ]
        for number, observation in enumerate([*history, seen("ready", records=3)]):
            now = START + timedelta(minutes=number)
            after, told = step(await store.state("s_1"), observation, now, PAUSE)
            assert (after, told) == step(state, observation, now, PAUSE)
            if told:
                events = [(event_of(each, watch()), ["chat"]) for each in told]
                assert await store.commit(watch=watch(), before=state, after=after, events=events)
            await store.note_polls([poll("s_1", after, after_s=60 * number)])
            state = after
        assert (state.status, state.revision) == ("ready", 3)


def poll(snapshot_id: str, state: SnapshotState | None = None, *, after_s: float = 0) -> PollRecord:
    known = state or SnapshotState(snapshot_id=snapshot_id)
    return PollRecord(
        snapshot_id=snapshot_id,
        polled_at=START + timedelta(seconds=after_s),
        answer="running",
        next_poll_at=None,
        seen_at=known.seen_at,
        not_found=known.not_found,
        not_found_since=known.not_found_since,
    )


class TestPolls:
    async def test_the_newest_poll_of_each_is_kept(self, store: Store, database: Path) -> None:
        await store.note_polls([poll("s_1"), poll("s_2")])
        await store.note_polls([poll("s_1", after_s=30)])
        assert {key: row.polled_at for key, row in Reader(database).snapshots(["s_1", "s_2", "s_3"]).items()} == {
            "s_1": START + timedelta(seconds=30),
            "s_2": START,
        }

    async def test_no_polls_are_no_transaction(self, store: Store) -> None:
        await store.note_polls([])

    async def test_what_polls_remember_comes_back(self, store: Store) -> None:
        remembered = replace(BLANK, seen_at=START, not_found=2, not_found_since=START)
        await store.note_polls([poll("s_1", remembered, after_s=5)])
        assert await store.state("s_1") == remembered

    async def test_a_poll_noted_before_the_last_transition_knows_nothing_of_what_came_after(self, store: Store) -> None:
        counting = replace(BLANK, not_found=2, not_found_since=START)
        await store.note_polls([poll("s_1", counting)])
        after, event = moved(counting, seen("running"), after_s=5)
        await store.commit(watch=watch(), before=BLANK, after=after, events=[(event, [])])
        # Killed here, before the next batch of polls was noted.
        assert await store.state("s_1") == after
        assert (await store.states(["s_1"]))["s_1"].not_found == 0


class TestCancellation:
    async def test_a_commit_that_is_cancelled_anywhere_is_whole_or_has_not_happened(
        self, store: Store, database: Path
    ) -> None:
        """Cancelled after no turn of the loop, after one, and so on, until it gets through in time."""
        turns, finished = 0, False
        while not finished:
            turns += 1 + turns // 20
            snapshot_id = f"s_{turns}"
            before = SnapshotState(snapshot_id=snapshot_id)
            after, event = moved(before, seen("ready"))
            committing = asyncio.create_task(
                store.commit(watch=watch(snapshot_id), before=before, after=after, events=[(event, ["chat", "mail"])])
            )
            for _ in range(turns - 1):
                await asyncio.sleep(0)
            finished = not committing.cancel()
            await asyncio.wait({committing})
            told = [row for row in rows(database) if row.event.id == event.id]
            state = await store.state(snapshot_id)
            assert (state.revision, len(told)) in ((0, 0), (1, 2))
            if finished:
                assert committing.result() is True
                assert len(told) == 2

    async def test_a_closed_store_refuses_and_does_not_open_the_database_again(self, database: Path) -> None:
        async with Store(database) as store:
            pass
        with pytest.raises(StoreError, match="the store is closed"):
            await tell(store, "chat")

    async def test_closing_waits_for_the_transaction_under_way(self, database: Path) -> None:
        async with Store(database) as store:
            telling = asyncio.create_task(tell(store, "chat"))
            for _ in range(3):
                await asyncio.sleep(0)
        await telling
        assert len(rows(database)) == 1


def test_the_fakes_transition_is_like_a_real_one() -> None:
    after, event = moved(replace(BLANK, status="running", revision=1), seen("ready"))
    assert event.transition == transition()
    assert after.revision == 2


async def test_refusals_are_remembered_and_old_ones_go_in_passing(store: Store) -> None:
    for minutes in (0, 1, 1, 12):
        await store.record_rate_limit(START + timedelta(minutes=minutes))
    assert await store.rate_limits_since(START + timedelta(minutes=2)) == [START + timedelta(minutes=12)]
    assert await store.rate_limits_since(START - timedelta(days=1)) == [START + timedelta(minutes=12)]


async def test_the_last_poll_of_any_snapshot_is_known(store: Store) -> None:
    assert await store.last_poll() is None
    for number in (3, 5, 4):
        at = START + timedelta(seconds=number)
        one = PollRecord(
            snapshot_id=f"s_{number}",
            polled_at=at,
            answer="running",
            next_poll_at=None,
            seen_at=at,
            not_found=0,
            not_found_since=None,
        )
        await store.note_polls([one])
    assert await store.last_poll() == START + timedelta(seconds=5)

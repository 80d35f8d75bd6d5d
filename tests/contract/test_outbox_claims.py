"""Claims and settlements: every race is decided, and what was interrupted goes on.

The database is a parameter of `database`: another kind joins by a line there.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.claims import attempt, claim, rows, settled, take, tell
from support.fakes import DELIVERED, DOWN, REFUSED, START

from notifier.core.delivery.model import DeliveryState, Event, OutcomeKind
from notifier.core.delivery.retry_decision import RetryDecision, decide
from notifier.store.reader import Reader
from notifier.store.store import Store


class TestClaim:
    async def test_nothing_is_given_before_its_time_or_to_another_channel(self, store: Store) -> None:
        await tell(store, "chat", after_s=10)
        assert await claim(store, "chat", START + timedelta(seconds=9.999)) is None
        assert await claim(store, "mail", START + timedelta(seconds=10)) is None
        assert (await take(store, after_s=10)).attempt == 1

    @given(st.lists(st.integers(0, 5), min_size=1, max_size=8))
    @settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    async def test_the_most_overdue_comes_first_and_none_twice(self, tmp_path: Path, offsets: list[int]) -> None:
        database = tmp_path / f"{'-'.join(map(str, offsets))}.db"
        async with Store(database) as store:
            for number, offset in enumerate(offsets):
                await tell(store, "chat", snapshot_id=f"s_{number}", after_s=offset)
            given_out = [(await take(store, after_s=9)).event for _ in offsets]
            assert [each.transition.snapshot_id for each in given_out if isinstance(each, Event)] == [
                f"s_{number}" for number in sorted(range(len(offsets)), key=lambda number: offsets[number])
            ]
            assert await claim(store, "chat", START + timedelta(days=9)) is None

    async def test_claims_at_once_get_one_each(self, store: Store) -> None:
        for number in range(5):
            await tell(store, "chat", snapshot_id=f"s_{number}")
        taken = await asyncio.gather(*(claim(store, "chat", START) for _ in range(8)))
        ids = [delivery.id for delivery in taken if delivery is not None]
        assert len(ids) == len(set(ids)) == 5


class TestSettle:
    async def test_an_attempt_is_recorded_with_what_became_of_it(self, store: Store, database: Path) -> None:
        await tell(store, "chat")
        delivery = await take(store)
        answer = replace(DELIVERED, detail="ok")
        assert await settled(store, attempt(delivery, answer), decide(delivery, answer, START, 0.5), START)
        row = Reader(database).delivery(delivery.id)
        assert row is not None
        assert (row.state, row.reason, row.settled_at, row.not_before) == ("delivered", "http_200", START, None)
        (recorded,) = row.attempts
        assert (recorded.number, recorded.outcome, recorded.detail) == (1, "delivered", "ok")
        assert (recorded.started_at, recorded.duration) == (START, timedelta(milliseconds=250))
        assert await store.outbox.open_deliveries() == {}

    async def test_what_failed_comes_again_when_its_pause_is_over(self, store: Store) -> None:
        await tell(store, "chat")
        delivery = await take(store)
        decision = decide(delivery, DOWN, START, 0.5)
        assert decision.not_before is not None
        assert await settled(store, attempt(delivery, DOWN), decision, START)
        assert await store.outbox.next_due("chat") == decision.not_before
        assert await claim(store, "chat", decision.not_before - timedelta(microseconds=1)) is None
        again = await claim(store, "chat", decision.not_before)
        assert again == replace(delivery, attempt=2)

    async def test_only_the_attempt_that_holds_a_delivery_settles_it(self, store: Store, database: Path) -> None:
        await tell(store, "chat")
        first = await take(store)
        await store.outbox.recover(START)
        second = await take(store)
        done = RetryDecision(state=DeliveryState.DELIVERED, not_before=None)
        assert not await settled(store, attempt(first), done, START)
        assert await settled(store, attempt(second), done, START)
        assert not await settled(store, attempt(second), done, START)
        row = Reader(database).delivery(second.id)
        assert row is not None
        assert [(each.number, each.outcome) for each in row.attempts] == [(1, "uncertain"), (2, "delivered")]

    async def test_a_claim_tells_how_often_it_was_refused(self, store: Store) -> None:
        await tell(store, "chat")
        found = []
        for outcome in (REFUSED, DOWN, REFUSED, DELIVERED):
            delivery = await take(store)
            found.append((delivery.attempt, delivery.refusals))
            again = RetryDecision(state=DeliveryState.RETRYING, not_before=START)
            await settled(store, attempt(delivery, outcome), again, START)
        assert found == [(1, 0), (2, 1), (3, 1), (4, 2)]


class TestRecover:
    async def test_what_was_being_sent_is_uncertain_and_due_at_once(self, store: Store, database: Path) -> None:
        await tell(store, "chat", "mail", "pager")
        sending = await take(store, "chat")
        done = await take(store, "mail")
        await settled(store, attempt(done), decide(done, DELIVERED, START, 0.5), START)
        later = START + timedelta(hours=1)
        assert await store.outbox.recover(later) == 1
        assert {row.channel: row.state for row in rows(database)} == {
            "chat": "uncertain",
            "mail": "delivered",
            "pager": "pending",
        }
        row = Reader(database).delivery(sending.id)
        assert row is not None
        assert [(each.outcome, each.reason, each.started_at) for each in row.attempts] == [
            (OutcomeKind.UNCERTAIN, "interrupted", START)
        ]
        assert await store.outbox.next_due("chat") == later
        assert await claim(store, "chat", later) == replace(sending, attempt=2)

    async def test_once_is_enough(self, store: Store) -> None:
        await tell(store, "chat")
        await take(store)
        assert await store.outbox.recover(START) == 1
        assert await store.outbox.recover(START) == 0

    async def test_it_happens_after_a_restart_too(self, database: Path) -> None:
        async with Store(database) as store:
            await tell(store, "chat")
            await take(store)
        async with Store(database) as store:
            assert await claim(store, "chat", START) is None
            assert await store.outbox.recover(START) == 1
            assert (await take(store)).attempt == 2


class TestDue:
    async def test_the_next_due_is_the_earliest_that_waits(self, store: Store) -> None:
        assert await store.outbox.next_due("chat") is None
        await tell(store, "chat", snapshot_id="s_2", after_s=20)
        await tell(store, "chat", snapshot_id="s_1", after_s=10)
        assert await store.outbox.next_due("chat") == START + timedelta(seconds=10)
        await take(store, after_s=10)
        assert await store.outbox.next_due("chat") == START + timedelta(seconds=20)

    async def test_open_deliveries_are_those_that_have_not_ended(self, store: Store) -> None:
        await tell(store, "chat", "mail")
        await tell(store, "chat", snapshot_id="s_2")
        await take(store)
        assert await store.outbox.open_deliveries() == {"chat": 2, "mail": 1}
        assert await store.outbox.count_open(["chat", "mail", "none"]) == 3
        assert await store.outbox.count_open(["mail"]) == 1
        assert await store.outbox.count_open([]) == 0

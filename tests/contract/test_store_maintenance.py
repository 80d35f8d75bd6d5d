"""The auditor finds what is wrong and nothing else; what has ended long ago goes, and the file shrinks."""

import asyncio
import itertools
import random
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.fakes import DELIVERED, DOWN, REFUSED, START, notice
from support.outboxes import micros, settled, sql, states, take, tell

from notifier.core.delivery.batch import Batch
from notifier.core.delivery.channel_policy import ChannelPolicy, OnUncertain
from notifier.core.delivery.model import Outcome, OutcomeKind
from notifier.store import maintenance
from notifier.store.maintenance import DEATHS_NOTIFIED_EVERY, Audit, DeadDeliveries
from notifier.store.retention import BATCH
from notifier.store.store import Store

SEND = timedelta(minutes=5)
DAY = timedelta(days=1)
GONE = Outcome(kind=OutcomeKind.PERMANENT, reason="http_410")
UNSURE = Outcome(kind=OutcomeKind.UNCERTAIN, reason="read_timeout")
NUMBERS = itertools.count()
HOLDING = ChannelPolicy(on_uncertain=OnUncertain.HOLD)
SHORT_LIVED = ChannelPolicy(give_up_after=timedelta(0))


async def audit(
    store: Store, *, after: timedelta = timedelta(0), resending: tuple[str, ...] = ("chat", "mail")
) -> Audit:
    return await store.maintenance.audit(now=START + after, longest_send=SEND, resending=resending)


async def forget(store: Store, *watched: str, before: timedelta = DAY, now: timedelta = 9 * DAY) -> int:
    return await store.maintenance.prune(before=START + before, watched=watched, now=START + now)


async def ended(store: Store, *snapshot_ids: str) -> None:
    """Snapshots that are ready, and whose deliveries have got through."""
    for snapshot_id in snapshot_ids:
        await tell(store, "chat", snapshot_id=snapshot_id)
    await settled(store, (await take(store)).send)


def counts(database: Path) -> dict[str, int]:
    tables = ("events", "deliveries", "attempts", "notices", "snapshots", "polls", "mutes")
    return {table: sql(database, f"SELECT count(*) FROM {table}")[0][0] for table in tables}


class TestAudit:
    async def test_an_empty_outbox_is_sound(self, store: Store) -> None:
        assert await audit(store) == Audit(without_delivery=0, stuck=0, lingering=0, waiting=0, oldest=None)

    async def test_it_says_how_many_wait_and_since_when(self, store: Store) -> None:
        await tell(store, "chat", "mail", snapshot_id="s_1")
        await tell(store, "chat", snapshot_id="s_2", at=START - DAY)
        await settled(store, (await take(store, "mail")).send)
        found = await audit(store)
        assert (found.waiting, found.oldest, found.sound) == (2, START - DAY, True)

    async def test_a_delivery_that_is_missing_is_found_even_if_a_fallback_was_told(
        self, store: Store, database: Path
    ) -> None:
        await tell(store, "chat", "mail")
        await store.outbox.fall_back("mail", "pager", SEND, START + SEND)
        sql(database, "DELETE FROM deliveries WHERE channel = 'mail'")
        assert (await audit(store)).without_delivery == 1

    async def test_one_audit_after_the_other_goes_through_the_whole_history(
        self, store: Store, database: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What is found is found by each audit that follows, until it is in order."""
        monkeypatch.setattr(maintenance, "SWEPT", 2)
        for number in range(5):
            await tell(store, "chat", snapshot_id=f"s_{number}", at=START + timedelta(seconds=number))
        sql(database, "DELETE FROM deliveries WHERE event_id = (SELECT id FROM events WHERE snapshot_id = 's_3')")
        found = [(await audit(store, after=DAY)).without_delivery for _ in range(6)]
        assert found == [0, 1, 1, 1, 1, 1]
        sql(database, "DELETE FROM events WHERE snapshot_id = 's_3'")
        assert (await audit(store, after=DAY)).sound

    async def test_what_lately_happened_is_in_every_audit(
        self, store: Store, database: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(maintenance, "SWEPT", 1)
        monkeypatch.setattr(maintenance, "BATCH", 2)
        for number in range(5):
            await tell(store, "chat", snapshot_id=f"s_{number}", at=START + timedelta(seconds=number))
        sql(database, "DELETE FROM deliveries WHERE event_id = (SELECT id FROM events WHERE snapshot_id = 's_4')")
        assert (await audit(store, after=timedelta(minutes=1))).without_delivery == 1

    @pytest.mark.parametrize("state", ["pending", "retrying", "uncertain"])
    async def test_a_delivery_without_a_next_try_is_found(self, store: Store, database: Path, state: str) -> None:
        await tell(store, "chat")
        sql(database, "UPDATE deliveries SET not_before = NULL, state = ?", state)
        assert (await audit(store)).stuck == 1
        assert (await audit(store, resending=("mail",))).stuck == (0 if state == "uncertain" else 1)

    async def test_a_delivery_that_is_sending_for_too_long_is_found(self, store: Store) -> None:
        await tell(store, "chat")
        await take(store)
        assert (await audit(store, after=SEND)).lingering == 0
        assert (await audit(store, after=SEND + timedelta.resolution)).lingering == 1

    async def test_an_event_of_before_the_migration_is_not_missed(self, store: Store, database: Path) -> None:
        await tell(store, "chat")
        sql(database, "UPDATE events SET channels = NULL")
        sql(database, "DELETE FROM deliveries")
        assert (await audit(store)).sound

    @settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    @given(st.randoms(use_true_random=False))
    async def test_no_legal_history_is_called_unsound(self, tmp_path: Path, chance: random.Random) -> None:
        async with Store(tmp_path / f"{next(NUMBERS)}.db") as store:
            now = START
            for _ in range(20):
                now += timedelta(minutes=chance.randrange(3))
                channel = chance.choice(["chat", "mail"])
                match chance.randrange(8):
                    case 0 | 1 | 2:
                        name = f"s_{next(NUMBERS)}"
                        await tell(store, *chance.choice([("chat",), ("chat", "mail"), ()]), snapshot_id=name, at=now)
                    case 3 | 4:
                        batch = await take(store, channel, at=now)
                        policy = HOLDING if channel == "mail" else ChannelPolicy()
                        outcome = chance.choice([DELIVERED, DOWN, REFUSED, GONE, UNSURE])
                        if batch.send:
                            await settled(store, batch.send, outcome, at=now, policy=policy)
                    case 5:
                        await store.outbox.fall_back("mail", "chat", SEND, now)
                    case 6:
                        await store.outbox.retry(now)
                        moment = now + timedelta(microseconds=next(NUMBERS))  # its id is made of it
                        await store.outbox.add_notice(notice(chance.choice(["broken", "healed"]), at=moment), ["chat"])
                    case _:
                        await take(store, channel, at=now)
                        await store.outbox.recover(now, held=["mail"])
                found = await store.maintenance.audit(now=now, longest_send=SEND, resending=["chat"])
                assert found.sound, found


class TestDeaths:
    async def test_what_a_channel_lost_is_told_with_the_reason_of_the_last(self, store: Store) -> None:
        for minutes, reason in enumerate(("http_410", "zz_first", "http_404", "http_404")):
            at = START + timedelta(minutes=minutes)
            await tell(store, "chat", snapshot_id=f"s_{minutes}", at=at)
            outcome = Outcome(kind=OutcomeKind.PERMANENT, reason=reason)
            await settled(store, (await take(store, at=at)).send, outcome, at=at, policy=SHORT_LIVED)
        [deaths] = await store.maintenance.dead_deliveries(START + timedelta(minutes=5))
        assert deaths == DeadDeliveries(channel="chat", number=4, reason="http_404", until=START + timedelta(minutes=3))

    async def test_of_a_channel_that_was_told_of_within_the_hour_nothing_is_told(self, store: Store) -> None:
        told = DeadDeliveries(channel="chat", number=1, reason="http_410", until=START)
        await store.outbox.add_notice(notice(subject=told.subject), [])
        later = START + timedelta(minutes=1)
        await tell(store, "chat", at=later)
        await settled(store, (await take(store, at=later)).send, GONE, at=later)
        hour = START + DEATHS_NOTIFIED_EVERY
        assert await store.maintenance.dead_deliveries(hour) == []
        [deaths] = await store.maintenance.dead_deliveries(hour + timedelta.resolution)
        assert (deaths.number, deaths.until) == (1, later)


class TestForget:
    async def test_what_ended_before_the_time_goes_with_all_that_belongs_to_it(
        self, store: Store, database: Path
    ) -> None:
        await ended(store, "s_1", "s_2")
        assert await forget(store) == 4
        assert set(counts(database).values()) == {0}

    async def test_what_ended_later_stays(self, store: Store, database: Path) -> None:
        await ended(store, "s_1")
        before = counts(database)
        assert await forget(store, before=timedelta(0)) == 0
        assert counts(database) == before

    async def test_an_old_event_stays_until_its_last_delivery_has_ended_for_as_long(
        self, store: Store, database: Path
    ) -> None:
        await tell(store, "chat", "mail")
        await settled(store, (await take(store)).send)
        assert await forget(store) == 0
        await settled(store, (await take(store, "mail", at=START + 2 * DAY)).send, at=START + 2 * DAY)
        assert await forget(store, before=2 * DAY) == 0
        assert counts(database)["deliveries"] == 2
        assert await forget(store, before=3 * DAY) == 2

    async def test_a_watched_snapshot_keeps_its_state_so_that_its_end_is_not_told_again(self, store: Store) -> None:
        await ended(store, "s_1")
        before = await store.state("s_1")
        assert await forget(store, "s_1") == 1
        assert await store.state("s_1") == before
        assert (await store.states(["s_1"]))["s_1"].status == "ready"

    async def test_a_snapshot_whose_events_are_still_there_keeps_its_state(self, store: Store, database: Path) -> None:
        """Watched anew from a blank state, it would make an event that exists: the daemon could not commit it."""
        await tell(store, "nobody")
        assert await forget(store) == 0
        assert (await store.state("s_1")).status == "ready"
        sql(database, "UPDATE deliveries SET state = 'dead', settled_at = ?", micros(START))
        assert await forget(store) == 2
        await tell(store, "chat", at=START + 9 * DAY)

    async def test_a_snapshot_that_has_not_ended_stays(self, store: Store) -> None:
        await tell(store, status="running")
        assert await forget(store) == 1
        assert (await store.state("s_1")).status == "running"
        await tell(store, "chat", at=START + DAY)

    async def test_the_last_notice_of_a_subject_stays_so_that_it_is_not_told_again(self, store: Store) -> None:
        for number, kind in enumerate(["broken", "healed", "broken"]):
            await store.outbox.add_notice(notice(kind, at=START + timedelta(seconds=number)), [])
        assert await forget(store) == 2
        assert await store.outbox.notified_subjects("") == {"channel:mail"}
        assert not await store.outbox.add_notice(notice("broken", at=START + DAY), [])

    async def test_mutes_that_ran_out_go_and_others_stay(self, store: Store, database: Path) -> None:
        await store.outbox.mute("s_1", START, START + DAY)
        await store.outbox.mute("s_2", START, None)
        await forget(store)
        assert sql(database, "SELECT watch_id FROM mutes") == [("s_2",)]

    async def test_it_goes_in_batches_between_which_others_have_their_turn(self, store: Store, database: Path) -> None:
        _fill(database, 3 * BATCH)
        forgetting = asyncio.create_task(forget(store, before=DAY))
        left = []
        while not forgetting.done():
            await store.outbox.next_due("chat")
            left.append(counts(database)["events"])
        assert {2 * BATCH, BATCH, 0} & set(left) >= {BATCH}
        assert await forgetting == 3 * BATCH

    async def test_the_file_shrinks(self, store: Store, database: Path) -> None:
        _fill(database, 6 * BATCH)
        (full,) = sql(database, "PRAGMA page_count")[0]
        await forget(store)
        (left,) = sql(database, "PRAGMA page_count")[0]
        assert sql(database, "PRAGMA freelist_count") == [(0,)]
        assert left < full / 4

    async def test_what_is_forgotten_while_it_is_sent_again_is_no_longer_there_to_settle(
        self, store: Store, database: Path
    ) -> None:
        await tell(store, "chat")
        (sending,) = (await take(store)).send
        assert await forget(store) == 0
        assert await settled(store, [sending])
        assert [state for _, state, _ in states(database)] == ["delivered"]


def _fill(database: Path, number: int) -> None:
    """So many old events, each delivered."""
    sql(
        database,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO events "
        "SELECT 'e' || i, 's' || i, 1, 'w', 'name', '{}', 'running', 'ready', '[\"ready\"]', '{}', ?, 0, "
        "'[\"chat\"]', NULL, NULL "
        "FROM n",
        number,
        micros(START),
    )
    sql(
        database,
        "INSERT INTO deliveries (event_id, channel, state, attempt, created_at, wanted_at, settled_at, reason) "
        "SELECT id, 'chat', 'delivered', 1, observed_at, observed_at, observed_at, 'http_200' FROM events",
    )
    sql(database, "INSERT INTO attempts SELECT id, 1, created_at, 5, 'delivered', 'http_200', 'ok', 1 FROM deliveries")


async def test_a_decision_over_nothing_is_no_batch(store: Store) -> None:
    assert await take(store) == Batch()

"""The outbox over a real database: deliveries are claimed, settled, recovered, muted and retried, or fall back."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from support.fakes import DELIVERED, DOWN, REFUSED, START, notice
from support.outboxes import rows, settled, sql, states, take, tell

from notifier.core.delivery.batch import Batch, Waiting
from notifier.core.delivery.channel_policy import ChannelPolicy, OnUncertain, Quiet
from notifier.core.delivery.model import Outcome, OutcomeKind
from notifier.store.store import Store

MINUTE = timedelta(minutes=1)
QUIET = ChannelPolicy(quiet=Quiet(start=time(11), end=time(13), zone=UTC))
APART = ChannelPolicy(merges=False)
UNSURE = Outcome(kind=OutcomeKind.UNCERTAIN, reason="read_timeout")
GONE = Outcome(kind=OutcomeKind.PERMANENT, reason="http_410")
ONE_PM = START.replace(hour=13)


class TestTake:
    async def test_what_was_decided_is_done_to_all_at_once(self, store: Store, database: Path) -> None:
        for number in range(3):
            await tell(store, "chat", snapshot_id=f"s_{number}")

        def decide(waiting: Sequence[Waiting], muted: Collection[str]) -> Batch:
            return Batch(send=(waiting[0].delivery,), drop=((2, "muted"),), hold=((3, ONE_PM),))

        await store.outbox.claim("chat", START, decide)
        assert states(database) == [
            ("chat", "sending", ""),
            ("chat", "dropped", "muted"),
            ("chat", "pending", "quiet"),
        ]

    async def test_a_decision_that_fails_moves_nothing(self, store: Store, database: Path) -> None:
        await tell(store, "chat")

        def decide(waiting: Sequence[Waiting], muted: Collection[str]) -> Batch:
            raise ValueError("undecided")

        with pytest.raises(ValueError, match="undecided"):
            await store.outbox.claim("chat", START, decide)
        assert states(database) == [("chat", "pending", "")]

    async def test_what_goes_together_is_claimed_together(self, store: Store, database: Path) -> None:
        for number in range(30):
            await tell(store, "chat", snapshot_id=f"s_{number}")
        assert len((await take(store)).send) == 30
        assert {state for _, state, _ in states(database)} == {"sending"}

    async def test_one_apart_decides_over_no_more_than_it_needs(self, store: Store) -> None:
        seen: list[int] = []
        for number in range(5):
            await tell(store, "chat", snapshot_id=f"s_{number}")

        def decide(waiting: Sequence[Waiting], muted: Collection[str]) -> Batch:
            seen.append(len(waiting))
            return Batch()

        await store.outbox.claim("chat", START, decide, 3)
        assert seen == [3]

    async def test_what_is_held_and_was_never_tried_is_wanted_only_from_then_on(
        self, store: Store, database: Path
    ) -> None:
        await tell(store, "chat")
        assert (await take(store, policy=QUIET)).send == ()
        assert await store.outbox.next_due("chat") == ONE_PM
        assert (await take(store, at=ONE_PM, policy=QUIET)).send[0].wanted_at == ONE_PM

    async def test_what_was_tried_before_the_quiet_hours_is_given_up_in_spite_of_them(self, store: Store) -> None:
        """Else a channel that is down by day and quiet by night would never be told to be dead."""
        await tell(store, "chat", at=START - 2 * timedelta(hours=1))
        early = START - 2 * timedelta(hours=1)
        await settled(store, (await take(store, at=early)).send, DOWN, at=early)
        assert (await take(store, policy=QUIET)).send == ()
        assert (await take(store, at=ONE_PM)).send[0].wanted_at == early


class TestSettle:
    async def test_all_or_none(self, store: Store, database: Path) -> None:
        for number in range(3):
            await tell(store, "chat", snapshot_id=f"s_{number}")
        batch = (await take(store)).send
        sql(database, "UPDATE deliveries SET state = 'dead' WHERE id = 2")
        assert not await settled(store, batch)
        assert [state for _, state, _ in states(database)] == ["sending", "dead", "sending"]
        assert sql(database, "SELECT count(*) FROM attempts") == [(0,)]

    async def test_each_attempt_says_how_many_went_together(self, store: Store, database: Path) -> None:
        for number in range(3):
            await tell(store, "chat", snapshot_id=f"s_{number}")
        assert await settled(store, (await take(store)).send)
        assert sql(database, "SELECT number, together, outcome FROM attempts") == [(1, 3, "delivered")] * 3


class TestRecover:
    async def test_on_a_channel_that_holds_what_is_uncertain_waits_for_a_person(
        self, store: Store, database: Path
    ) -> None:
        await tell(store, "chat", "hook")
        await take(store, "chat")
        await take(store, "hook")
        assert await store.outbox.recover(START + MINUTE, held=["hook"]) == 2
        assert [(row.channel, row.state, row.not_before) for row in rows(database)] == [
            ("chat", "uncertain", START + MINUTE),
            ("hook", "uncertain", None),
        ]
        assert await store.outbox.next_due("hook") is None

    async def test_what_was_held_goes_once_the_channel_holds_no_longer(self, store: Store) -> None:
        await tell(store, "hook")
        await take(store, "hook")
        await store.outbox.recover(START, held=["hook"])
        assert await store.outbox.recover(START, held=["hook"]) == 0
        assert await store.outbox.next_due("hook") is None
        assert await store.outbox.recover(START + MINUTE) == 0
        assert await store.outbox.next_due("hook") == START + MINUTE


class TestFallBack:
    async def test_what_is_late_is_told_to_the_fallback_exactly_once(self, store: Store, database: Path) -> None:
        event = await tell(store, "mail")
        assert await store.outbox.fall_back("mail", "chat", MINUTE, START + MINUTE / 2) == 0
        assert await store.outbox.fall_back("mail", "chat", MINUTE, START + MINUTE) == 1
        assert await store.outbox.fall_back("mail", "chat", MINUTE, START + 2 * MINUTE) == 0
        assert states(database) == [("mail", "pending", ""), ("chat", "pending", "fallback of mail")]
        assert rows(database)[1].event == event
        assert rows(database)[1].created_at == START + MINUTE

    async def test_a_channel_that_is_told_anyway_is_not_told_again(self, store: Store) -> None:
        await tell(store, "mail", "chat")
        assert await store.outbox.fall_back("mail", "chat", MINUTE, START + MINUTE) == 0

    async def test_what_got_through_or_was_dropped_does_not_fall_back(self, store: Store) -> None:
        await tell(store, "mail", snapshot_id="s_1")
        await settled(store, (await take(store, "mail")).send)
        await tell(store, "mail", snapshot_id="s_2")
        await store.outbox.mute("s_2", START, None)
        await take(store, "mail")
        assert await store.outbox.fall_back("mail", "chat", MINUTE, START + timedelta(days=1)) == 0

    async def test_what_died_falls_back_within_the_hour_and_not_long_after(self, store: Store) -> None:
        await tell(store, "mail")
        await settled(store, (await take(store, "mail")).send, GONE)
        hour = timedelta(hours=1)
        assert await store.outbox.fall_back("mail", "chat", 9 * hour, START + hour) == 0
        assert await store.outbox.fall_back("mail", "chat", 9 * hour, START + hour - MINUTE) == 1

    async def test_what_quiet_hours_hold_back_has_its_time_from_their_end(self, store: Store) -> None:
        early = START - timedelta(hours=2)
        await tell(store, "mail", snapshot_id="s_fresh")
        await tell(store, "mail", snapshot_id="s_tried", at=early)
        tried = await take(store, "mail", at=early)
        await settled(store, tried.send, DOWN, at=early)
        assert len((await take(store, "mail", policy=QUIET)).hold) == 2
        assert await store.outbox.fall_back("mail", "chat", MINUTE, ONE_PM + MINUTE / 2) == 0
        assert await store.outbox.fall_back("mail", "chat", MINUTE, ONE_PM + MINUTE) == 2

    async def test_a_chain_of_fallbacks_ends_even_in_a_circle(self, store: Store, database: Path) -> None:
        await tell(store, "a")
        way = [("a", "b"), ("b", "c"), ("c", "a")]
        for round_ in range(1, 9):
            for channel, to in way:
                await store.outbox.fall_back(channel, to, MINUTE, START + round_ * MINUTE)
        assert [row.channel for row in rows(database)] == ["a", "b", "c"]

    async def test_a_notice_falls_back_too_unless_the_fallback_takes_none(self, store: Store, database: Path) -> None:
        await store.outbox.add_notice(notice(), ["mail"])
        assert await store.outbox.fall_back("mail", "hook", MINUTE, START + MINUTE, with_notices=False) == 0
        assert await store.outbox.fall_back("mail", "chat", MINUTE, START + MINUTE) == 1
        assert rows(database)[1].event == notice()


class TestNotices:
    async def test_of_one_subject_the_same_kind_is_not_told_twice_in_a_row(self, store: Store) -> None:
        said = []
        for number, kind in enumerate(["broken", "broken", "healed", "healed", "broken"]):
            said.append(await store.outbox.add_notice(notice(kind, at=START + number * MINUTE), ["chat"]))
        assert said == [True, False, True, False, True]
        assert await store.outbox.open_deliveries() == {"chat": 3}

    async def test_subjects_do_not_meddle(self, store: Store) -> None:
        assert await store.outbox.add_notice(notice(subject="a"), [])
        assert await store.outbox.add_notice(notice(subject="b"), [])
        assert not await store.outbox.add_notice(notice(subject="a"), [])

    async def test_every_subject_that_was_ever_told_is_known(self, store: Store) -> None:
        for subject in ("status:a", "status:b", "dead:mail"):
            await store.outbox.add_notice(notice(subject=subject), [])
        assert await store.outbox.notified_subjects("status:") == {"status:a", "status:b"}

    async def test_the_last_is_the_last_that_was_told_even_if_the_clock_was_set_back(self, store: Store) -> None:
        assert await store.outbox.add_notice(notice("broken"), [])
        assert await store.outbox.add_notice(notice("healed", at=START - MINUTE), [])
        assert not await store.outbox.add_notice(notice("healed", at=START), [])
        assert await store.outbox.add_notice(notice("broken", at=START - 2 * MINUTE), [])

    async def test_a_notice_comes_back_as_it_was(self, store: Store, database: Path) -> None:
        await store.outbox.add_notice(notice(), ["chat"])
        assert rows(database)[0].event == notice()
        assert (await take(store)).send[0].event == notice()


class TestRetry:
    async def all_states(self, store: Store) -> None:
        """Deliveries 1 to 7: pending, sending, delivered, retrying, uncertain and held, dead, dropped."""
        for number in range(1, 8):
            await tell(store, "chat", snapshot_id=f"s_{number}", at=START + number * MINUTE)
            at = START + number * MINUTE
            if number == 1:
                await store.outbox.mute("s_7", START, None)
                sql(store._database.path, "UPDATE deliveries SET not_before = 5000000000000000 WHERE id = 1")
                continue
            batch = (await take(store, at=at, policy=APART)).send
            outcome = {3: DELIVERED, 4: DOWN, 5: UNSURE, 6: GONE}.get(number)
            if outcome is not None:
                policy = ChannelPolicy(on_uncertain=OnUncertain.HOLD)
                await settled(store, batch, outcome, at=at, policy=policy)
            if number == 4:
                sql(store._database.path, "UPDATE deliveries SET not_before = 5000000000000000 WHERE id = 4")

    async def test_only_what_is_dead_held_or_waits_for_its_next_try_is_moved(
        self, store: Store, database: Path
    ) -> None:
        await self.all_states(store)
        before = [state for _, state, _ in states(database)]
        assert before == ["pending", "sending", "delivered", "retrying", "uncertain", "dead", "dropped"]
        later = START + timedelta(days=1)
        assert await store.outbox.retry(later, ids=range(1, 8)) == ["chat"] * 3
        assert [row.id for row in rows(database) if row.reason == "asked for"] == [4, 5, 6]
        assert {(row.state, row.not_before) for row in rows(database)[3:6]} == {("pending", later)}

    async def test_without_ids_only_the_dead_of_the_channel_and_time(self, store: Store) -> None:
        await self.all_states(store)
        later = START + timedelta(days=1)
        assert await store.outbox.retry(later, channel="mail") == []
        assert await store.outbox.retry(later, since=START + 7 * MINUTE) == []
        assert await store.outbox.retry(later, channel="chat", since=START) == ["chat"]
        assert await store.outbox.retry(later) == []

    async def test_a_dead_one_has_all_its_time_again(self, store: Store) -> None:
        await tell(store, "chat")
        late = START + timedelta(days=3)
        await settled(store, (await take(store)).send, DOWN, at=late)
        assert await store.outbox.retry(late) == ["chat"]
        (again,) = (await take(store, at=late)).send
        assert (again.wanted_at, again.attempt) == (late, 2)
        await settled(store, [again], DOWN, at=late)
        assert await store.outbox.next_due("chat") is not None


class TestMute:
    async def test_what_is_to_be_told_of_a_muted_watch_is_dropped_until_it_is_unmuted(
        self, store: Store, database: Path
    ) -> None:
        await store.outbox.mute("s_1", START, None)
        await tell(store, "chat", status="running")
        assert (await take(store)).drop == ((1, "muted"),)
        assert await store.outbox.unmute("s_1")
        assert not await store.outbox.unmute("s_1")
        await tell(store, "chat")
        assert [each.id for each in (await take(store)).send] == [2]

    @pytest.mark.parametrize(("at", "muted"), [(START + MINUTE - timedelta.resolution, True), (START + MINUTE, False)])
    async def test_a_mute_ends_at_its_time(self, store: Store, at: datetime, muted: bool) -> None:
        await store.outbox.mute("s_1", START, START + MINUTE)
        await tell(store, "chat")
        assert bool((await take(store, at=at)).drop) is muted

    async def test_the_last_mute_is_the_one_that_holds(self, store: Store) -> None:
        await store.outbox.mute("s_1", START, None)
        await store.outbox.mute("s_1", START, START + MINUTE)
        await tell(store, "chat")
        assert (await take(store, at=START + MINUTE)).send


class TestHasten:
    async def test_what_waits_for_its_next_try_is_due_and_nothing_else_moves(
        self, store: Store, database: Path
    ) -> None:
        await tell(store, "chat", "mail", snapshot_id="s_1")
        for channel in ("chat", "mail"):
            await settled(store, (await take(store, channel)).send, DOWN)
        await tell(store, "chat", snapshot_id="s_2", at=START + timedelta(hours=1))
        await tell(store, "chat", snapshot_id="s_3")
        await settled(
            store, (await take(store, policy=APART)).send, UNSURE, policy=ChannelPolicy(on_uncertain=OnUncertain.HOLD)
        )
        before = {row.id: row.not_before for row in rows(database)}
        assert await store.outbox.retry_now("chat", START + timedelta(seconds=1)) == 1
        after = {row.id: row.not_before for row in rows(database)}
        assert {key for key in after if after[key] != before[key]} == {1}
        assert after[1] == START + timedelta(seconds=1)

    @pytest.mark.parametrize(
        ("outcome", "tries", "minutes", "hastened"),
        [
            (DOWN, 8, 2, True),
            (UNSURE, 8, 2, True),
            (DOWN, 8, 0.5, False),  # tried just now: a daemon that is started every few seconds
            (REFUSED, 1, 2, False),  # of the few tries that a refusal gets none is given away
            (REFUSED, 2, 5.1, True),
            (Outcome(kind=OutcomeKind.RETRY, reason="http_429", retry_after=timedelta(hours=3)), 1, 60, False),
        ],
    )
    async def test_after_a_start_what_waits_is_due_unless_it_was_just_tried_or_a_pause_was_asked_for(
        self, outcome: Outcome, tries: int, minutes: float, hastened: bool, store: Store, database: Path
    ) -> None:
        """And the pauses go on growing: the attempts are counted on."""
        await tell(store, "chat")
        last = at = START
        for _ in range(tries):
            await settled(store, (await take(store, at=at)).send, outcome, at=at)
            last, at = at, rows(database)[0].not_before or at
        now = last + timedelta(minutes=minutes)
        (waiting,) = rows(database)
        assert waiting.not_before is not None
        assert waiting.not_before > now
        assert await store.outbox.retry_now_after_start(now, ["chat"]) == hastened
        (after,) = rows(database)
        assert after.not_before == (now if hastened else waiting.not_before)
        assert after.attempt == tries


async def test_what_was_refused_is_counted_as_such_after_a_restart(database: Path) -> None:
    async with Store(database) as store:
        await tell(store, "chat")
        await settled(store, (await take(store)).send, REFUSED)
    async with Store(database) as store:
        assert (await take(store, at=START + timedelta(days=1))).send[0].refusals == 1

"""The caretaker's rounds, and what the operators are told: each trouble once, its end once. The store is real."""

from collections.abc import Collection
from datetime import timedelta
from pathlib import Path

import pytest
from support.fakes import DELIVERED, DOWN, START, Clock, notice
from support.outboxes import rows, settled, sql, take, tell

from notifier.core.delivery.model import Notice
from notifier.core.delivery.policy import ChannelPolicy, OnUncertain
from notifier.core.health.api import ApiKind, ApiNews
from notifier.core.health.channel import Verdict
from notifier.delivery.maintenance import LONGEST_SEND, Maintenance
from notifier.delivery.notices import MOST_WORDS, OperatorNotices
from notifier.store.store import Store

KEEP = timedelta(days=90)


class House:
    """A caretaker and operators over one store; `woken` is which channels got something."""

    def __init__(self, store: Store, watched: Collection[str] = ()) -> None:
        self.store, self.clock = store, Clock()
        self.woken: list[list[str]] = []
        wake = self.woken_by
        self.operators = OperatorNotices(
            channels=("chat", "mail"), outbox=store.outbox, clock=self.clock, committed=wake
        )
        self.caretaker = Maintenance(
            store=store,
            clock=self.clock,
            policies={
                "chat": ChannelPolicy(),
                "mail": ChannelPolicy(fallback="chat", fallback_after=timedelta(minutes=15)),
                "pager": ChannelPolicy(fallback="hook", fallback_after=timedelta(minutes=15)),
                "hook": ChannelPolicy(merges=False, on_uncertain=OnUncertain.HOLD),
            },
            keep=KEEP,
            watched=lambda: watched,
            committed=wake,
            audited=self.operators.audited,
        )

    def woken_by(self, channels: Collection[str]) -> None:
        self.woken.append(list(channels))


@pytest.fixture
def house(store: Store) -> House:
    return House(store, watched={"s_watched"})


def told(database: Path) -> list[tuple[str, str]]:
    """The channel and the kind of every notice that is to be told."""
    return [(row.channel, row.event.kind) for row in rows(database) if isinstance(row.event, Notice)]


async def test_what_is_late_wakes_the_fallback_once(house: House) -> None:
    await tell(house.store, "mail")
    for minutes in (14, 1, 1, 60):
        house.clock.pass_(minutes=minutes)
        await house.caretaker.fall_back()
    assert house.woken == [["chat"]]


async def test_a_webhook_is_the_fallback_of_events_and_not_of_notices(house: House, database: Path) -> None:
    await tell(house.store, "pager")
    await house.store.outbox.tell(notice(), ["pager"])
    house.clock.pass_(minutes=15)
    await house.caretaker.fall_back()
    assert [row.channel for row in rows(database)] == ["pager", "pager", "hook"]
    assert house.woken == [["hook"]]


async def test_what_the_auditor_finds_is_told_once_and_once_when_it_is_right_again(
    house: House, database: Path
) -> None:
    await tell(house.store, "pager")
    await house.caretaker.audit()
    await take(house.store, "pager")
    house.clock.pass_(seconds=LONGEST_SEND.total_seconds() + 1)
    for _ in range(3):
        await house.caretaker.audit()
    assert told(database) == [("chat", "finding"), ("mail", "finding")]
    body = rows(database)[1].event
    assert isinstance(body, Notice)
    assert body.body == "1 delivery sending for too long\nThe oldest waits since 5 min 1 s."
    await house.store.outbox.recover(house.clock())
    for _ in range(3):
        await house.caretaker.audit()
    assert told(database)[2:] == [("chat", "ok"), ("mail", "ok")]


async def test_what_is_held_for_a_person_is_no_finding(house: House, database: Path) -> None:
    await tell(house.store, "hook")
    await take(house.store, "hook")
    await house.store.outbox.recover(START, held=["hook"])
    await house.caretaker.audit()
    assert told(database) == []


async def test_what_is_older_than_is_kept_goes_and_watched_snapshots_are_known_for_ever(house: House) -> None:
    await tell(house.store, "chat", snapshot_id="s_watched")
    await tell(house.store, "chat", snapshot_id="s_gone")
    await settled(house.store, (await take(house.store)).send, DELIVERED)
    house.clock.now = START + KEEP
    await house.caretaker.forget()
    assert set(await house.store.states(["s_watched", "s_gone"])) == {"s_watched", "s_gone"}
    house.clock.pass_(seconds=1)
    await house.caretaker.forget()
    assert set(await house.store.states(["s_watched", "s_gone"])) == {"s_watched"}


async def test_a_channels_trouble_is_told_through_the_others(house: House, database: Path) -> None:
    await house.operators.channel_changed("chat", Verdict.BROKEN, DOWN)
    house.clock.pass_(seconds=1)
    await house.operators.channel_changed("chat", Verdict.BROKEN, DOWN)
    house.clock.pass_(seconds=1)
    await house.operators.channel_changed("chat", Verdict.HEALED, DELIVERED)
    assert told(database) == [("mail", "broken"), ("mail", "healed")]
    assert house.woken == [["mail"], ["mail"]]


async def test_an_unknown_status_word_is_told_once_for_ever_and_never_very_many(house: House, database: Path) -> None:
    for number in (0, 0, *range(100)):
        house.clock.pass_(days=1)
        await house.operators.unknown_word(f"Wörd {number}" if number else "unheard_of", "s_1")
        await house.operators.unknown_word("UNHEARD_OF", "s_2")
    subjects = [row[0] for row in sql(database, "SELECT subject FROM notices ORDER BY at")]
    assert subjects == ["status:unheard_of", *(f"status:wörd {number}" for number in range(1, MOST_WORDS))]
    (title, body), *_, (_, last) = sql(database, "SELECT title, body FROM notices ORDER BY at")
    assert title == "Bright Data says a status that is not known yet: unheard_of"
    assert body.startswith("The snapshot s_1 has it. It counts as in progress")
    assert last.endswith("nothing is told any more; the log has them.")


async def test_a_trouble_that_nobody_can_be_told_is_remembered_all_the_same(house: House, database: Path) -> None:
    lonely = OperatorNotices(channels=("chat",), outbox=house.store.outbox, clock=house.clock, committed=house.woken_by)
    await lonely.channel_changed("chat", Verdict.BROKEN, DOWN)
    assert rows(database) == []
    assert await house.store.outbox.last_kinds() == {"channel:chat": "broken"}
    assert sql(database, "SELECT title, body FROM notices")[0][0] == "the channel chat is broken"


async def test_a_trouble_of_the_api_is_told_once_with_what_to_do_and_its_end_once(house: House, database: Path) -> None:
    locked = ApiNews(kind=ApiKind.UNAUTHORISED, previous=ApiKind.OK, at=house.clock(), detail="HTTP 401: no")
    over = ApiNews(kind=ApiKind.OK, previous=locked.kind, at=house.clock(), lasted=timedelta(minutes=3))
    for news in (locked, locked, over, over):
        await house.operators.api_changed(news)
    told_of = sql(database, "SELECT subject, kind, title, body FROM notices ORDER BY at, rowid")
    assert [(row[0], row[1]) for row in told_of] == [("api", "unauthorised"), ("api", "ok")]
    assert "HTTP 401: no" in told_of[0][3]
    assert "`api:`" in told_of[0][3]
    assert "Nothing is lost" in told_of[0][3]
    assert "(the token was refused) is over after 3 min" in told_of[1][3]


@pytest.mark.parametrize("kind", ApiKind)
async def test_every_kind_of_trouble_has_its_words(house: House, database: Path, kind: ApiKind) -> None:
    held = timedelta(minutes=5)
    await house.operators.api_changed(ApiNews(kind=kind, previous=ApiKind.OK, at=house.clock(), held_for=held))
    ((title, body),) = sql(database, "SELECT title, body FROM notices")
    assert title.startswith("Bright Data ")
    assert body.endswith(".")

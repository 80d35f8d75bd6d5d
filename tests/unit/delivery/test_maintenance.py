"""The maintenance's rounds, and what the operators are told: each trouble once, its end once. The store is real."""

from collections.abc import Collection
from datetime import timedelta
from pathlib import Path

import pytest
from support.fakes import DELIVERED, START, Clock, notice
from support.outboxes import rows, settled, take, tell

from notifier.core.delivery.channel_policy import ChannelPolicy, OnUncertain
from notifier.core.delivery.model import Notice
from notifier.delivery.maintenance import LONGEST_SEND, Maintenance
from notifier.delivery.operator_notices import OperatorNotices
from notifier.store.store import Store

KEEP = timedelta(days=90)


class House:
    """A maintenance and operators over one store; `woken` is which channels got something."""

    def __init__(self, store: Store, watched: Collection[str] = ()) -> None:
        self.store, self.clock = store, Clock()
        self.woken: list[list[str]] = []
        wake = self.woken_by
        self.operators = OperatorNotices(
            channels=("chat", "mail"),
            outbox=store.outbox,
            conditions=store.conditions,
            clock=self.clock,
            committed=wake,
        )
        self.maintenance = Maintenance(
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
        await house.maintenance.fall_back()
    assert house.woken == [["chat"]]


async def test_a_webhook_is_the_fallback_of_events_and_not_of_notices(house: House, database: Path) -> None:
    await tell(house.store, "pager")
    await house.store.outbox.add_notice(notice(), ["pager"])
    house.clock.pass_(minutes=15)
    await house.maintenance.fall_back()
    assert [row.channel for row in rows(database)] == ["pager", "pager", "hook"]
    assert house.woken == [["hook"]]


async def test_what_the_auditor_finds_is_told_once_and_once_when_it_is_right_again(
    house: House, database: Path
) -> None:
    await tell(house.store, "pager")
    await house.maintenance.audit()
    await take(house.store, "pager")
    house.clock.pass_(seconds=LONGEST_SEND.total_seconds() + 1)
    for _ in range(3):
        await house.maintenance.audit()
    assert told(database) == [("chat", "finding"), ("mail", "finding")]
    body = rows(database)[1].event
    assert isinstance(body, Notice)
    assert body.body == "1 delivery sending for too long\nThe oldest has waited for 5 min 1 s."
    await house.store.outbox.recover(house.clock())
    for _ in range(3):
        await house.maintenance.audit()
    assert told(database)[2:] == [("chat", "ok"), ("mail", "ok")]


async def test_what_is_held_for_a_person_is_no_finding(house: House, database: Path) -> None:
    await tell(house.store, "hook")
    await take(house.store, "hook")
    await house.store.outbox.recover(START, held=["hook"])
    await house.maintenance.audit()
    assert told(database) == []


async def test_what_is_older_than_is_kept_goes_and_watched_snapshots_are_known_for_ever(house: House) -> None:
    await tell(house.store, "chat", snapshot_id="s_watched")
    await tell(house.store, "chat", snapshot_id="s_gone")
    await settled(house.store, (await take(house.store)).send, DELIVERED)
    house.clock.now = START + KEEP
    await house.maintenance.prune()
    assert set(await house.store.states(["s_watched", "s_gone"])) == {"s_watched", "s_gone"}
    house.clock.pass_(seconds=1)
    await house.maintenance.prune()
    assert set(await house.store.states(["s_watched", "s_gone"])) == {"s_watched"}

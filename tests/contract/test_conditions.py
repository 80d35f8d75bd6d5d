"""What is in trouble, over a real database: set and cleared in the transaction of the notice that tells of it."""

from datetime import timedelta
from pathlib import Path

import pytest
from support.fakes import START, notice
from support.outboxes import rows, sql

from notifier.core.errors import StoreError
from notifier.core.health.conditions import Condition
from notifier.store import notices
from notifier.store.store import Store

MINUTE = timedelta(minutes=1)
BROKEN = Condition(subject="channel:mail", kind="broken", since=START, detail="http_503")


async def test_a_condition_begins_once_and_ends_once_and_each_is_told(store: Store, database: Path) -> None:
    assert await store.conditions.begin(notice("broken"), "http_503", ["chat"])
    assert await store.conditions.standing() == [BROKEN]
    assert not await store.conditions.begin(notice("broken", at=START + MINUTE), "http_503", ["chat"])
    assert await store.conditions.end(notice("healed", at=START + 2 * MINUTE), ["chat"])
    assert await store.conditions.standing() == []
    assert not await store.conditions.end(notice("healed", at=START + 3 * MINUTE), ["chat"])
    assert [row.event for row in rows(database)] == [notice("broken"), notice("healed", at=START + 2 * MINUTE)]


async def test_one_that_holds_already_keeps_its_time_and_takes_the_new_detail(store: Store) -> None:
    await store.conditions.begin(notice("broken"), "http_503", [])
    await store.conditions.begin(notice("broken", at=START + MINUTE), "timeout", [])
    assert await store.conditions.standing() == [
        Condition(subject="channel:mail", kind="broken", since=START, detail="timeout")
    ]


async def test_another_kind_takes_its_place_and_is_told(store: Store) -> None:
    await store.conditions.begin(notice("unreachable", subject="api"), "", [])
    assert await store.conditions.begin(notice("unauthorised", subject="api", at=START + MINUTE), "HTTP 401", [])
    assert await store.conditions.standing() == [
        Condition(subject="api", kind="unauthorised", since=START + MINUTE, detail="HTTP 401")
    ]


async def test_conditions_of_different_subjects_do_not_meddle(store: Store) -> None:
    await store.conditions.begin(notice(subject="list:gd_1"), "", [])
    await store.conditions.begin(notice(subject="channel:a"), "", [])
    await store.conditions.begin(notice(subject="channel_b"), "", [])
    await store.conditions.end(notice("healed", subject="list:gd_1"), [])
    assert [each.subject for each in await store.conditions.standing()] == ["channel:a", "channel_b"]
    assert [each.subject for each in await store.conditions.standing("channel:")] == ["channel:a"]


async def test_they_outlive_the_process(database: Path) -> None:
    async with Store(database) as store:
        await store.conditions.begin(notice(), "http_503", [])
    async with Store(database) as store:
        assert await store.conditions.standing() == [BROKEN]
        assert not await store.conditions.begin(notice(), "http_503", [])


@pytest.mark.parametrize("ends", [False, True])
async def test_a_condition_changes_with_its_notice_or_not_at_all(
    store: Store, monkeypatch: pytest.MonkeyPatch, *, ends: bool
) -> None:
    """Whatever ends the transaction in between."""
    if ends:
        await store.conditions.begin(notice(), "http_503", [])
    before = await store.conditions.standing()

    def fail(name: str) -> None:
        raise StoreError(name)

    monkeypatch.setattr(notices, "failpoint", fail)
    change = (
        store.conditions.end(notice("healed", at=START + MINUTE), ["chat"])
        if ends
        else store.conditions.begin(notice(), "http_503", ["chat"])
    )
    with pytest.raises(StoreError):
        await change
    assert await store.conditions.standing() == before
    assert sql(store._database.path, "SELECT count(*) FROM deliveries") == [(0,)]


async def test_a_clock_that_was_set_back_tells_the_end_after_the_beginning(store: Store, database: Path) -> None:
    await store.conditions.begin(notice("broken"), "", [])
    await store.conditions.end(notice("healed", at=START - MINUTE), [])
    await store.conditions.begin(notice("broken", at=START - 2 * MINUTE), "", [])
    kinds = sql(database, "SELECT kind FROM notices ORDER BY at")
    assert kinds == [("broken",), ("healed",), ("broken",)]
    (condition,) = await store.conditions.standing()
    assert condition.since == START + 2 * timedelta.resolution

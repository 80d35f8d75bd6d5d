"""The scripted account does what it says."""

from datetime import timedelta

from support.fake_account import FakeAccount
from support.fakes import OUTAGE, START, seen
from support.moving_clock import MovingClock, run

from notifier.core.snapshot.model import Listed, NotFound

DAY = timedelta(days=1)


def test_a_life_is_told_singly_with_its_facts_and_nothing_before_it_began() -> None:
    async def test(clock: MovingClock) -> None:
        account = FakeAccount()
        account.add("s_1", "gd_1", START + timedelta(seconds=10), (0, "running"), (10, "ready"))
        answers = []
        for _ in range(3):
            answers.append(await account.observe("s_1"))
            clock.move(10)
        assert answers == [
            NotFound(),
            seen("running", dataset_id="gd_1"),
            seen("ready", dataset_id="gd_1", records=7, errors=0),
        ]
        assert (account.polls["s_1"], account.requests) == (3, 3)

    run(test)


def test_a_list_has_its_own_words_its_lag_its_gaps_and_its_pages() -> None:
    async def test(clock: MovingClock) -> None:
        account = FakeAccount(page=2)
        account.add("s_1", "gd_1", START - DAY, (0, "collecting"), (86_400, "ready")).listed_as["ready"] = "Ready"
        account.add("s_2", "gd_1", START - 3 * DAY, (0, "failed"))
        account.add("s_3", "gd_1", START, (0, "running"), dated=False)
        account.add("s_4", "gd_2", START, (0, "running"))
        listing = await account.listing("gd_1")
        assert isinstance(listing, tuple)
        assert {each.snapshot_id: each.status for each in listing} == {
            "s_1": "Ready",
            "s_2": "failed",
            "s_3": "running",
        }
        assert (account.lists["gd_1"], account.requests) == (2, 2)
        account.lag = lambda: timedelta(seconds=60)
        account.lives["s_2"].missed = lambda _: True
        late = await account.listing("gd_1")
        assert late == (Listed(snapshot_id="s_1", status="collecting", created=START - DAY),)
        account.lag = lambda: timedelta(0)
        recent = await account.listing("gd_1", from_date=START.date())
        assert isinstance(recent, tuple)
        assert [each.snapshot_id for each in recent] == ["s_3"]
        account.list_fails = account.poll_fails = lambda _: True
        assert await account.listing("gd_1") == OUTAGE
        assert await account.observe("s_1") == OUTAGE

    run(test)

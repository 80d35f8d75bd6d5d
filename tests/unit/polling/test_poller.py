"""One poll: what it commits, in what order, and what it leaves alone. The observer is a fake, the store is real."""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support.fakes import OUTAGE, START, Clock, FakeObserver, seen, watch

from notifier.brightdata.limits.permit import Permit
from notifier.core.delivery.model import Event
from notifier.core.errors import StoreError
from notifier.core.outcomes import PollOutcome, answer_word
from notifier.core.snapshot.model import NotFound, Observation, Reason, Seen, SnapshotState, Unclear, Watch
from notifier.polling.poller import Poller
from notifier.store.reader import Reader
from notifier.store.store import Store


class Bench:
    """A poller with a fake observer and a clock; `woken` has the channels that each commit woke."""

    def __init__(self, store: Store, *answers: Observation, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.observer = FakeObserver(*answers)
        self.woken: list[Collection[str]] = []
        self.on_wake: Callable[[], None] = lambda: None
        self.poller = Poller(observer=self.observer, store=store, clock=self.clock, committed=self._wake)

    def _wake(self, channels: Collection[str]) -> None:
        self.woken.append(channels)
        self.on_wake()

    async def poll(self, watched: Watch | None = None, *, after_s: float = 30) -> PollOutcome:
        """Poll, this long after the poll before."""
        self.clock.pass_(seconds=after_s)
        return await self.poller.poll(watched or watch(), self.clock())


def statuses(outcome: PollOutcome) -> list[str]:
    return [each.event.transition.status for each in outcome.committed]


def events(database: Path) -> list[tuple[str, str]]:
    """Every delivery's channel and status, the oldest first."""
    rows = Reader(database).deliveries()[::-1]
    return [(row.channel, row.event.transition.status) for row in rows if isinstance(row.event, Event)]


@pytest.mark.parametrize("reason", list(Reason))
async def test_an_unclear_poll_commits_nothing(store: Store, database: Path, reason: Reason) -> None:
    bench = Bench(store, seen("running"), Unclear(reason=reason))
    await bench.poll()
    outcome = await bench.poll()
    assert (outcome.committed, outcome.superseded, len(bench.woken)) == ((), False, 1)
    assert bench.poller.state_of("s_1").status == "running"
    assert events(database) == [("chat", "running")]


async def test_a_transition_is_committed_before_its_channels_are_woken(store: Store, database: Path) -> None:
    bench = Bench(store, seen("ready"))
    found: list[list[tuple[str, str]]] = []
    bench.on_wake = lambda: found.append(events(database))
    await bench.poll(watch(notify=("chat", "mail")))
    assert bench.woken == [{"chat", "mail"}]
    assert found == [[("chat", "ready"), ("mail", "ready")]]


async def test_a_transition_that_no_watch_asks_for_is_committed_without_channels(store: Store, database: Path) -> None:
    bench = Bench(store, seen("ready"))
    outcome = await bench.poll(watch(on=("failed",)))
    assert [each.channels for each in outcome.committed] == [()]
    assert (await store.state("s_1")).status == "ready"
    assert events(database) == []


async def test_a_transition_that_was_committed_elsewhere_is_not_told_again(store: Store, database: Path) -> None:
    here, there = Bench(store, seen("ready"), seen("failed")), Bench(store, seen("ready"))
    await there.poll()
    outcome = await here.poll()
    assert (outcome.superseded, outcome.committed, outcome.pause, here.woken) == (True, (), None, [])
    assert here.poller.state_of("s_1") == await store.state("s_1")
    assert events(database) == [("chat", "ready")]
    assert statuses(await here.poll()) == ["failed"]  # and continues from there


async def test_after_a_restart_nothing_is_told_twice(store: Store, database: Path) -> None:
    before = Bench(store, seen("running"))
    await before.poll()
    await before.poller.flush_polls()
    after = Bench(store, seen("running"), clock=before.clock)
    await after.poller.load({"s_1"})
    outcome = await after.poll(after_s=3600)
    assert (outcome.committed, after.woken) == ((), [])
    assert events(database) == [("chat", "running")]


async def test_after_a_restart_what_happened_meanwhile_is_told_with_how_late_it_is(store: Store) -> None:
    before = Bench(store, seen("running"))
    await before.poll()
    await before.poll(after_s=300)
    await before.poller.flush_polls()
    after = Bench(store, seen("ready"), clock=before.clock)
    await after.poller.load({"s_1"})
    outcome = await after.poll(after_s=3600)
    (told,) = outcome.committed
    assert (told.event.transition.previous, told.event.transition.status) == ("running", "ready")
    assert told.event.transition.late_by == timedelta(seconds=3600 - 30)


async def test_without_a_flush_the_lateness_counts_from_the_last_transition(store: Store) -> None:
    before = Bench(store, seen("running"))
    await before.poll()
    after = Bench(store, seen("ready"), clock=before.clock)
    await after.poller.load({"s_1"})
    (told,) = (await after.poll(after_s=3600)).committed
    assert told.event.transition.late_by == timedelta(seconds=3600 - 30)


async def test_a_restart_at_any_instant_tells_the_same_events(tmp_path: Path) -> None:
    script: list[Observation] = [
        seen("running"),
        NotFound(),
        NotFound(),
        seen("running"),
        NotFound(),
        OUTAGE,
        NotFound(),
        NotFound(),
    ]
    script += [seen("ready"), NotFound(), seen("ready")]

    async def told(name: str, restarts: Collection[int], *, flushed: bool) -> list[str]:
        async with Store(tmp_path / f"{name}.db") as store:
            bench, found = Bench(store, *script), list[str]()
            for number in range(len(script)):
                found += [f"{each.event.id} {each.event.transition.status}" for each in (await bench.poll()).committed]
                if number in restarts:
                    if flushed:
                        await bench.poller.flush_polls()
                    bench = Bench(store, *script[number + 1 :] or script[-1:], clock=bench.clock)
                    await bench.poller.load({"s_1"})
            return found

    without = await told("without", (), flushed=True)
    assert len(without) == 3
    assert await told("stopped", range(len(script)), flushed=True) == without
    for number in range(len(script)):
        killed = await told(f"killed-{number}", {number}, flushed=False)
        # A kill may lose the count of 404s and delay "missing", here beyond the end; it never adds an event.
        words = [each.split(" ")[1] for each in killed]
        assert killed == without or words == ["running", "ready"]


async def test_404s_that_a_clear_answer_refuted_are_not_counted_after_a_kill(store: Store) -> None:
    before = Bench(store, seen("running"), NotFound(), NotFound(), seen("running"))
    for _ in range(3):
        await before.poll()
    await before.poller.flush_polls()
    await before.poll()  # clear again, and then killed before the next flush
    after = Bench(store, NotFound(), clock=before.clock)
    await after.poller.load({"s_1"})
    assert (await after.poll()).committed == ()
    assert after.poller.state_of("s_1").not_found == 1


async def test_a_poll_without_a_change_is_stored_at_the_next_flush_only(store: Store, database: Path) -> None:
    bench = Bench(store, seen("running"), seen("running"), OUTAGE)
    await bench.poll()
    await bench.poller.flush_polls()
    before = Reader(database).snapshots(["s_1"])
    await bench.poll()
    await bench.poll()
    assert Reader(database).snapshots(["s_1"]) == before
    await bench.poller.flush_polls()
    row = Reader(database).snapshots(["s_1"])["s_1"]
    assert (row.polled_at, row.answer, row.state.seen_at) == (
        bench.clock(),
        "server_error",
        bench.clock() - timedelta(seconds=30),
    )


async def test_polls_that_could_not_be_stored_are_kept_for_the_next_flush(database: Path) -> None:
    async with Store(database) as closed:
        bench = Bench(closed, seen("running"))
        await bench.poll()
    with pytest.raises(StoreError):
        await bench.poller.flush_polls()
    async with Store(database) as store:
        bench.poller._store = bench.poller._log._store = store
        await bench.poller.flush_polls()
    assert Reader(database).snapshots(["s_1"])["s_1"].polled_at == bench.clock()


async def test_a_transition_that_could_not_be_committed_is_found_again_by_the_next_poll(database: Path) -> None:
    async with Store(database) as closed:
        bench = Bench(closed, seen("ready"))
    with pytest.raises(StoreError):
        await bench.poll()
    assert bench.poller.state_of("s_1") == SnapshotState(snapshot_id="s_1")
    assert bench.woken == []
    async with Store(database) as store:
        bench.poller._store = bench.poller._log._store = store
        assert statuses(await bench.poll()) == ["ready"]


async def test_404s_are_confirmed_soon_and_a_missing_snapshot_is_polled_seldom(store: Store) -> None:
    bench = Bench(store, NotFound())
    slow = watch(every=timedelta(minutes=5))
    pauses = [(await bench.poll(slow, after_s=10)).pause for _ in range(4)]
    assert pauses == [timedelta(seconds=10)] * 2 + [timedelta(minutes=10)] * 2
    assert bench.poller.state_of(slow.snapshot_id).status == "missing"


async def test_a_snapshot_that_has_ended_has_no_next_poll(store: Store, database: Path) -> None:
    bench = Bench(store, seen("failed"))
    assert (await bench.poll()).pause is None
    assert bench.poller.pause(watch()) is None
    await bench.poller.flush_polls()
    assert Reader(database).snapshots(["s_1"])["s_1"].next_poll_at is None


async def test_an_outcome_says_how_long_the_poll_took_and_how_late_it_began(store: Store) -> None:
    bench = Bench(store, seen("running"))
    observe = bench.observer.observe

    async def slowly(snapshot_id: str, *, permit: Permit | None = None) -> Observation:
        bench.clock.pass_(seconds=2)
        return await observe(snapshot_id)

    bench.observer.observe = slowly  # type: ignore[method-assign]
    outcome = await bench.poller.poll(watch(), START - timedelta(seconds=7))
    assert (outcome.lag, outcome.duration) == (timedelta(seconds=7), timedelta(seconds=2))
    early = await bench.poller.poll(watch(), START + timedelta(days=1))
    assert early.lag == timedelta(0)


@pytest.mark.parametrize(
    ("observation", "word"),
    [(Seen(status="Digesting"), "Digesting"), (NotFound(), "not_found"), (OUTAGE, "server_error")],
)
def test_every_answer_has_a_word(observation: Observation, word: str) -> None:
    assert answer_word(observation) == word


async def test_stalled_is_told_once_whatever_is_restarted_in_between(store: Store, database: Path) -> None:
    slow = watch(stalled_after=timedelta(hours=1))
    bench = Bench(store, seen("running"))
    for _ in range(5):
        bench = Bench(store, seen("running"), clock=bench.clock)
        await bench.poller.load({"s_1"})
        await bench.poll(slow, after_s=1800)
    assert events(database) == [("chat", "running"), ("chat", "stalled")]
    assert bench.poller.state_of("s_1").status == "running"


async def test_a_poll_that_cannot_be_stored_costs_only_itself(store: Store) -> None:
    """The other polls are stored, and the next flush does not fail because of it."""
    poller = Poller(observer=FakeObserver(seen("running")), store=store, clock=Clock(), committed=lambda _: None)
    for snapshot_id in ("s_1", "s_2", "s_3"):
        await poller.poll(watch(snapshot_id), START)
    poller._log._records["s_2"] = replace(poller._log._records["s_2"], answer="\ud800")
    with pytest.raises(UnicodeEncodeError):
        await poller.flush_polls()
    await poller.flush_polls()
    found = Reader(store._database.path).snapshots(["s_1", "s_2", "s_3"])
    noted = {row.state.snapshot_id for row in found.values() if row.polled_at is not None}
    assert noted == {"s_1", "s_3"}

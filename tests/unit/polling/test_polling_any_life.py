"""Whatever lists do, and whenever the notifier is killed, events show each life as it was, and its end once."""

import asyncio
import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.fake_account import RECORDS, FakeAccount
from support.fakes import START, watch
from support.polling_world import PollingWorld, run_scenario

from notifier.core.snapshot.model import DatasetWatch
from notifier.core.snapshot.statuses import ENDS

ON = ("ready", "failed", "canceled")
TROUBLED_S = 420
CALM_S = 700
"""Long enough for whatever was put off in the troubles."""

WORDS = ("starting", "running", "collecting", "building", "Digesting", "delivering", "closing")


@dataclass(frozen=True)
class Span:
    """A time of trouble, in seconds after START."""

    begin: int
    length: int

    def has(self, now: datetime) -> bool:
        """Return whether the span has this moment."""
        return self.begin <= (now - START).total_seconds() < self.begin + self.length


@dataclass(frozen=True)
class Script:
    """A snapshot: its dataset, its beginning, the duration of each status, its end, and when lists omit it."""

    dataset: str
    begun: int
    holds: tuple[int, ...]
    end: str | None
    missed: Span


@dataclass(frozen=True)
class History:
    """Everything that happens in one example."""

    scripts: tuple[Script, ...]
    outages: tuple[Span, ...]
    silences: tuple[Span, ...]
    restarts: tuple[tuple[int, int, bool], ...]
    lags: bool
    every: int
    seed: int
    on: tuple[str, ...]


spans = st.builds(Span, st.integers(0, TROUBLED_S), st.integers(0, 150))
holds = st.lists(st.integers(1, 150), min_size=1, max_size=4).map(tuple)
datasets = st.sampled_from(["gd_1", "gd_2"])
ends = st.sampled_from(["ready", "failed", "cancelled", None])
histories = st.builds(
    History,
    scripts=st.lists(st.builds(Script, datasets, st.integers(-200, TROUBLED_S), holds, ends, spans), max_size=10).map(
        tuple
    ),
    outages=st.lists(spans, max_size=2).map(tuple),
    silences=st.lists(spans, max_size=1).map(tuple),
    restarts=st.lists(st.tuples(st.integers(1, 150), st.integers(0, 100), st.booleans()), max_size=3).map(tuple),
    lags=st.booleans(),
    every=st.sampled_from([5, 30]),
    seed=st.integers(0, 1_000),
    on=st.sampled_from([ON, ("all",)]),
)


def account_of(history: History, account: FakeAccount, *, watched_from: int | None = None) -> None:
    """Return an account with this history."""
    dice = random.Random(history.seed)
    for number, script in enumerate(history.scripts):
        words, at = [], 0.0
        for word, held in zip(WORDS[dice.randrange(2) :], script.holds, strict=False):
            words.append((at, word))
            at += held
        if script.end is not None:
            words.append((at, script.end))
        begun = script.begun if watched_from is None else min(script.begun, watched_from)
        life = account.add(f"s_{number}", script.dataset, START + timedelta(seconds=begun), *words)
        life.missed = script.missed.has
    account.list_fails = lambda now: any(span.has(now) for span in (*history.outages, *history.silences))
    account.poll_fails = lambda now: any(span.has(now) for span in history.silences)
    if history.lags:
        account.lag = lambda: timedelta(seconds=dice.uniform(0, 20))


async def live(world: PollingWorld, history: History) -> None:
    """Run, with restarts and kills, and then run without trouble."""
    passed = 0
    for runs, down, killed in history.restarts:
        await world.run_for(seconds=runs, killed=killed)
        world.clock.move(down)
        passed += runs + down
    await world.run_for(seconds=TROUBLED_S - min(passed, TROUBLED_S) + CALM_S)


def is_subsequence(some: list[str], whole: list[str]) -> bool:
    """Return whether all of the first are in the second, in this order."""
    rest = iter(whole)
    return all(each in rest for each in some)


def check_lives(world: PollingWorld) -> None:
    """Check that no event was invented, none is there twice, and every end has its own facts."""
    for snapshot_id, statuses in world.statuses().items():
        truth = world.account.truth(snapshot_id)
        assert is_subsequence(statuses, truth), (snapshot_id, statuses, truth)
    for event in world.events():
        if event.transition.status == "ready":
            assert event.transition.facts.records == RECORDS


HARD = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@HARD
@given(histories)
def test_a_watched_snapshots_life_is_told_as_it_was_and_its_end_once_with_lists_and_without(history: History) -> None:
    told: list[dict[str, str]] = []
    for lists in (True, False):

        async def watched(world: PollingWorld, account: FakeAccount, lists: bool = lists) -> None:
            account_of(history, account, watched_from=-1)
            every = timedelta(seconds=history.every)
            world.watches = [watch(id_, on=history.on, every=every) for id_ in account.lives]
            world.lists = lists
            await live(world, history)

        world = run_scenario(watched, seed=history.seed)
        check_lives(world)
        told.append({id_: statuses[-1] for id_, statuses in world.statuses().items()})
        for id_ in world.account.lives:
            assert told[-1].get(id_) == world.account.truth(id_)[-1]
    assert told[0] == told[1]


@HARD
@given(histories, st.integers(0, 3))
def test_what_is_found_in_a_dataset_is_told_as_it_was_unless_it_is_of_the_baseline(history: History, own: int) -> None:
    baselines: dict[str, datetime] = {}

    async def found(world: PollingWorld, account: FakeAccount) -> None:
        account_of(history, account)
        every = timedelta(seconds=history.every)
        world.watches = [
            watch(id_, on=history.on, every=every)
            for id_, life in list(account.lives.items())[:own]
            if life.words[0][0] < START
        ]
        world.datasets = [
            DatasetWatch(id=f"of-{each}", dataset_id=each, name=each, every=every, notify=("chat",), on=history.on)
            for each in ("gd_1", "gd_2")
        ]
        await live(world, history)
        async with world.running():
            baselines.update(await world.store.datasets.baselines({"gd_1", "gd_2"}))
            assert all(world.account.truth(id_)[-1] not in ENDS for id_ in world.poller.open_snapshots())
            assert set(world.poller._states) <= set(world.poller.open_snapshots()) | {
                w.snapshot_id for w in world.watches
            }
            await asyncio.sleep(1)

    world = run_scenario(found, seed=history.seed)
    check_lives(world)
    statuses = world.statuses()
    for id_, life in world.account.lives.items():
        last, word = life.words[-1]
        answered_at = baselines[life.dataset] + world.account.latency / 2  # the baseline has what had ended
        if last > answered_at or word not in {*ENDS, "cancelled"}:
            assert statuses[id_][-1] == word, (id_, statuses[id_], life)

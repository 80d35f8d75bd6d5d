"""Whatever is added to the configuration or removed, each end has one event, and none is invented."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from support.fake_account import FakeAccount
from support.fakes import watch
from support.polling_world import PollingWorld, run_scenario

from notifier.core.snapshot.model import DatasetWatch, Watch
from unit.polling.test_polling_any_life import CALM_S, HARD, ON, TROUBLED_S, History, account_of, check_lives, histories

DATASETS = ("gd_1", "gd_2")
EVERY = (5, 30, 120)
ASKING = (ON, ("all",), ("failed", "stalled"))


@dataclass(frozen=True)
class Entry:
    """A watch: its interval, its channels and its events."""

    every: int
    channel: str
    on: tuple[str, ...]


@dataclass(frozen=True)
class Edit:
    """A configuration, this many seconds after the one before; a place without an entry is not watched."""

    after: float
    singles: tuple[Entry | None, ...]
    datasets: tuple[Entry | None, ...]
    lists: bool

    def watches(self, account: FakeAccount) -> list[Watch]:
        """The watches of snapshots."""
        return [
            watch(id_, every=timedelta(seconds=each.every), notify=(each.channel,), on=each.on)
            for id_, each in zip(account.lives, self.singles, strict=False)
            if each is not None
        ]

    def wholes(self) -> list[DatasetWatch]:
        """The watches of datasets."""
        return [
            DatasetWatch(
                id=f"of-{id_}",
                dataset_id=id_,
                name=id_,
                every=timedelta(seconds=each.every),
                notify=(each.channel,),
                on=each.on,
            )
            for id_, each in zip(DATASETS, self.datasets, strict=True)
            if each is not None
        ]


def entries(*channels: str) -> st.SearchStrategy[Entry | None]:
    """Entries, some of which notify these channels."""
    some = st.builds(Entry, st.sampled_from(EVERY), st.sampled_from(channels), st.sampled_from(ASKING))
    return st.one_of(st.none(), some)


edits = st.builds(
    Edit,
    after=st.one_of(st.integers(1, 150).map(float), st.sampled_from([0.05, 0.1, 0.15, 3.1])),
    singles=st.lists(entries("one", "two"), min_size=10, max_size=10).map(tuple),
    datasets=st.tuples(entries("all_1", "all_2"), entries("all_1", "all_2")),
    lists=st.booleans(),
)


@HARD
@given(histories, st.lists(edits, min_size=2, max_size=7))
def test_no_sequence_of_reloads_tells_anything_twice_or_loses_or_invents_it(
    history: History, edits: list[Edit]
) -> None:
    history = replace(history, restarts=())
    in_force: list[tuple[datetime, Edit]] = []
    baselines: dict[str, datetime] = {}

    async def scenario(world: PollingWorld, account: FakeAccount) -> None:
        account_of(history, account, watched_from=-1)  # without this it would rightly be missing at first
        first, *others = edits
        world.watches, world.datasets, world.lists = first.watches(account), first.wholes(), first.lists
        in_force.append((world.clock.now(), first))
        async with world.running():
            for edit in others:
                await asyncio.sleep(edit.after)
                await world.manager.reload(edit.watches(account), edit.wholes(), lists=edit.lists)
                in_force.append((world.clock.now(), edit))
            await asyncio.sleep(TROUBLED_S + CALM_S)
            watched = {each.snapshot_id for each in others[-1].watches(account)}
            assert set(world.poller.states) <= set(world.poller.open_snapshots()) | watched
            assert world.schedule.next_polls().keys() <= set(world.poller.open_snapshots()) | watched | {
                f"dataset/{each}" for each in DATASETS
            }
            baselines.update(await world.store.datasets.baselines({each.dataset_id for each in others[-1].wholes()}))

    world = run_scenario(scenario, seed=history.seed)
    check_lives(world)
    statuses = world.statuses()
    channels = {
        (each.event.transition.snapshot_id, each.event.transition.revision): each.channels
        for outcome in world.polled
        for each in outcome.committed
    }
    since, last = in_force[-1]
    own = {each.snapshot_id: each for each in last.watches(world.account)}
    whole = {each.dataset_id: each for each in last.wholes()}
    for number, (id_, life) in enumerate(world.account.lives.items()):
        at, word = life.words[-1]
        owner = own.get(id_) or whole.get(life.dataset)
        if owner is None:
            continue
        has_ended = word in ("ready", "failed", "cancelled")
        if id_ not in own and has_ended and at <= baselines[life.dataset] + world.account.latency / 2:
            continue  # it had ended at the first list, so it is in the baseline
        assert statuses[id_][-1] == word, (number, id_, statuses.get(id_), life)
        if at > since + timedelta(seconds=1) and word in owner.on:
            revision = len(statuses[id_])
            assert channels[id_, revision] == owner.notify

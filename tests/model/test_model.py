"""Whatever happens, in whatever order: nothing is lost, nothing is invented. The real parts against a model of them.

`MODEL_RUNS` says how many runs are made; `make model` makes 2,000.
"""

import asyncio
import os
import shutil
import sqlite3
import sys
import tempfile
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from promise import Promise
from rig import KEEP, OPERATORS, OUTCOMES, POLICIES, Api, Failpoints, Receiver, Rig, is_death
from support.fakes import OUTAGE, START, Clock, seen, watch

from notifier.core.snapshot.model import NotFound, Observation
from notifier.failpoints import NAMES, failpoint
from notifier.store.database import Database
from notifier.store.store import Store

DEADLY = [
    module
    for name, module in sys.modules.items()
    if name.startswith("notifier.") and name != failpoint.__module__ and vars(module).get("failpoint") is failpoint
]
"""The modules in which a kill may come, wherever they lie."""

RUNS = int(os.environ.get("MODEL_RUNS", "120"))
MEMORY = Path("/dev/shm")
SNAPSHOTS = ("s_1", "s_2", "s_3")

ANSWERS: tuple[Observation, ...] = (
    seen("starting"),
    seen("running"),
    seen("Running"),
    seen("missing"),
    seen("ready", records=10, errors=0),
    seen("ready", records=0),
    seen("ready", records=10, errors=1),
    seen("failed"),
    seen("cancelled"),
    NotFound(),
    NotFound(),
)

snapshots = st.sampled_from(SNAPSHOTS)
channels = st.sampled_from(sorted(POLICIES))
steps = st.sampled_from([timedelta(seconds=1), timedelta(seconds=15), timedelta(minutes=2), timedelta(minutes=20)])
ages = st.sampled_from([timedelta(hours=2), timedelta(days=1), timedelta(days=5)])
BEFORE_COMMIT = ("poll.before_commit", "store.event_written")
kills = st.one_of(st.just(""), st.sampled_from(NAMES))


@pytest.fixture(scope="module", autouse=True)
def _empty_database() -> None:
    """Made once, and copied for each run."""
    if not EMPTY.exists():
        asyncio.run(_make(EMPTY))


async def _make(path: Path) -> None:
    async with Store(path):
        pass


_FOLDER = tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None, prefix="notifier-model-")
EMPTY = Path(_FOLDER.name) / "empty.db"


class Life(RuleBasedStateMachine):
    """The lives of one notifier."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp(dir=_FOLDER.name))
        shutil.copy(EMPTY, self.folder / "notifier.db")
        self.clock, self.api, self.promise = Clock(), Api(), Promise()
        self.fate = Failpoints()
        self.patches = pytest.MonkeyPatch()
        for part in DEADLY:
            self.patches.setattr(part, "failpoint", self.fate)
        self.patches.setattr(Database, "_run", lambda database, body: self.fate.transaction(database, body))
        self.fallbacks = {(name, policy.fallback) for name, policy in POLICIES.items() if policy.fallback}
        self.rig = Rig(
            database=self.folder / "notifier.db",
            clock=self.clock,
            api=self.api,
            receivers={name: Receiver(name, policy, self.promise, self.clock) for name, policy in POLICIES.items()},
            watches={name: watch(name, notify=("chat", "hook", "held", "mail")) for name in SNAPSHOTS},
        )
        self.api.answers = dict.fromkeys(SNAPSHOTS, seen("running"))
        self.runner.run(self.rig.start())
        self.reader = sqlite3.connect(f"file:{self.rig.database}?mode=ro", uri=True)
        self.reader.row_factory = sqlite3.Row

    def act(self, action: Callable[[], Awaitable[None]], kill: str = "") -> bool:
        """Do it, unless killed on the way: then another life begins. Whether it was done."""

        async def acting() -> None:
            await action()

        self.fate.armed = kill
        try:
            self.runner.run(acting())
        except BaseException as error:
            if not is_death(error):
                raise
            self.promise.killed(kill)
            self.fate.armed = ""
            self.restart()
            return False
        finally:
            self.fate.armed = ""
        return True

    def restart(self, kill: str = "") -> None:
        """The process is gone, with all it had not written down; another one begins."""
        self.runner.run(self.rig.end())
        self.fate.dead = False
        self.promise.misses_here.clear()
        self.act(self.rig.start, kill)

    @rule(snapshot=snapshots, answer=st.sampled_from(ANSWERS))
    def the_snapshot_moves_on(self, snapshot: str, answer: Observation) -> None:
        """At the API, seen or not."""
        self.api.answers[snapshot] = answer

    @rule(down=st.booleans())
    def the_api_fails(self, down: bool) -> None:
        """Or works again."""
        self.api.trouble = OUTAGE if down else None

    @rule(snapshot=snapshots, kill=kills)
    def poll(self, snapshot: str, kill: str) -> None:
        """One poll, if the schedule would make it."""
        if snapshot not in self.rig.watches:
            return
        watched = self.rig.watches[snapshot]
        if self.rig.poller.pause(watched) is None:
            return
        answer = self.api.trouble or self.api.answers[snapshot]
        status, must = self.promise.next_status(snapshot, answer, self.clock())

        async def poll() -> None:
            await self.rig.poller.poll(watched, self.clock())

        survived = self.act(poll, kill)
        revision = self.promise.known.get(snapshot, ("", 0))[1] + 1
        query = "SELECT status FROM events WHERE snapshot_id = ? AND revision = ?"
        row = self.reader.execute(query, (snapshot, revision)).fetchone()
        if row is not None and status is not None:
            self.promise.happened(watched, status, answer)
        elif must and (survived or kill not in BEFORE_COMMIT):
            raise AssertionError(f"{snapshot} is {status}, and nobody noticed")

    @rule(snapshot=snapshots, answer=st.sampled_from(ANSWERS), kill=kills)
    def it_moves_on_and_is_seen(self, snapshot: str, answer: Observation, kill: str) -> None:
        """The usual case."""
        self.the_snapshot_moves_on(snapshot, answer)
        self.poll(snapshot, kill)

    @rule(snapshot=snapshots, kill=kills)
    def it_is_not_found_for_a_while(self, snapshot: str, kill: str) -> None:
        """Three polls, over half a minute."""
        self.the_snapshot_moves_on(snapshot, NotFound())
        for _ in range(3):
            self.poll(snapshot, kill)
            self.time_passes(timedelta(seconds=15))

    @rule()
    def note_polls(self) -> None:
        """As the daemon does every two seconds."""
        self.act(lambda: self.rig.poller.flush_polls())

    @rule(channel=channels, kill=kills)
    def deliver(self, channel: str, kill: str) -> None:
        """One channel wakes."""
        if channel in self.rig.workers:
            self.act(lambda: self.rig.deliver(channel), kill)

    @rule()
    def deliver_everywhere(self) -> None:
        """All channels at the same time."""

        async def all_at_once() -> None:
            await asyncio.gather(*(self.rig.deliver(channel) for channel in self.rig.workers))

        self.act(all_at_once)

    @rule(channel=channels, mood=st.sampled_from(sorted(OUTCOMES)))
    def a_receiver_changes(self, channel: str, mood: str) -> None:
        """It goes down, comes up, says nothing."""
        self.rig.receivers[channel].mood = mood

    @rule(step=steps)
    def time_passes(self, step: timedelta) -> None:
        """A little."""
        self.clock.now += step

    @rule(age=ages)
    def much_time_passes(self, age: timedelta) -> None:
        """Until retries, quiet hours and memories end."""
        self.clock.now += age

    @rule(hours=st.sampled_from([-3, -1, 1, 3]))
    def the_clock_is_set(self, hours: int) -> None:
        """By somebody."""
        self.clock.now += timedelta(hours=hours)

    @rule(orderly=st.booleans(), kill=kills)
    def stop(self, orderly: bool, kill: str) -> None:
        """And start again."""
        if orderly:
            self.note_polls()
        self.restart(kill)

    @rule(
        snapshot=snapshots,
        notify=st.sampled_from([("chat",), ("mail", "hook"), ("chat", "held"), ()]),
        on=st.sampled_from([("all",), ("ready", "failed"), ("empty", "missing")]),
    )
    def reload_a_watch(self, snapshot: str, notify: tuple[str, ...], on: tuple[str, ...]) -> None:
        """It is told elsewhere, or of other things, from now on."""
        self.rig.watches[snapshot] = replace(watch(snapshot), notify=notify, on=on)
        self.act(self.rig.reload)

    @rule(snapshot=snapshots)
    def remove_a_watch(self, snapshot: str) -> None:
        """What was told of it stays."""
        self.rig.watches.pop(snapshot, None)
        self.act(self.rig.reload)

    @rule(channel=st.sampled_from(["hook", "held", "chat"]))
    def reload_a_channel(self, channel: str) -> None:
        """It goes, or comes back."""
        self.rig.channels ^= {channel}
        self.act(self.rig.reload)

    @rule(snapshot=snapshots, for_=st.none() | steps | ages)
    def mute(self, snapshot: str, for_: timedelta | None) -> None:
        """A watch, for a while or for good."""
        until = None if for_ is None else self.clock() + for_
        self.act(lambda: self.rig.store.outbox.mute(snapshot, self.clock(), until))
        self.promise.mutes[snapshot] = until

    @precondition(lambda self: self.promise.mutes)
    @rule(snapshot=snapshots)
    def unmute(self, snapshot: str) -> None:
        """Tell of it again."""

        async def unmute() -> None:
            await self.rig.store.outbox.unmute(snapshot)

        self.act(unmute)
        self.promise.mutes.pop(snapshot, None)

    @rule(kill=kills)
    def fall_back(self, kill: str) -> None:
        """A round of the maintenance."""
        self.act(lambda: self.rig.maintenance.fall_back(), kill)

    @rule()
    def audit(self) -> None:
        """Another one. It never finds anything."""
        self.act(lambda: self.rig.maintenance.audit())
        assert self.rig.audits.pop().sound

    @rule(kill=kills)
    def forget(self, kill: str) -> None:
        """The last one."""
        self.act(lambda: self.rig.maintenance.prune(), kill)
        self.promise.forgot(self.reader, self.clock() - KEEP, self.rig.watches, self.clock())

    @rule()
    def ask_for_what_died(self) -> None:
        """Somebody sends again what is dead, or held."""
        query = "SELECT id, coalesce(event_id, notice_id) AS told, channel FROM deliveries WHERE state IN (?, ?)"
        rows = self.reader.execute(query, ("dead", "uncertain")).fetchall()

        async def retry() -> None:
            await self.rig.store.outbox.retry(self.clock(), ids=[row["id"] for row in rows])

        if rows:
            self.act(retry)
        for row in rows:
            self.promise.ended.pop((row["told"], row["channel"]), None)

    @invariant()
    def the_promise_is_kept(self) -> None:
        """After every step."""
        self.promise.check(self.reader, self.fallbacks, POLICIES, self.clock())
        said = defaultdict(list)
        for row in self.reader.execute("SELECT subject, kind FROM notices ORDER BY rowid"):
            said[row["subject"]].append(row["kind"])
        for subject, kinds in said.items():
            assert subject.startswith("channel:"), f"the operators are told of {subject}"
            assert all(one != other for one, other in pairwise(kinds)), f"{subject}: {kinds}"

    def teardown(self) -> None:
        """In the end all is well, and then everything is told. Nothing waits for ever."""
        try:
            if sys.exc_info()[0] is None:
                self.all_ends_well()
        finally:
            self.reader.close()
            self.runner.run(self.rig.end())
            self.runner.close()
            self.patches.undo()
            shutil.rmtree(self.folder)

    def all_ends_well(self) -> None:
        """Everything works again and is configured again."""
        for receiver in self.rig.receivers.values():
            receiver.mood = "up"
        self.rig.channels = set(POLICIES)
        self.restart()
        self.ask_for_what_died()
        for _ in range(500):
            self.deliver_everywhere()
            self.the_promise_is_kept()
            query = "SELECT min(not_before) FROM deliveries WHERE state NOT IN ('delivered', 'dropped', 'dead')"
            (due,) = self.reader.execute(query).fetchone()
            if due is None:
                break
            self.clock.now += max(timedelta(microseconds=due) - (self.clock.now - EPOCH), timedelta(minutes=1))
        left = self.reader.execute("SELECT * FROM deliveries WHERE state NOT IN ('delivered', 'dropped')").fetchall()
        assert not [tuple(row) for row in left]
        self.audit()


EPOCH = START - timedelta(microseconds=int(START.timestamp() * 1_000_000))
assert set(OPERATORS) < set(POLICIES)

TestLife = Life.TestCase
# Explaining a failure traces every line, which takes many times as long as finding it.
TestLife.settings = settings(
    max_examples=RUNS,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[phase for phase in Phase if phase is not Phase.explain],
)

"""How long a transition takes to its receiver, one alone and many at once, and how many can be made durable a second.

The store, with its full commits, on a disk; the workers; a `json://` channel and a signed webhook, to a receiver in
another process. Beside it: a plain script that posts each event from a pool of threads and remembers nothing, and
commits of the standard library's own SQLite. An event has arrived when the message that says it has.
"""

import asyncio
import base64
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import urlopen

import requests

from notifier.config.model import Channel, Webhook
from notifier.core.delivery.channel_policy import ChannelPolicy
from notifier.core.delivery.model import Deliverable, Outcome
from notifier.core.delivery.routing import event_of
from notifier.core.snapshot.model import Facts, Seen, SnapshotState, Watch
from notifier.core.snapshot.transitions import step
from notifier.delivery.senders import MessageSender, WebhookSender, sender_for
from notifier.delivery.worker import DeliveryWorker
from notifier.store.store import Store

ALONE = 100
"""Events one after the other, each when the one before it has arrived."""

THREADS = 10
COMMITTING = 3.0
"""Seconds for which commits are counted."""

LONGEST_WAIT = 60.0

CHAT = ChannelPolicy()
AT_ONCE = ChannelPolicy(pace=timedelta(0), stretches=False)
"""For one event after the other: in a life with pauses between them, no pace holds one back."""

ONE_BY_ONE = ChannelPolicy(pace=timedelta(0), stretches=False, merges=False)


def compare(events: int) -> bool:
    """Measure and print; whether all arrived."""
    print(f"{ALONE} events one after the other, {events:,} at once; each arrives at a receiver in another process")
    print(f"{'transition to delivered':34}{'p50, ms':>10}{'p99, ms':>10}{'messages':>10}{'of plain p50':>14}")
    complete = True
    with receiver() as port, tempfile.TemporaryDirectory() as folder:
        for label, number, alone, policies in (
            ("one alone", ALONE, True, (AT_ONCE, ONE_BY_ONE)),
            (f"{events:,} at once", events, False, (CHAT, ONE_BY_ONE)),
        ):
            plain, _ = _plain(port, f"plain{number}", number, alone=alone)
            _row(f"{label}, plain script", plain, number, plain)
            for policy, channel in zip(policies, _channels(port, number), strict=True):
                database = Path(folder) / f"{channel.name}.db"
                took, messages = asyncio.run(_ours(database, port, channel, policy, number, alone=alone))
                _row(f"{label}, {channel.name.rstrip('0123456789')}", took, messages, plain)
                complete = complete and len(took) == number
        print(f"{'durable transitions a second':34}{'':20}{'':10}{'of plain':>14}")
        plain_rate = _plain_commits(Path(folder) / "plain.db")
        print(f"{'plain SQLite, a commit for each':34}{plain_rate:>10,.0f}")
        for tasks in (1, 50):
            rate = asyncio.run(_commits(Path(folder) / f"commits{tasks}.db", tasks))
            what = "1 task" if tasks == 1 else f"{tasks} tasks at a time"
            print(f"{f'Store.commit, {what}':34}{rate:>10,.0f}{'':20}{rate / plain_rate:>14.2f}")
    print("all arrived" if complete else "NOT ALL ARRIVED")
    return complete


def _row(label: str, took: Sequence[float], messages: int, plain: Sequence[float]) -> None:
    middle, late = (1000 * quantile for quantile in _quantiles(took))
    ratio = "" if took is plain else f"{middle / (1000 * _quantiles(plain)[0]):.2f}"
    print(f"{label:34}{middle:>10,.1f}{late:>10,.1f}{messages:>10,}{ratio:>14}", flush=True)


def _quantiles(took: Sequence[float]) -> tuple[float, float]:
    in_order = sorted(took) or [float("nan")]
    return statistics.median(in_order), in_order[int(0.99 * (len(in_order) - 1))]


@contextmanager
def receiver() -> Iterator[int]:
    """A receiver in a process of its own; its port."""
    command = [sys.executable, "-m", "bench.processes.receiver"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.stdin.close()


def _arrivals(port: int, path: str) -> list[float]:
    with urlopen(f"http://127.0.0.1:{port}/{path}") as answer:
        arrivals: list[float] = json.load(answer)
        return arrivals


def _plain(port: int, path: str, number: int, *, alone: bool) -> tuple[list[float], int]:
    """The script that one would write first: a POST for each event, from threads; what fails is lost."""
    url = f"http://127.0.0.1:{port}/{path}"

    def post(index: int) -> None:
        requests.post(url, json={"title": f"s_{index} is ready", "body": "10 records"}, timeout=10).raise_for_status()

    began = []
    with ThreadPoolExecutor(1 if alone else THREADS) as pool:
        if alone:
            for index in range(number):
                began.append(time.monotonic())
                pool.submit(post, index).result()
        else:
            began = [time.monotonic()] * number
            list(pool.map(post, range(number)))
    arrivals = _arrivals(port, path)
    return [arrived - since for arrived, since in zip(arrivals, began, strict=True)], len(arrivals)


def _channels(port: int, number: int) -> tuple[Channel, Channel]:
    secret = "whsec_" + base64.b64encode(bytes(32)).decode()
    hook = Webhook(url=f"http://127.0.0.1:{port}/webhook{number}", secrets=(secret,), allow_private=True)
    return (
        Channel(name=f"json{number}", url=f"json://127.0.0.1:{port}/json{number}"),
        Channel(name=f"webhook{number}", webhook=hook),
    )


class _Noting:
    """A channel that notes which events each of its messages says: the receiver only knows when each came."""

    def __init__(self, voice: MessageSender | WebhookSender) -> None:
        self.name = voice.name
        self._voice = voice
        self.messages: list[list[str]] = []
        self.told = 0
        self.settled = asyncio.Event()

    def batchable(self, told: Sequence[Deliverable]) -> Sequence[Deliverable]:
        return self._voice.batchable(told)

    async def send(self, told: Sequence[Deliverable], reached: Collection[str] = ()) -> Outcome:
        self.messages.append([each.id for each in told])
        return await self._voice.send(told, reached)


async def _ours(
    database: Path, port: int, channel: Channel, policy: ChannelPolicy, number: int, *, alone: bool
) -> tuple[list[float], int]:
    voice = sender_for(channel, redact=str, clock=_now, template_failed=lambda *_: None)
    noting = _Noting(voice)
    settled: asyncio.Queue[None] = asyncio.Queue()
    async with Store(database) as store:
        worker = DeliveryWorker(
            channel=noting,
            policy=policy,
            outbox=store.outbox,
            clock=_now,
            jitter=lambda: 0.5,
            report=lambda _: settled.put_nowait(None),
        )
        running = asyncio.create_task(worker.run())
        began: dict[str, float] = {}

        async def tell(index: int) -> None:
            began[await _commit(store, f"s_{index}", [channel.name])] = since if not alone else time.monotonic()
            worker.wake()

        since = time.monotonic()
        async with asyncio.timeout(LONGEST_WAIT):
            if alone:
                for index in range(number):
                    since = time.monotonic()
                    began[await _commit(store, f"s_{index}", [channel.name])] = since
                    worker.wake()
                    await settled.get()
            else:
                await asyncio.gather(*(tell(index) for index in range(number)))
                for _ in range(number):
                    await settled.get()
        worker.stop()
        await running
    if isinstance(voice, WebhookSender):
        await voice.aclose()
    arrivals = await asyncio.to_thread(_arrivals, port, channel.name)
    return [
        arrived - began[event_id] for arrived, ids in zip(arrivals, noting.messages, strict=True) for event_id in ids
    ], len(arrivals)


async def _commit(store: Store, snapshot_id: str, channels: Collection[str]) -> str:
    """Commit that a snapshot is ready; the event's id."""
    watch = Watch(
        id=snapshot_id,
        snapshot_id=snapshot_id,
        name=snapshot_id,
        every=timedelta(seconds=30),
        notify=tuple(channels),
        on=("all",),
    )
    before = SnapshotState(snapshot_id=snapshot_id)
    after, (transition,) = step(before, Seen(status="ready", facts=Facts(records=10)), _now(), watch.every)
    event = event_of(transition, watch)
    await store.commit(watch=watch, before=before, after=after, events=[(event, watch.notify)])
    return event.id


async def _commits(database: Path, tasks: int) -> float:
    """Transitions with two deliveries each, a second."""
    done = 0
    async with Store(database) as store:
        began = time.monotonic()

        async def work(worker: int) -> None:
            nonlocal done
            index = 0
            while time.monotonic() < began + COMMITTING:
                await _commit(store, f"s_{worker}_{index}", ["chat", "hook"])
                index += 1
                done += 1

        await asyncio.gather(*(work(worker) for worker in range(tasks)))
        return done / (time.monotonic() - began)


def _plain_commits(database: Path) -> float:
    """What the disk and SQLite allow: four rows of 200 bytes in each full commit, straight from the library."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "CREATE TABLE rows (text)"):
            connection.execute(statement)
        done, began = 0, time.monotonic()
        while time.monotonic() < began + COMMITTING:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO rows VALUES (?)", [("x" * 200,)] * 4)
            connection.execute("COMMIT")
            done += 1
        return done / (time.monotonic() - began)


def _now() -> datetime:
    return datetime.now(UTC)

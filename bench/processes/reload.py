"""A daemon whose event loop is measured while it reloads a changed configuration of thousands of watches.

It is the real daemon, reading its files apart, or (`plain`) a loop that reads them where it stands, or in a thread.
"""

import asyncio
import gc
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import yaml

from bench.measure import ids, quantiles, tell, told
from notifier.app.daemon import Daemon
from notifier.app.loading.load import load_config
from notifier.app.loading.loading_process import load_config_apart
from notifier.core.outcomes import AnyOutcome, ListOutcome, PollOutcome, ReloadOutcome
from notifier.telemetry.log import configure
from notifier.telemetry.redaction import Redactor
from notifier.telemetry.reporter import Reporter

DATASETS = 20
FILES = 10
TICK = 0.001
LONGEST = 120.0


class Probe:
    """How late the event loop is: it is to come round every millisecond.

    On a machine that others use too the lag is theirs as well; the CPU time that the loop's thread took between two
    rounds is its own.
    """

    def __init__(self) -> None:
        self._lags: list[float] = []
        self._work: list[float] = []
        self._pauses: list[float] = []
        self._began = 0.0
        gc.callbacks.append(self._collected)

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            due, worked = time.monotonic() + TICK, time.thread_time()
            await asyncio.sleep(TICK)
            self._lags.append(time.monotonic() - due)
            self._work.append(time.thread_time() - worked)

    def clear(self) -> None:
        """Begin to measure."""
        self._lags.clear()
        self._work.clear()
        self._pauses.clear()

    def figures(self) -> dict[str, float]:
        """The lags since then, the most work between two rounds, and in one collection of garbage; milliseconds."""
        middle, late, latest = (1000 * lag for lag in quantiles(self._lags, 0.5, 0.99, 1.0))
        return {
            "lag_p50_ms": middle,
            "lag_p99_ms": late,
            "lag_max_ms": latest,
            "work_max_ms": 1000 * max(self._work, default=0.0),
            "gc_max_ms": 1000 * max(self._pauses, default=0.0),
        }

    def _collected(self, phase: str, _: object) -> None:
        if phase == "start":
            self._began = time.thread_time()
        else:
            self._pauses.append(time.thread_time() - self._began)


class Files:
    """A configuration of so many watches, in a main file and drop-in files; `edit` it."""

    def __init__(self, folder: Path, url: str, watches: int, requests_per_second: float, batch: str) -> None:
        self.main = folder / "config.yaml"
        self._url = url
        self._rate = requests_per_second
        self._batch = batch
        (folder / "watches.d").mkdir()
        self.write(0, watches, every=30)

    def write(self, first: int, watches: int, *, every: int) -> None:
        """Watch these from now on: so many, from the first on."""
        data = {
            "api": {
                "token": "bench",
                "base_url": self._url,
                "requests_per_second": self._rate,
                "batch": self._batch,
            },
            "channels": {"somebody": "json://127.0.0.1:9/"},
            "defaults": {"every": f"{every}s", "notify": ["somebody"], "on": ["failed"]},
            "http": "off",
            "include": ["watches.d/*.yaml"],
        }
        for number, start in enumerate(range(first, first + watches, watches // FILES)):
            lines = [
                f"- {{snapshot: {each}, name: Snapshot {each}}}\n" for each in _ids(start, start + watches // FILES)
            ]
            path = self.main.parent / "watches.d" / f"{number:02}.yaml"
            path.with_suffix(".tmp").write_text("watches:\n" + "".join(lines), encoding="utf-8")
            path.with_suffix(".tmp").rename(path)
        self.main.write_text(yaml.safe_dump(data), encoding="utf-8")


def _ids(first: int, end: int) -> list[str]:
    return ids(end)[first:]


class _Reloads(Reporter):
    """Waits for reloads, and before them until each watch was polled."""

    def __init__(self) -> None:
        self._outcomes: asyncio.Queue[ReloadOutcome] = asyncio.Queue()
        self._polled: set[str] = set()
        self._lists: Counter[str] = Counter()
        self._came = asyncio.Event()

    def report(self, outcome: AnyOutcome) -> None:
        match outcome:
            case PollOutcome():
                self._polled.add(outcome.watch.id)
                self._came.set()
            case ListOutcome():
                self._lists[outcome.dataset_id] += outcome.unclear is None
                self._came.set()
            case ReloadOutcome():
                self._outcomes.put_nowait(outcome)
            case _:
                pass

    async def until_polled(self, number: int) -> None:
        async with asyncio.timeout(LONGEST):
            # What a second list of a dataset tells of it is known.
            while len(self._polled) < number and sum(each >= 2 for each in self._lists.values()) < DATASETS:
                self._came.clear()
                await self._came.wait()

    async def next(self) -> ReloadOutcome:
        async with asyncio.timeout(LONGEST):
            return await self._outcomes.get()


async def _daemon(files: Files, probe: Probe, edits: list[Callable[[], None]], settle: float, watches: int) -> None:
    reloads, redactor = _Reloads(), Redactor()
    loaded = await load_config_apart(files.main)
    daemon = Daemon(loaded.config, reporters=[reloads], redactor=redactor, loaded=loaded)
    stop, ready = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(daemon.run(stop, ready.set))
    running.add_done_callback(lambda _: asyncio.get_running_loop().stop() if not stop.is_set() else None)
    await ready.wait()
    await reloads.until_polled(watches)
    await asyncio.sleep(settle)
    probe.clear()
    await asyncio.sleep(settle)
    tell({"took_s": settle, **probe.figures()})
    for edit in edits:
        await told()
        edit()
        await asyncio.sleep(0)  # the probe sees the edit itself
        probe.clear()
        outcome = await reloads.next()
        assert outcome.changed is not None, outcome.refused
        await asyncio.sleep(1.0)  # for what comes after it
        found = outcome.changed.watches
        counts = {kind: len(getattr(found, kind)) for kind in ("added", "removed", "changed")}
        tell({**counts, "took_s": outcome.duration.total_seconds(), **probe.figures()})
    stop.set()
    await running


async def _plain(files: Files, probe: Probe, edits: list[Callable[[], None]], *, thread: bool) -> None:
    async def here() -> object:
        return load_config(files.main)

    def apart() -> Awaitable[object]:
        return asyncio.to_thread(load_config, files.main)

    load = apart if thread else here
    await load()
    probe.clear()
    await asyncio.sleep(0.1)
    tell({"took_s": 0.1, **probe.figures()})
    for edit in edits:
        await told()
        edit()
        await asyncio.sleep(0)  # the probe sees the edit itself
        probe.clear()
        began = time.monotonic()
        await load()
        took = time.monotonic() - began
        await asyncio.sleep(0.1)
        tell({"took_s": took, **probe.figures()})


async def main(
    *,
    url: str,
    watches: int,
    exchanged: int,
    requests_per_second: float,
    batch: str = "never",
    settle: float = 3.0,
    plain: str | None = None,
) -> None:
    """Load, and on each word edit and measure.

    Args:
        url: the simulated Bright Data.
        watches: how many there are; `exchanged` of them go at an edit, and as many come.
        requests_per_second, batch: as in the configuration.
        settle: the seconds before the first edit, and of the measure without any.
        plain: None for the daemon, `loop` or `thread` for where it is read instead.
    """
    configure(level="error", redactor=Redactor())
    with tempfile.TemporaryDirectory() as folder:
        files = Files(Path(folder), url, watches, requests_per_second, batch)
        edits = [
            lambda: files.write(exchanged, watches, every=60),  # other defaults: every watch changes
            lambda: files.write(0, watches, every=15),  # and all are wanted sooner
            lambda: files.write(0, watches - exchanged, every=15),
        ]
        probe = Probe()
        watching = asyncio.create_task(probe.run())
        if plain is None:
            await _daemon(files, probe, edits, settle, watches)
        else:
            await _plain(files, probe, edits, thread=plain == "thread")
        watching.cancel()


if __name__ == "__main__":
    asyncio.run(main(**json.loads(sys.argv[1])))

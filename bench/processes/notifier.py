"""The real daemon. It reports when it is warm, measures itself on command, and then lists the ends that it notified."""

import asyncio
import base64
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import yaml

from bench.measure import HOOK_SECRET, Work, ids, measured, tell, told
from notifier.app.daemon import Daemon
from notifier.app.loading.load import load_config
from notifier.config.model import Config
from notifier.core.outcomes import AnyOutcome, ListOutcome, PollOutcome
from notifier.core.snapshot.model import Unclear
from notifier.telemetry.log import configure
from notifier.telemetry.redaction import Redactor
from notifier.telemetry.reporter import Reporter

LONGEST_WARM_UP = 300.0


class _Counter(Reporter):
    """Counts polls; notes when each snapshot's end was found and when it was committed, in monotonic seconds."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._ahead = time.time() - time.monotonic()
        self.first_commits = 0
        self.found: dict[str, float] = {}
        self.committed: dict[str, float] = {}
        self.came = asyncio.Event()

    def report(self, outcome: AnyOutcome) -> None:
        match outcome:
            case PollOutcome():
                self._polled(outcome)
            case ListOutcome():
                self._listed(outcome)
            case _:
                pass

    def _polled(self, outcome: PollOutcome) -> None:
        lag = outcome.lag.total_seconds()
        began = time.time() - outcome.duration.total_seconds()
        self._work.lags.append(lag)
        self._work.turns.append((began, began - lag))
        self._work.watches.add(outcome.watch.id)
        self._work.errors += isinstance(outcome.observation, Unclear)
        for each in outcome.committed:
            transition = each.event.transition
            if transition.status == "ready":
                self.found[transition.snapshot_id] = transition.observed_at.timestamp() - self._ahead
                self.committed[transition.snapshot_id] = time.monotonic()
            else:
                self.first_commits += transition.revision == 1
            self.came.set()

    def _listed(self, outcome: ListOutcome) -> None:
        self._work.listed += outcome.entries
        if outcome.taken:
            del self._work.turns[-len(outcome.taken) :]
            del self._work.lags[-len(outcome.taken) :]  # these were reported just now, and were not polled individually
        self._work.errors += outcome.unclear is not None

    async def until_first_commits(self, number: int) -> None:
        async with asyncio.timeout(LONGEST_WARM_UP):
            while self.first_commits < number:
                self.came.clear()
                await self.came.wait()

    async def until_committed(self, number: int, longest: float) -> None:
        try:
            async with asyncio.timeout(longest):
                while len(self.committed) < number:
                    self.came.clear()
                    await self.came.wait()
        except TimeoutError:
            return


def _configuration(
    folder: Path, url: str, watches: int, every: float, batch: str, requests_per_second: float, port: int, hooks: int
) -> Config:
    """Loaded as a user's, but for its watches: how much memory loading takes is not what is measured."""
    path = folder / "config.yaml"
    if port:
        secret = "whsec_" + base64.b64encode(bytes(32)).decode()
        channel: object = {
            "webhook": f"http://127.0.0.1:{port}/hook",
            "secret": secret,
            "allow_private": True,
            "pace": "1000/s",
        }
    else:
        channel = "json://127.0.0.1:9/"
    data = {
        "api": {"token": "bench", "base_url": url, "requests_per_second": requests_per_second, "batch": batch},
        "channels": {"somebody": channel},
        "defaults": {"every": f"{every:g}s", "notify": ["somebody"], "on": ["ready" if port else "failed"]},
        "watches": [{"snapshot": "sd_bench"}],
        **({"http": f"127.0.0.1:{hooks}", "hooks": {"secret": HOOK_SECRET}} if hooks else {}),
    }
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    config = load_config(path)
    pattern = config.watches[0]
    return replace(
        config,
        watches=tuple(
            # The id stands in a text of its own each, as it does when a file was read.
            replace(pattern, id=snapshot_id, snapshot_id=snapshot_id, name="".join((snapshot_id[:2], snapshot_id[2:])))
            for snapshot_id in ids(watches)
        ),
    )


async def main(
    *,
    url: str,
    watches: int,
    every: float,
    seconds: float,
    warm_up: float | None = None,
    settle: float = 0.0,
    batch: str = "never",
    requests_per_second: float = 100_000,
    ends_expected: int = 0,
    tail: float = 0.0,
    port: int = 0,
    hooks: int = 0,
) -> None:
    """Run and measure.

    Args:
        url: the simulated Bright Data.
        watches, every: how many are polled, and how often in seconds.
        seconds: how long it is measured.
        warm_up: the seconds before that; None for until every snapshot's first status is committed.
        settle: the seconds between the two.
        batch, requests_per_second: as in the configuration.
        ends_expected: how many snapshots come to their end; waited for `tail` seconds after that at most.
        port: of the webhook's receiver; 0 for a channel that nobody is told by.
        hooks: the port on which it takes hints; 0 for none.
    """
    configure(level="error", redactor=Redactor())
    work = Work()
    with tempfile.TemporaryDirectory() as folder:
        counter = _Counter(work)
        config = _configuration(Path(folder), url, watches, every, batch, requests_per_second, port, hooks)
        daemon = Daemon(config, reporters=[counter], redactor=Redactor())
        stop = asyncio.Event()
        began = time.monotonic()
        running = asyncio.create_task(daemon.run(stop))
        running.add_done_callback(lambda _: asyncio.get_running_loop().stop() if not stop.is_set() else None)
        await (asyncio.sleep(warm_up) if warm_up is not None else counter.until_first_commits(watches))
        await asyncio.sleep(settle)
        tell({"warm_up": time.monotonic() - began})
        await told()
        tell(await measured(work, seconds=seconds))
        await counter.until_committed(ends_expected, tail)
        if port:
            await asyncio.sleep(0.2)  # for the last one to arrive
        tell({"found": counter.found, "committed": counter.committed})
        stop.set()
        await running


if __name__ == "__main__":
    asyncio.run(main(**json.loads(sys.argv[1])))

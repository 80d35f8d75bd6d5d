"""One side: the real daemon, without channels to tell."""

import asyncio
import sys
import tempfile
from pathlib import Path

import yaml

from bench.measure import Work, ids_of, measured, print_result
from notifier.core.model import Unclear
from notifier.daemon import Daemon
from notifier.loading import load_config
from notifier.poll import LookOutcome
from notifier.report import Reporter
from notifier.telemetry.log import configure
from notifier.telemetry.redaction import Redactor


class _Counter(Reporter):
    def __init__(self, work: Work) -> None:
        self._work = work

    def looked(self, outcome: LookOutcome) -> None:
        self._work.lags.append(outcome.lag.total_seconds())
        self._work.errors += isinstance(outcome.observation, Unclear)


async def main(url: str, ids: Path, watches: int, every: float, warm_up: float, seconds: float) -> None:
    """Run and measure."""
    configure(level="error", redactor=Redactor())
    work = Work()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.yaml"
        data = {
            "api": {"token": "bench", "base_url": url, "requests_per_second": 100_000},
            "channels": {"nobody": "json://127.0.0.1:9/"},
            "defaults": {"every": f"{every:g}s", "notify": ["nobody"], "on": ["failed"]},
            "watches": [{"snapshot": snapshot_id} for snapshot_id in ids_of(ids, watches)],
        }
        path.write_text(yaml.safe_dump(data), encoding="utf-8")
        daemon = Daemon(load_config(path), reporters=[_Counter(work)], redactor=Redactor())
        stop = asyncio.Event()
        running = asyncio.create_task(daemon.run(stop))
        result = await measured(work, warm_up=warm_up, seconds=seconds)
        stop.set()
        await running
    print_result(result)


if __name__ == "__main__":
    asyncio.run(
        main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), *(float(argument) for argument in sys.argv[4:7]))
    )

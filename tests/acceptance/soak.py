"""`make soak`: kills by the thousand, with progress. A failure names its case and its seed."""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from acceptance.kill_scenarios import SCENARIOS
from acceptance.kills import Tally, cases, play_all


async def soak(kills: int, seed: int, only: str | None) -> None:
    """Play whole rounds of cases, each with the next seed, until that many daemons were killed."""
    tally, began = Tally(), time.monotonic()

    def tell(tally: Tally) -> None:
        killed, seconds = tally.kills.total(), time.monotonic() - began
        if tally.cases % 10 == 0:
            print(f"{killed:,} kills in {tally.cases:,} cases, {killed / seconds:.1f}/s, seed {seed}", flush=True)

    while tally.kills.total() < kills:
        with tempfile.TemporaryDirectory(prefix="notifier-soak-") as folder:
            chosen = (case for case in cases(seed) if only in (None, case.scenario.name))
            await play_all(chosen, Path(folder), tally, tell)
        seed += 1
    print(f"Nothing lost, nothing invented: {tally.kills.total():,} kills in {time.monotonic() - began:.0f} s.")
    for name, number in tally.kills.most_common():
        print(f"  {number:6,}  {name}")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=[scenario.name for scenario in SCENARIOS])
    chosen = parser.parse_args()
    asyncio.run(soak(chosen.kills, chosen.seed, chosen.only))


if __name__ == "__main__":
    main()

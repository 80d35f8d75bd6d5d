"""Every failpoint on the way times SIGKILL: nothing is lost, nothing is invented, hundreds of times."""

import time
from pathlib import Path

import pytest

from acceptance.kills import Tally, cases, play_all
from notifier.failpoints import NAMES

SEED = 20261123
LEAST_KILLS = 200
WITHIN_S = 180


@pytest.mark.timeout(WITHIN_S)
async def test_a_daemon_killed_at_any_failpoint_any_number_of_times_loses_and_invents_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each event comes to each of its channels, a second time only if a kill fell between its send and its settle."""
    tally, began = Tally(), time.monotonic()

    await play_all(cases(SEED, countdowns=1, deaths=5, at_random=1), tmp_path, tally, lambda _: None)

    with capsys.disabled():
        kills = ", ".join(f"{name} {tally.kills[name]}" for name in (*NAMES, "any instant"))
        seconds = time.monotonic() - began
        print(f"\n{tally.kills.total()} kills in {tally.cases} cases and {seconds:.0f} s: {kills}")  # noqa: T201
    assert tally.kills.total() >= LEAST_KILLS
    assert not tally.unreached, "failpoints at which nobody died"

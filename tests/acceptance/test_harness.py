"""The harness itself: a test that fails in it fails alone."""

import asyncio
import sys
from pathlib import Path

import pytest

from acceptance import harness
from acceptance.harness import Notifier, Process

IDLES = "import sys; print('begun', flush=True); sys.stdin.read()"


@pytest.fixture
async def idle(tmp_path: Path) -> Process:
    """A process that never ends by itself."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", IDLES, stdin=asyncio.subprocess.PIPE, stdout=-1, stderr=-1
    )
    started = Process(process, "idle")
    await started.stdout.count(1)
    return started


async def test_a_process_that_outlasts_the_deadline_can_still_be_ended(
    idle: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harness, "DEADLINE", 0.01)
    with pytest.raises(AssertionError, match="still running after"):
        await idle.ended()
    monkeypatch.undo()
    assert (await idle.kill()).status == -9


async def test_closing_raises_nothing_that_pytest_does_not_catch_and_kills_every_process(
    idle: Process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pytest catches no CancelledError in a teardown, and then keeps the fixtures of that test for the next ones."""
    notifier = Notifier(tmp_path / "installation")
    second = await notifier.start("simulate", "--port", "0")
    notifier._processes.insert(0, idle)

    async def cancelled() -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(idle, "kill", cancelled)
    with pytest.raises(AssertionError, match="did not end"):
        await notifier.close()
    assert not second.alive
    monkeypatch.undo()
    await idle.kill()

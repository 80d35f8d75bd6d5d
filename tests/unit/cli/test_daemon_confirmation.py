"""A command that wrote a file waits for the daemon while it makes progress, and explains when it gives up."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from notifier.cli import daemon_confirmation
from notifier.cli.daemon_confirmation import (
    GIVE_UP_AFTER_S,
    LONGEST_READING_S,
    NEXT_RELOAD_WITHIN_S,
    sentence,
    wait_until_loaded,
)
from notifier.control.handler import DaemonActions
from notifier.control.server import listening
from notifier.store.store import Store

BEGAN = datetime(2026, 11, 29, 12, tzinfo=UTC)
READING = {"reload": None, "reading_since": BEGAN.isoformat()}
IDLE: dict[str, Any] = {"reload": None, "reading_since": None}
DONE = {"reload": {"at": (BEGAN + timedelta(seconds=1)).isoformat(), "refused": []}, "reading_since": None}
BEFORE: dict[str, Any] = {
    "reload": {"at": (BEGAN - timedelta(seconds=1)).isoformat(), "refused": []},
    "reading_since": None,
}
UNDER_WAY = {
    "reload": BEFORE["reload"] | {"ended": (BEGAN + timedelta(seconds=1)).isoformat()},
    "reading_since": None,
}
REFUSED = {"reload": {"at": (BEGAN + timedelta(seconds=1)).isoformat(), "refused": ["a.yaml:1:1: no"]}}


READING_ANOTHER = {"reading_since": (BEGAN + timedelta(seconds=2)).isoformat()}


class Waiting:
    """A daemon whose answers depend on the seconds that the command has waited."""

    def __init__(self, database: Path, store: Store, answer: Callable[[float], dict[str, Any]]) -> None:
        self._database = database
        self._store = store
        self._answer = answer
        self.passed = 0.0
        self.hold_at = float("inf")
        self.held, self.let_go = threading.Event(), threading.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async def health() -> dict[str, Any]:
            return self._answer(self.passed)

        async with listening(self._database, self._store, DaemonActions(health=health)):
            yield

    async def outcome(self) -> dict[str, Any]:
        """What a command that waits for the files alone finds out."""
        return await asyncio.to_thread(
            wait_until_loaded,
            self._database.with_name("config.yaml"),
            self._database,
            None,
            BEGAN,
            monotonic=lambda: self.passed,
            sleep=self._sleep,
        )

    def _sleep(self, seconds: float) -> None:
        self.passed += 5 * seconds  # fewer questions
        if self.passed >= self.hold_at:
            self.held.set()
            self.let_go.wait(20)


@pytest.mark.parametrize("seconds", [0, GIVE_UP_AFTER_S - 5, LONGEST_READING_S - 5])
async def test_a_daemon_that_is_still_reading_is_waited_for(store: Store, database: Path, seconds: float) -> None:
    waiting = Waiting(database, store, lambda passed: READING if passed < seconds else DONE)
    async with waiting.running():
        assert await waiting.outcome() == {"runs": True, "taken_up": True, "refused": []}
    assert seconds <= waiting.passed <= seconds + 2


async def test_a_refusal_ends_the_wait(store: Store, database: Path) -> None:
    waiting = Waiting(database, store, lambda _: REFUSED)
    async with waiting.running():
        assert await waiting.outcome() == {"runs": True, "taken_up": False, "refused": ["a.yaml:1:1: no"]}
    assert waiting.passed == 0


async def test_a_reload_that_was_under_way_has_read_the_file_if_no_other_follows(store: Store, database: Path) -> None:
    waiting = Waiting(database, store, lambda _: UNDER_WAY)
    async with waiting.running():
        assert await waiting.outcome() == {"runs": True, "taken_up": True, "refused": []}
    assert NEXT_RELOAD_WITHIN_S <= waiting.passed <= NEXT_RELOAD_WITHIN_S + 2


async def test_the_reload_that_follows_the_one_under_way_decides(store: Store, database: Path) -> None:
    waiting = Waiting(
        database,
        store,
        lambda passed: UNDER_WAY if passed < 2 else UNDER_WAY | READING_ANOTHER if passed < 9 else REFUSED,
    )
    async with waiting.running():
        assert await waiting.outcome() == {"runs": True, "taken_up": False, "refused": ["a.yaml:1:1: no"]}


@pytest.mark.parametrize(
    ("answer", "limit", "words"),
    [
        (READING, LONGEST_READING_S, "was still reading the files after 120 s"),
        (IDLE, GIVE_UP_AFTER_S, "has not reloaded the files within 30 s"),
        (BEFORE, GIVE_UP_AFTER_S, "has not reloaded the files within 30 s"),
    ],
    ids=["reads-for-ever", "never-reads", "read-before"],
)
async def test_a_daemon_without_progress_is_given_up_with_the_reason(
    store: Store, database: Path, answer: dict[str, Any], limit: float, words: str
) -> None:
    waiting = Waiting(database, store, lambda _: answer)
    async with waiting.running():
        seen = await waiting.outcome()
    assert limit <= waiting.passed <= limit + 2
    said = sentence("s_1", seen)
    assert words in said
    assert "The files are in place, and are reloaded automatically" in said
    assert "notifier healthcheck" in said


async def test_a_daemon_that_hangs_is_given_up_with_the_reason(
    store: Store, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon_confirmation, "_LONGEST_ANSWER_S", 0.01)
    hung = asyncio.Event()
    waiting = Waiting(database, store, lambda _: DONE)

    async def health() -> dict[str, Any]:
        await hung.wait()
        return DONE

    async with listening(database, store, DaemonActions(health=health)):
        seen = await waiting.outcome()
        hung.set()
    assert waiting.passed >= GIVE_UP_AFTER_S
    assert "did not answer: the daemon has not answered within 0 s; ask again. The files" in sentence("s_1", seen)


async def test_a_daemon_is_waited_for_while_it_restores_its_socket(store: Store, database: Path) -> None:
    waiting = Waiting(database, store, lambda _: DONE)
    waiting.hold_at = 3
    outcome = asyncio.create_task(waiting.outcome())
    assert await asyncio.to_thread(waiting.held.wait, 20)
    async with waiting.running():
        waiting.let_go.set()
        assert (await outcome)["taken_up"]
    assert waiting.passed < GIVE_UP_AFTER_S


async def test_without_a_daemon_nothing_is_waited_for(tmp_path: Path) -> None:
    async with Store(tmp_path / "another.db") as store:
        waiting = Waiting(tmp_path / "notifier.db", store, lambda _: DONE)
        seen = await waiting.outcome()
    assert seen["runs"] is False
    assert sentence("s_1", seen) == "No daemon is running; the watch starts with the next `notifier run`."

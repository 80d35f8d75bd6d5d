"""A refused reload is told to people once it has lasted, or at once to who asked for it."""

import asyncio
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from support.moving_clock import MovingClock, run

from notifier.app.reload_history import LASTS_AFTER, ReloadNotices
from notifier.core.outcomes import ReloadOutcome

SECONDS = LASTS_AFTER.total_seconds()
pauses = st.sampled_from([0.4, 3.0, SECONDS - 0.1, SECONDS + 0.1, 60.0])


def outcome(refused: str, *, asked: bool = False) -> ReloadOutcome:
    return ReloadOutcome(refused=(refused,) if refused else (), duration=timedelta(0), asked=asked)


def told_of(*steps: tuple[str, bool, float]) -> list[tuple[float, str]]:
    """When what was told: each step is why it was refused, whether it was asked for, and the pause after it."""
    told: list[tuple[float, str]] = []

    async def live(clock: MovingClock) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        tidings = ReloadNotices(lambda refused: told.append((round(loop.time() - began, 3), "".join(refused))))
        for refused, asked, pause in steps:
            tidings.reloaded(outcome(refused, asked=asked))
            await asyncio.sleep(pause)
        tidings.cancel()

    run(live)
    return told


def test_what_is_mended_soon_was_never_told() -> None:
    assert told_of(("half", False, SECONDS - 1), ("", False, 60)) == [(SECONDS - 1, "")]


def test_what_lasts_is_told_as_it_is_in_the_end_however_often_it_changes() -> None:
    assert told_of(("one", False, 6), ("two", False, 60)) == [(SECONDS, "two")]


def test_who_asks_is_told_at_once_and_it_is_not_told_again() -> None:
    assert told_of(("one", False, 1), ("one", True, 60)) == [(1, "one")]


def test_what_has_not_lasted_when_the_daemon_ends_is_not_told() -> None:
    assert told_of(("one", False, 1)) == []


@given(st.lists(st.tuples(st.sampled_from(["", "one", "two"]), st.booleans(), pauses), max_size=8))
def test_in_the_end_it_is_told_how_it_is_and_no_refusal_is_later_than_promised(
    steps: list[tuple[str, bool, float]],
) -> None:
    told = told_of(*steps, ("two", False, SECONDS + 1))
    assert told[-1][1] == "two"
    assert told[-1][0] <= sum(pause for *_, pause in steps) + SECONDS + 0.001

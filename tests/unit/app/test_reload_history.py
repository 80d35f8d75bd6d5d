"""A refused reload is told to people once it has lasted, or at once if somebody asked for it; each is reported once."""

import asyncio
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from support.fakes import START, Clock
from support.moving_clock import MovingClock, run

from notifier.app.reload_history import LASTS_AFTER, ReloadHistory, ReloadNotices
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
        notices = ReloadNotices(lambda refused: told.append((round(loop.time() - began, 3), "".join(refused))))
        for refused, asked, pause in steps:
            notices.reloaded(outcome(refused, asked=asked))
            await asyncio.sleep(pause)
        notices.cancel()

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


def reported(*outcomes: ReloadOutcome, refused: tuple[str, ...] = ()) -> tuple[list[ReloadOutcome], ReloadHistory]:
    """What of these is reported by a daemon that started with the last configuration if the files are refused."""
    found: list[ReloadOutcome] = []

    async def live(clock: MovingClock) -> ReloadHistory:
        history = ReloadHistory(
            refused=refused, runs_of=START, clock=Clock(), report=found.append, notify=lambda refused: None
        )
        for each in outcomes:
            history.reloaded(each)
        history.close()
        return history

    return found, run(live)


def test_files_that_are_refused_as_before_are_no_news_unless_somebody_asked() -> None:
    again = ReloadOutcome(refused=("one",), duration=timedelta(0), again=True)
    news = [outcome("one"), outcome("two"), outcome("two", asked=True), outcome("")]
    found, history = reported(news[0], again, *news[1:])
    assert found == news
    assert history.last is not None
    assert history.last.refused == ()


def test_a_daemon_that_started_with_the_last_configuration_says_so_until_the_files_are_taken_up() -> None:
    found, history = reported(outcome("one"), refused=("one",))
    assert found == []
    assert history.last is not None
    assert history.last.runs_of == START
    found, history = reported(outcome("one"), outcome(""), refused=("one",))
    assert len(found) == 1
    assert history.last is not None
    assert history.last.runs_of is None

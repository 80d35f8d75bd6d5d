"""Whoever asks for a poll is told what came of it, or why nothing did yet, within seconds."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from support import virtual_time
from support.fakes import OUTAGE
from support.outcomes import poll_of
from support.web import API

from notifier.app.poll_now import LONGEST_S, PollNow
from notifier.core.action_results import PollResult
from notifier.core.health.api import ApiKind, ApiState
from notifier.core.outcomes import PollOutcome
from notifier.core.snapshot.model import NotFound

HELD = replace(API, kind=ApiKind.UNREACHABLE, held_for=timedelta(seconds=26))
Told = tuple[PollResult | None, float]


def asked(outcome: PollOutcome | None = None, api: ApiState = API, known: bool = True) -> Told:
    """What somebody who asks for a poll of s_1 is told, and after how many seconds; the outcome comes after one."""

    async def ask() -> Told:
        poll = PollNow(hasten=lambda _: known, api=lambda: api)
        if outcome is not None:
            asyncio.get_running_loop().call_later(1, poll.report, poll_of("s_2", "failed"))
            asyncio.get_running_loop().call_later(1, poll.report, outcome)
        began = virtual_time.now()
        return await poll("s_1"), virtual_time.now() - began

    return virtual_time.run(ask)


@pytest.mark.parametrize(
    ("outcome", "answer", "text"),
    [
        (poll_of("s_1"), "running", "Polled: still running."),
        (poll_of("s_1", "ready"), "ready", "Polled: ready."),
        (replace(poll_of("s_1"), observation=NotFound()), "not_found", "Polled: Bright Data does not find it."),
    ],
)
def test_the_answer_is_told_when_it_comes(outcome: PollOutcome, answer: str, text: str) -> None:
    assert asked(outcome) == (PollResult(polled="s_1", answer=answer, text=text), 1.0)


def test_a_poll_without_an_answer_says_why() -> None:
    result, _ = asked(replace(poll_of("s_1"), observation=OUTAGE))
    assert result is not None
    assert result.answer == OUTAGE.reason
    assert result.text.startswith("Not polled: ")
    assert OUTAGE.detail in result.text


def test_while_no_request_goes_nobody_waits_for_one() -> None:
    text = "Not polled yet: no request goes for 26 s, because Bright Data is unreachable. Then it is polled."
    assert asked(api=HELD) == (PollResult(polled="s_1", text=text), 0)


def test_an_answer_that_takes_long_is_not_waited_for() -> None:
    result, seconds = asked()
    assert seconds == LONGEST_S
    assert result is not None
    assert result.answer is None
    assert result.text.startswith("Not answered yet:")


def test_what_is_not_polled_is_not_waited_for() -> None:
    assert asked(known=False) == (None, 0)


def test_an_outcome_after_somebody_has_gone_is_for_nobody() -> None:
    async def leave() -> None:
        poll = PollNow(hasten=lambda _: True, api=lambda: API)
        waiting = asyncio.create_task(poll("s_1"))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait({waiting})
        poll.report(poll_of("s_1"))
        assert waiting.cancelled()

    virtual_time.run(leave)

"""Waits for snapshots, on a clock of the test."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.brightdata.limits.permit import Permit
from notifier.core.snapshot.model import Facts, NotFound, Observation, Reason, Seen, Unclear
from notifier.polling.waiter import Ending, News, Waiter, exit_status

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
RUNNING = Seen(status="running")
READY = Seen(status="ready", facts=Facts(records=3, errors=0))
REFUSED = Unclear(reason=Reason.UNAUTHORISED, detail="HTTP 401")
FORBIDDEN = Unclear(reason=Reason.FORBIDDEN, detail="HTTP 403")
TROUBLE = Unclear(reason=Reason.SERVER_ERROR, detail="HTTP 502")


class Api:
    """Answers each snapshot's polls from its list, the last answer for ever; its clock moves with the pauses."""

    def __init__(self, **answers: Sequence[Observation]) -> None:
        self.answers = {snapshot_id: list(each) for snapshot_id, each in answers.items()}
        self.polls: list[str] = []
        self.news: list[News] = []
        self.now = START
        self._sleepers: list[tuple[datetime, asyncio.Future[None]]] = []

    async def observe(self, snapshot_id: str, *, permit: Permit | None = None) -> Observation:
        self.polls.append(snapshot_id)
        answers = self.answers[snapshot_id]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async def sleep(self, seconds: float) -> None:
        """Wake the first sleeper when all sleep."""
        waking = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.now + timedelta(seconds=seconds), waking))
        for _ in range(20):
            await asyncio.sleep(0)
        self._sleepers = [each for each in self._sleepers if not each[1].done()]
        if not waking.done():
            self.now = max(self.now, min(at for at, _ in self._sleepers))
            for at, sleeper in self._sleepers:
                if at <= self.now:
                    sleeper.set_result(None)
        await waking

    async def wait(self, timeout: timedelta | None = None) -> dict[str, Ending]:
        waiter = Waiter(
            observer=self,
            every=timedelta(seconds=10),
            clock=lambda: self.now,
            report=self.news.append,
            sleep=self.sleep,
        )
        return {each.snapshot_id: each.ending for each in await waiter.wait(list(self.answers), timeout)}


async def test_the_wait_is_over_when_all_have_ended() -> None:
    api = Api(s_1=[RUNNING, READY], s_2=[RUNNING, RUNNING, RUNNING, Seen(status="failed")])
    assert await api.wait() == {"s_1": Ending.READY, "s_2": Ending.FAILED}
    assert api.polls.count("s_1") == 2


async def test_the_other_spelling_of_canceled_is_canceled() -> None:
    assert await Api(s_1=[Seen(status="cancelled")]).wait() == {"s_1": Ending.CANCELED}


async def test_an_outage_does_not_end_the_wait_and_is_reported_once_with_its_end() -> None:
    limited = Unclear(reason=Reason.RATE_LIMITED, detail="HTTP 429", retry_after=timedelta(minutes=5))
    api = Api(s_1=[RUNNING, *[TROUBLE] * 50, limited, REFUSED, REFUSED, RUNNING, READY])
    assert await api.wait() == {"s_1": Ending.READY}
    told = [
        news.transition.status if news.transition else str(news.unclear.reason) if news.unclear else "answers again"
        for news in api.news
    ]
    assert told == ["running", "server_error", "answers again", "ready"]
    assert api.now - START > timedelta(minutes=13)


async def test_a_404_is_missing_only_after_its_grace() -> None:
    assert await Api(s_1=[NotFound(), NotFound(), RUNNING, READY]).wait() == {"s_1": Ending.READY}
    api = Api(s_1=[NotFound()])
    assert await api.wait() == {"s_1": Ending.MISSING}
    assert api.now - START >= timedelta(seconds=20)


async def test_three_refusals_of_the_token_in_a_row_end_the_wait_for_all() -> None:
    api = Api(s_1=[RUNNING, REFUSED], s_2=[RUNNING])
    assert await api.wait() == {"s_1": Ending.NOT_AUTHORISED, "s_2": Ending.NOT_AUTHORISED}
    assert api.polls.count("s_1") == 4


async def test_an_answer_of_403_refuses_the_token_as_one_of_401_does() -> None:
    assert await Api(s_1=[FORBIDDEN, REFUSED, FORBIDDEN]).wait() == {"s_1": Ending.NOT_AUTHORISED}


@pytest.mark.parametrize("between", [RUNNING, NotFound(), TROUBLE])
async def test_refusals_with_another_answer_in_between_are_not_in_a_row(between: Observation) -> None:
    api = Api(s_1=[REFUSED, REFUSED, between, REFUSED, between, REFUSED, READY])
    assert await api.wait() == {"s_1": Ending.READY}


async def test_at_the_timeout_snapshots_in_progress_count_as_timed_out() -> None:
    api = Api(s_1=[READY], s_2=[RUNNING])
    assert await api.wait(timedelta(minutes=3)) == {"s_1": Ending.READY, "s_2": Ending.TIMED_OUT}
    assert api.now - START == timedelta(minutes=3)


async def test_an_interrupted_wait_still_returns_what_is_known() -> None:
    async def never(seconds: float) -> None:
        await asyncio.Event().wait()

    polled = asyncio.Event()
    waiter = Waiter(
        observer=Api(s_1=[RUNNING]),
        every=timedelta(seconds=10),
        clock=lambda: START,
        report=lambda _: polled.set(),
        sleep=never,
    )
    task = asyncio.create_task(waiter.wait(["s_1"]))
    await polled.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [(each.ending, each.state.status) for each in waiter.outcomes()] == [(Ending.GOING_ON, "running")]


@pytest.mark.parametrize(
    ("endings", "status"),
    [
        ([Ending.READY, Ending.READY], 0),
        ([Ending.READY, Ending.FAILED, Ending.MISSING], 1),
        ([Ending.CANCELED, Ending.TIMED_OUT], 1),
        ([Ending.MISSING, Ending.TIMED_OUT], 3),
        ([Ending.NOT_AUTHORISED, Ending.FAILED], 4),
        ([Ending.READY, Ending.TIMED_OUT], 5),
        ([Ending.GOING_ON], 130),
    ],
)
def test_the_exit_status_is_the_first_that_is_true(endings: list[Ending], status: int) -> None:
    assert exit_status(endings) == status


@given(st.lists(st.sampled_from(Ending)))
def test_the_exit_status_is_0_only_if_all_are_ready(endings: list[Ending]) -> None:
    assert (exit_status(endings) == 0) == (set(endings) <= {Ending.READY})


NO_SNAPSHOT_OF_THIS = Unclear(reason=Reason.REFUSED, detail="HTTP 400: no snapshot of this collector")


async def test_a_refusal_that_will_not_change_ends_the_wait() -> None:
    """Three refusals in a row, 2 s apart; a failure in between does not count as an answer."""
    api = Api(s_1=[NO_SNAPSHOT_OF_THIS, TROUBLE, NO_SNAPSHOT_OF_THIS])
    assert await api.wait() == {"s_1": Ending.REFUSED}
    assert api.polls.count("s_1") == 4
    assert exit_status([Ending.READY, Ending.REFUSED, Ending.MISSING]) == 1


async def test_a_passing_refusal_does_not_end_the_wait() -> None:
    api = Api(s_1=[NO_SNAPSHOT_OF_THIS, NO_SNAPSHOT_OF_THIS, RUNNING, NO_SNAPSHOT_OF_THIS, READY])
    assert await api.wait() == {"s_1": Ending.READY}

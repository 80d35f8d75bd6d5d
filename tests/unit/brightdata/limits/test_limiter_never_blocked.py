"""The account is never blocked: an API that refuses what is over its own limit, kills at any instant, virtual time.

What counts is what the API answered, not what came to be known: an answer of 429 that a kill cut off is one of them.
Each life is long enough for its first answer: no memory helps where two kills in a row let nothing be learned.
"""

import asyncio
import bisect
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.virtual_time import now, run

from notifier.brightdata.limits.limiter import Limiter
from notifier.brightdata.limits.rate_limit_breaker import WINDOW

MINUTE = 60.0
HOUR = 3_600.0
EPOCH = datetime(2026, 11, 23, tzinfo=UTC)


def wall() -> datetime:
    return EPOCH + timedelta(seconds=now())


@dataclass
class Account:
    """An API that answers 429 above its limit; `burst` requests are allowed at once after a quiet time."""

    per_second: float
    burst: float
    latency: float
    retry_after: float | None
    answers: int = 0
    refusals: list[float] = field(default_factory=list)
    tokens: float = 0.0
    at: float = 0.0

    def ask(self) -> bool:
        """Whether the request that comes now is answered well."""
        self.answers += 1
        self.tokens = min(self.burst, self.tokens + (now() - self.at) * self.per_second)
        self.at = now()
        if self.tokens >= 1:
            self.tokens -= 1
            return True
        self.refusals.append(now())
        return False


async def watch(account: Account, gate: Limiter) -> None:
    """Ask again and again."""
    while True:
        with await gate.admit():
            await asyncio.sleep(account.latency / 2)
            good = account.ask()
            await asyncio.sleep(account.latency / 2)
            if good:
                gate.answered()
            else:
                gate.rate_limited(None if account.retry_after is None else timedelta(seconds=account.retry_after))


async def live(account: Account, lives: Sequence[float], watches: int) -> None:
    """One process after the other, each killed after so many seconds; what one has kept, the next remembers."""
    account.tokens, account.at = account.burst, now()
    kept: list[datetime] = []
    for number, seconds in enumerate(lives):
        gate = Limiter(requests_per_second=10.0, clock=now, wall=wall, refused=kept.append)
        ages = [wall() - at for at in kept if wall() - at <= timedelta(seconds=WINDOW)]
        gate.remember(ages, restarted=number > 0)
        tasks = [asyncio.create_task(watch(account, gate)) for _ in range(watches)]
        await asyncio.sleep(seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def most_in_five_minutes(times: Sequence[float]) -> int:
    return max((bisect.bisect_right(times, start + 300) - k for k, start in enumerate(times)), default=0)


limits = st.sampled_from([0.05, 0.2, 1.0, 3.0, 9.0, 10.0])
accounts = st.builds(
    Account,
    per_second=limits,
    burst=st.sampled_from([1.0, 2.0, 5.0, 20.0]),
    latency=st.sampled_from([0.0, 0.1, 0.7, 3.0]),
    retry_after=st.none() | st.sampled_from([0.0, 2.0, 30.0, 300.0]),
)


@settings(deadline=None, max_examples=30)
@given(account=accounts, lives=st.lists(st.floats(20, 500), min_size=1, max_size=5))
@example(account=Account(0.05, 20.0, 3.0, None), lives=[30.0, 20.0, 60.0, 400.0, 20.0, 600.0])
def test_ten_refusals_never_come_in_five_minutes_at_any_limit_of_the_api_and_any_kill(
    account: Account, lives: list[float]
) -> None:
    run(lambda: live(account, lives, 12))
    assert most_in_five_minutes(account.refusals) <= 9


def test_ten_thousand_watches_for_an_hour_with_restarts_are_answered_and_never_near_a_block() -> None:
    dice = random.Random(4)
    lives = [dice.uniform(10 * MINUTE, 20 * MINUTE) for _ in range(4)]
    account = Account(2.0, 5.0, 0.4, None)
    run(lambda: live(account, lives, 10_000))
    assert most_in_five_minutes(account.refusals) <= 9
    assert len(account.refusals) > 9, "else nothing was tried"
    assert account.answers > 500

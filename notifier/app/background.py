"""A queue of background work that no caller waits for, done in the order in which it came up.

Work that raises is tried again with growing pauses. Meanwhile it holds back only its own lane: what does the same for
the same subject, and so must come after it. After `MOST_TRIES` it is given up.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from notifier.core.isolation import Faults
from notifier.core.units import Unit
from notifier.failpoints import fault

MOST_TRIES = 8
"""With the pauses of `core.units`, about 20 minutes."""


@dataclass(kw_only=True, slots=True)
class _Errand:
    work: Callable[[], Awaitable[None]]
    unit: Unit
    lane: str
    tries: int = 0
    not_before: float = 0.0


class BackgroundQueue:
    """The queue. `run()` does the work; `end()` does what is left, after `run()` was cancelled or without it."""

    def __init__(self, faults: Faults | None = None) -> None:
        """
        Args:
            faults: bounds what an errand raises; without them it is raised by `run()` and `end()`.
        """
        self._faults = faults or Faults()
        self._waiting: list[_Errand] = []
        self._woken = asyncio.Event()

    def later(self, errand: Callable[..., Awaitable[None]], *arguments: Any, unit: Unit = Unit.ERRAND) -> None:
        """Have this done; its lane is the function, with the first argument if that is a text."""
        name = getattr(errand, "__qualname__", type(errand).__name__)
        lane = f"{name} {arguments[0]}" if arguments and isinstance(arguments[0], str) else name
        self._waiting.append(_Errand(work=partial(errand, *arguments), unit=unit, lane=lane))
        self._woken.set()

    def notice(self, errand: Callable[..., Awaitable[None]], *arguments: Any) -> None:
        """Have the operators told of something."""
        self.later(errand, *arguments, unit=Unit.NOTICE)

    async def run(self) -> None:
        """Do them as they come, until cancelled. One that is under way then is left to `end()`, from its beginning.

        Raises:
            StoreError: the store cannot be used.
        """
        while True:
            self._woken.clear()
            now = asyncio.get_running_loop().time()
            errand = self._next(now)
            if errand is not None:
                await self._do(errand)
                continue
            due = min((each.not_before for each in self._waiting if each.not_before > now), default=None)
            try:
                async with asyncio.timeout(None if due is None else due - now):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def end(self) -> None:
        """Do all that there are, each once more.

        Raises:
            StoreError: the store cannot be used.
        """
        while self._waiting:
            errand = self._waiting[0]
            errand.tries = MOST_TRIES
            await self._do(errand)

    def _next(self, now: float) -> _Errand | None:
        """The first that is due and that nothing of its lane holds back."""
        held = set[str]()
        for each in self._waiting:
            if each.not_before > now:
                held.add(each.lane)
            elif each.lane not in held:
                return each
        return None

    async def _do(self, errand: _Errand) -> None:
        try:
            with self._faults.alone(errand.unit, errand.lane) as attempt:
                fault(errand.unit, errand.lane)
                await errand.work()
        except asyncio.CancelledError:
            raise
        except BaseException:
            self._waiting.remove(errand)
            raise
        errand.tries += 1
        if attempt.pause is None or errand.tries >= MOST_TRIES:
            self._waiting.remove(errand)
        else:
            errand.not_before = asyncio.get_running_loop().time() + attempt.pause.total_seconds()

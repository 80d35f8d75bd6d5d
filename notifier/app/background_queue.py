"""A FIFO queue of background work that no caller waits for.

Work that raises is tried again with growing pauses. Meanwhile it holds back only its own lane: later work of the same
function for the same subject, which must come after it. After `MOST_TRIES` it is given up.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from notifier.core.isolation import Faults
from notifier.core.work_units import Unit
from notifier.failpoints import fault

MOST_TRIES = 8
"""With the pauses of `core.work_units`, about 20 minutes."""


@dataclass(kw_only=True, slots=True)
class _Task:
    work: Callable[[], Awaitable[None]]
    unit: Unit
    lane: str
    tries: int = 0
    not_before: float = 0.0


class BackgroundQueue:
    """The queue. `run` does the work; `end` does what is left, after `run` was cancelled or without it."""

    def __init__(self, faults: Faults | None = None) -> None:
        """
        Args:
            faults: isolates what work raises; without them `run` and `end` raise it.
        """
        self._faults = faults or Faults()
        self._waiting: list[_Task] = []
        self._woken = asyncio.Event()

    def later(self, function: Callable[..., Awaitable[None]], *arguments: Any, unit: Unit = Unit.BACKGROUND) -> None:
        """Queue a call. Its lane is the function, with the first argument if that is a text."""
        name = getattr(function, "__qualname__", type(function).__name__)
        lane = f"{name} {arguments[0]}" if arguments and isinstance(arguments[0], str) else name
        self._waiting.append(_Task(work=partial(function, *arguments), unit=unit, lane=lane))
        self._woken.set()

    def notice(self, function: Callable[..., Awaitable[None]], *arguments: Any) -> None:
        """Queue a notice to the operators."""
        self.later(function, *arguments, unit=Unit.NOTICE)

    async def run(self) -> None:
        """Do the work as it comes, until cancelled. What is under way then is left to `end`, from its beginning.

        Raises:
            StoreError: the store cannot be used.
        """
        while True:
            self._woken.clear()
            now = asyncio.get_running_loop().time()
            task = self._next(now)
            if task is not None:
                await self._do(task)
                continue
            due = min((each.not_before for each in self._waiting if each.not_before > now), default=None)
            try:
                async with asyncio.timeout(None if due is None else due - now):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def end(self) -> None:
        """Do everything that is left, each once more.

        Raises:
            StoreError: the store cannot be used.
        """
        while self._waiting:
            task = self._waiting[0]
            task.tries = MOST_TRIES
            await self._do(task)

    def _next(self, now: float) -> _Task | None:
        """Return the first task that is due and not held back by its lane."""
        held = set[str]()
        for each in self._waiting:
            if each.not_before > now:
                held.add(each.lane)
            elif each.lane not in held:
                return each
        return None

    async def _do(self, task: _Task) -> None:
        try:
            with self._faults.alone(task.unit, task.lane) as attempt:
                fault(task.unit, task.lane)
                await task.work()
        except asyncio.CancelledError:
            raise
        except BaseException:
            self._waiting.remove(task)
            raise
        task.tries += 1
        if attempt.pause is None or task.tries >= MOST_TRIES:
            self._waiting.remove(task)
        else:
            task.not_before = asyncio.get_running_loop().time() + attempt.pause.total_seconds()

"""An event loop whose clock stands still while anything can run, and else jumps to the next timer: no test sleeps."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Selector(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if timeout is None and not ready:
            raise AssertionError("everything waits, and no timer will wake anything")
        if not ready and timeout:
            self.now += timeout
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now


def run(test: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run the coroutine in virtual time, which begins at 1,000 s."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(test())


def now() -> float:
    """The virtual time in seconds."""
    return asyncio.get_running_loop().time()

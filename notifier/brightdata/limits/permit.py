"""The permit that a limiter gives for one request."""

from collections.abc import Callable
from types import TracebackType
from typing import Self


class Permit:
    """Permission for one request, which counts as in flight until the permit is released.

    Release it by hand, or use it as a context manager.

    Args:
        released: called once, at the first release.
        unused: called before it if no request was made with the permit.
        used: called once, when a request is made.
    """

    __slots__ = ("_released", "_unused", "_used")

    def __init__(
        self,
        released: Callable[[], None],
        unused: Callable[[], None] | None = None,
        used: Callable[[], None] | None = None,
    ) -> None:
        self._released: Callable[[], None] | None = released
        self._unused = unused
        self._used = used

    def use(self) -> None:
        """Notes that a request is made with the permit, now."""
        self._unused = None
        used, self._used = self._used, None
        if used is not None:
            used()

    def release(self) -> None:
        """Ends the request, or give back a permit that was not used. Idempotent."""
        released, self._released = self._released, None
        unused, self._unused = self._unused, None
        if released is None:
            return
        if unused is not None:
            unused()
        released()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()

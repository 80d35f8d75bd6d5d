"""Confines an exception to the unit of work that raised it: reports it, and says when the unit is tried again. Pure.

    with faults.alone(Unit.POLL, snapshot_id) as attempt:
        return await poll(snapshot_id)
    return attempt.pause  # the block raised

A StoreError passes: the store has its own rules (`store.write_retries`), and a damaged database ends the daemon.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from notifier.core.errors import StoreError
from notifier.core.work_units import Unit, UnitFault, pause_after

MOST_SUBJECTS = 10_000
"""Units whose failures in a row are counted; beyond that, the count of the oldest is dropped."""


@dataclass(slots=True)
class UnitRun:
    """The outcome of one run of a unit: `fault` and `pause` are set if it raised."""

    fault: UnitFault | None = None

    @property
    def pause(self) -> timedelta | None:
        """How long to wait before the unit is tried again; None if it did not raise."""
        return None if self.fault is None else self.fault.pause


class Faults:
    """Runs units so that each fails alone."""

    def __init__(
        self,
        report: Callable[[UnitFault], None] | None = None,
        *,
        jitter: Callable[[], float] = lambda: 0.5,
        failpoint: Callable[[Unit, str], None] = lambda unit, subject: None,
    ) -> None:
        """
        Args:
            report: called with every fault; must not raise. Without it exceptions pass.
            jitter: returns random numbers in [0, 1), to spread the tries.
            failpoint: called at the start of each `attempt`, so that a test can make it raise.
        """
        self._report = report
        self._jitter = jitter
        self._failpoint = failpoint
        self._failures: dict[tuple[Unit, str], int] = {}

    @contextmanager
    def alone(self, unit: Unit, subject: str = "") -> Iterator[UnitRun]:
        """Run the block as one unit. Any exception but a StoreError ends here, and is in the attempt afterwards.

        Args:
            unit: what it is.
            subject: which one; its failures in a row are counted.

        Raises:
            StoreError: the store cannot be used.
        """
        attempt = UnitRun()
        try:
            yield attempt
        except Exception as error:  # noqa: BLE001 - the one place that confines them
            attempt.fault = self._bound(unit, subject, error)
        else:
            self._failures.pop((unit, subject), None)

    async def attempt(self, unit: Unit, subject: str, work: Callable[[], Awaitable[None]]) -> timedelta:
        """Run a unit that is repeated; return the least pause before it is run again.

        Raises:
            StoreError: the store cannot be used.
        """
        with self.alone(unit, subject) as attempt:
            self._failpoint(unit, subject)
            await work()
        return attempt.pause or timedelta(0)

    def note(self, unit: Unit, subject: str, error: Exception) -> None:
        """Report what a unit raised that is not tried again, such as a page or a command."""
        if self._report is None:
            raise error
        self._report(UnitFault(unit=unit, subject=subject, error=_cause(error)))

    def _bound(self, unit: Unit, subject: str, error: Exception) -> UnitFault:
        if self._report is None or _is_of_store(error):
            raise error
        key = (unit, subject)
        failures = self._failures.pop(key, 0) + 1
        if len(self._failures) >= MOST_SUBJECTS:
            del self._failures[next(iter(self._failures))]
        self._failures[key] = failures
        pause = pause_after(failures, self._jitter())
        found = UnitFault(unit=unit, subject=subject, error=_cause(error), failures=failures, pause=pause)
        self._report(found)
        return found


def _is_of_store(error: Exception) -> bool:
    if isinstance(error, ExceptionGroup):
        return error.subgroup(StoreError) is not None
    return isinstance(error, StoreError)


def _cause(error: Exception) -> Exception:
    """Return the first exception of a group, and any other exception itself."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error

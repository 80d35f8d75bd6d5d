"""An exception ends its unit, is reported once, and lets nobody else know; an error of the store passes."""

import pytest
from support.fakes import Collected, fixed_jitter

from notifier.core.errors import StoreError
from notifier.core.isolation import Faults
from notifier.core.work_units import Unit, pause_after


def test_what_a_unit_raises_ends_there_and_is_counted_until_it_runs_well() -> None:
    told = Collected()
    faults = Faults(told, jitter=fixed_jitter())
    for failures in (1, 2, 3):
        with faults.alone(Unit.POLL, "s_1") as attempt:
            raise KeyError("x")
        assert attempt.pause == pause_after(failures, 0.5)
    with faults.alone(Unit.POLL, "s_2") as attempt:
        pass
    assert attempt.pause is None
    with faults.alone(Unit.POLL, "s_1"):
        pass
    with faults.alone(Unit.POLL, "s_1"):
        raise KeyError("x")
    assert [(each.subject, each.failures) for each in told] == [("s_1", 1), ("s_1", 2), ("s_1", 3), ("s_1", 1)]


@pytest.mark.parametrize(
    "error", [StoreError("gone"), ExceptionGroup("many", [ValueError("x"), StoreError("gone")])], ids=repr
)
def test_an_error_of_the_store_passes(error: Exception) -> None:
    told = Collected()
    with pytest.raises(type(error)):
        with Faults(told).alone(Unit.LIST, "gd_1"):
            raise error
    assert told == []


def test_of_a_group_the_first_cause_is_told() -> None:
    told = Collected()
    with Faults(told).alone(Unit.AUDIT):
        raise ExceptionGroup("many", [ExceptionGroup("more", [ZeroDivisionError("x")]), ValueError("y")])
    assert [each.kind for each in told] == ["audit:ZeroDivisionError"]


def test_without_a_report_nothing_is_bounded() -> None:
    with pytest.raises(KeyError):
        with Faults().alone(Unit.POLL):
            raise KeyError("x")
    with pytest.raises(KeyError):
        Faults().note(Unit.PAGE, "/", KeyError("x"))


def test_a_cancellation_passes() -> None:
    with pytest.raises(KeyboardInterrupt):
        with Faults(Collected()).alone(Unit.POLL):
            raise KeyboardInterrupt

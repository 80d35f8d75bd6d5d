"""Faults are armed by the environment as from inside: one unit, or those of its runs whose subject begins so."""

from collections.abc import Iterator

import pytest

from notifier.core.work_units import Unit
from notifier.failpoints import InjectedFault, _arm_faults_by_environment, arm_fault, disarm_faults, fault


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    disarm_faults()


def test_only_what_is_armed_raises() -> None:
    _arm_faults_by_environment("poll,delivery:s_1,nonsense,")
    with pytest.raises(InjectedFault, match="poll s_9"):
        fault(Unit.POLL, "s_9")
    with pytest.raises(InjectedFault):
        fault(Unit.DELIVERY, "s_17")
    fault(Unit.DELIVERY, "s_2")
    fault(Unit.LIST, "s_1")


def test_disarmed_nothing_raises() -> None:
    arm_fault(Unit.AUDIT)
    disarm_faults()
    fault(Unit.AUDIT)

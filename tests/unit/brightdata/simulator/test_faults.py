"""Which fault hits which request."""

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.brightdata.simulator.faults import MEANINGS, Fault, FaultInjector, mixed, parse_faults

CHANCES = {Fault.RATE_LIMITED: 0.05, Fault.RESET: 0.01}


def drawn(seed: int, number: int) -> list[Fault | None]:
    faults = FaultInjector(seed=seed, chances=CHANCES)
    return [faults.next() for _ in range(number)]


def test_the_same_seed_hits_the_same_requests() -> None:
    assert drawn(7, 500) == drawn(7, 500)
    assert drawn(7, 500) != drawn(8, 500)


def test_faults_occur_about_as_often_as_configured() -> None:
    counted = Counter(drawn(1, 20_000))
    assert counted[Fault.RATE_LIMITED] / 20_000 == pytest.approx(0.05, rel=0.15)
    assert counted[Fault.RESET] / 20_000 == pytest.approx(0.01, rel=0.3)


def test_without_chances_there_are_no_faults() -> None:
    faults = FaultInjector(seed=1, chances={Fault.CUT: 0.0})
    assert [faults.next() for _ in range(100)] == [None] * 100


def test_a_certain_fault_hits_every_request() -> None:
    faults = FaultInjector(seed=1, chances={Fault.CUT: 1.0})
    assert [faults.next() for _ in range(100)] == [Fault.CUT] * 100


def test_what_is_ordered_comes_first_and_in_order() -> None:
    faults = FaultInjector(seed=1, chances={Fault.CUT: 1.0})
    faults.order(Fault.HTML, 2)
    faults.order(None)
    assert [faults.next() for _ in range(4)] == [Fault.HTML, Fault.HTML, None, Fault.CUT]


@given(seed=st.integers(), k=st.integers())
def test_the_mixed_bits_are_64(seed: int, k: int) -> None:
    assert 0 <= mixed(seed, k) < 2**64


def test_faults_are_read_as_kind_and_probability() -> None:
    assert parse_faults(["429=0.05", " Reset =1e-2"]) == CHANCES
    assert parse_faults([]) == {}


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (["429"], "is not KIND=PROBABILITY"),
        (["teapot=0.1"], "no kind of fault; there are: 429, 500,"),
        (["cut=often"], "'often' in 'cut=often' is not a probability between 0 and 1"),
        (["cut=1.5"], "cut=1.5 is not a probability between 0 and 1"),
        (["cut=nan"], "cut=nan is not a probability"),
        (["cut=0.6", "slow=0.6"], "together are above 1: 1.2"),
    ],
)
def test_what_is_no_fault_is_refused_with_what_would_be_right(texts: list[str], told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        parse_faults(texts)


def test_every_fault_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Fault)

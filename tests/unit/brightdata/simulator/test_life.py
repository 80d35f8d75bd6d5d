"""The lives of simulated snapshots: what each age answers."""

import json
import random
from datetime import UTC, datetime

import pytest

from notifier.brightdata.datasets.progress import observation_of
from notifier.brightdata.simulator import life
from notifier.brightdata.simulator.life import LIVES, Life, Step, random_life
from notifier.core.snapshot.model import Seen
from notifier.core.snapshot.statuses import Phase, names_of, phase_of


def test_a_life_goes_through_its_steps_and_stays_in_the_last() -> None:
    lived = Life(steps=(Step(status="a", seconds=2), Step(status="b", seconds=3), Step(status="c")))
    assert [lived.status_at(age) for age in (0, 1.9, 2, 4.9, 5, 1e9)] == ["a", "a", "b", "b", "c", "c"]
    assert lived.seconds == 5


def test_a_life_without_a_step_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one step"):
        Life(steps=())


def test_a_hidden_life_is_unknown_at_first_and_begins_after_that() -> None:
    lived = life.appears_late(hidden_for=20, seconds=60)
    assert lived.at(19.9) is None
    assert lived.at(21.0) == {"status": "running", "running_time": 1000}
    assert lived.at(80.0) == {"status": "ready", "records": 10, "errors": 0, "collection_duration": 60_000}


def test_the_facts_come_with_the_end_only() -> None:
    lived = life.partial(seconds=60, records=8, errors=2)
    assert lived.at(0) == {"status": "starting"}
    assert lived.at(45) == {"status": "running", "running_time": 45_000}
    assert lived.at(60) == {
        "status": "ready",
        "records": 8,
        "errors": 2,
        "error_codes": {"dead_page": 2},
        "collection_duration": 60_000,
    }


@pytest.mark.parametrize(
    ("name", "ends_as"),
    [
        ("complete", "complete"),
        ("partial", "partial"),
        ("empty", "empty"),
        ("failed", "failed"),
        ("canceled", "canceled"),
        ("unknown_words", "complete"),
        ("slow", "complete"),
        ("appears_late", "complete"),
    ],
)
def test_each_ready_made_life_ends_as_named(name: str, ends_as: str) -> None:
    lived = LIVES[name]()
    end = observation_of(
        status_code=200, headers={}, body=_body(lived.at(lived.seconds)), now=datetime(2026, 11, 23, tzinfo=UTC)
    )
    assert isinstance(end, Seen)
    assert phase_of(end.status) is Phase.ENDED
    assert ends_as in names_of(end.status, end.facts)


def test_every_ready_made_life_is_tested() -> None:
    assert len(LIVES) == 8


def test_the_same_dice_make_the_same_lives_and_most_of_them_differ() -> None:
    def make(seed: int) -> list[Life]:
        dice = random.Random(seed)
        return [random_life(dice) for _ in range(200)]

    assert make(1) == make(1)
    assert make(1) != make(2)
    ends = {lived.steps[-1].status for lived in make(1)}
    assert ends == {"ready", "failed", "canceled"}
    assert all(2.0 <= lived.seconds <= 6 * 3600 + 20 for lived in make(1))


def _body(answer: dict[str, object] | None) -> bytes:
    return json.dumps(answer).encode()

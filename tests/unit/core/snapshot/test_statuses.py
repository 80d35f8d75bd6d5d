"""What a status says: its phase, and the event names that it carries."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.core.snapshot.model import MISSING, UNKNOWN, Facts, SnapshotState
from notifier.core.snapshot.statuses import (
    ENDS,
    IN_PROGRESS,
    NAMES,
    Phase,
    has_ended,
    is_known_word,
    names_of,
    phase_of,
    status_of,
)


@pytest.mark.parametrize(
    ("word", "phase"),
    [
        ("unknown", Phase.UNKNOWN),
        ("missing", Phase.MISSING),
        ("ready", Phase.ENDED),
        ("Ready", Phase.ENDED),
        ("failed", Phase.ENDED),
        ("canceled", Phase.ENDED),
        ("CANCELLED", Phase.ENDED),
        ("digesting", Phase.ACTIVE),
        ("a word never seen before", Phase.ACTIVE),
    ],
)
def test_every_word_has_a_phase(word: str, phase: Phase) -> None:
    assert phase_of(word) is phase
    assert has_ended(SnapshotState(snapshot_id="s_1", status=word)) is (phase is Phase.ENDED)


@pytest.mark.parametrize(
    ("status", "facts", "names"),
    [
        ("ready", Facts(records=10, errors=0), ("ready", "complete")),
        ("ready", Facts(records=10), ("ready",)),
        ("ready", Facts(), ("ready",)),
        ("ready", Facts(errors=0), ("ready",)),
        ("ready", Facts(error_codes=(("dead_page", 1),)), ("ready", "partial")),
        ("ready", Facts(records=10, errors=0, error_codes=(("dead_page", 0),)), ("ready", "complete")),
        ("ready", Facts(records=0, error_codes=(("dead_page", 1),)), ("ready", "empty")),
        ("ready", Facts(records=10, errors=1), ("ready", "partial")),
        ("ready", Facts(errors=1), ("ready", "partial")),
        ("ready", Facts(records=0), ("ready", "empty")),
        ("ready", Facts(records=0, errors=3), ("ready", "empty")),
        ("READY", Facts(records=1, errors=0), ("ready", "complete")),
        ("cancelled", Facts(records=0), ("canceled",)),
        ("failed", Facts(errors=1), ("failed",)),
        ("Digesting", Facts(), ("digesting",)),
    ],
)
def test_ready_says_how_it_is_ready_and_every_other_word_stands_alone(
    status: str, facts: Facts, names: tuple[str, ...]
) -> None:
    assert names_of(status, facts) == names


@given(st.sampled_from(sorted({*NAMES, "all", UNKNOWN})), st.sampled_from([str.lower, str.upper, str.title]))
def test_a_word_of_the_api_that_is_one_of_ours_is_marked_as_the_apis(word: str, spelling: Callable[[str], str]) -> None:
    assert status_of(spelling(word)) == f"api:{spelling(word)}"


@pytest.mark.parametrize("word", sorted(ENDS | IN_PROGRESS))
def test_a_word_that_the_api_is_known_to_use_stays_as_it_was_written(word: str) -> None:
    assert status_of(word.upper()) == word.upper()
    assert is_known_word(word.upper())


def test_a_word_that_nobody_knows_is_known_for_none() -> None:
    assert not is_known_word("a word never seen before")
    assert not is_known_word(status_of(MISSING))
    assert is_known_word(MISSING)

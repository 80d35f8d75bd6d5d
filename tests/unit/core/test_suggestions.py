"""A misspelt word gets the one suggestion that is most like it, or none."""

import pytest

from notifier.core.suggestions import closest, did_you_mean


@pytest.mark.parametrize(
    ("word", "expected"),
    [("faild", "failed"), ("READY", "ready"), ("Team-slak", "team-Slack"), ("zzz", None), ("", None)],
)
def test_the_most_similar_word_is_found_whatever_its_case(word: str, expected: str | None) -> None:
    assert closest(word, ["failed", "ready", "team-Slack"]) == expected


def test_a_higher_cutoff_suggests_less() -> None:
    assert closest("failing", ["failed"]) == "failed"
    assert closest("failing", ["failed"], cutoff=0.9) is None


def test_a_word_of_any_length_is_compared_in_no_time() -> None:
    assert closest("ready" * 10_000_000, ["ready"]) is None


def test_a_suggestion_is_the_end_of_a_sentence_or_nothing() -> None:
    assert did_you_mean("reddy", ["ready"]) == "; did you mean 'ready'?"
    assert did_you_mean("zzz", ["ready"]) == ""

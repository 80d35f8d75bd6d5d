"""What a person reads of an event: a title that says it all on one line, and a body with the facts."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fakes import START, event, transition, watch

from notifier.core.delivery.message_text import message
from notifier.core.delivery.routing import event_of
from notifier.core.snapshot.model import Facts
from notifier.core.words import safe

NASTY = "x\n\r\u2028\x00\x1b[31m\ud800 "
anything = st.text(st.characters(codec=None), max_size=40) | st.just(NASTY * 20)
counts = st.none() | st.integers(0, 2**53)
facts = st.builds(
    Facts,
    dataset_id=st.none() | anything,
    records=counts,
    errors=counts,
    error_message=st.none() | anything,
    error_codes=st.lists(st.tuples(anything, st.integers(0, 2**53)), max_size=12).map(tuple),
    running_time_ms=st.none() | st.integers(0, 10**12),
    collection_duration_ms=st.none() | st.integers(0, 10**12),
)


@pytest.mark.parametrize(
    ("status", "known", "title"),
    [
        (
            "ready",
            Facts(records=12345, errors=0, collection_duration_ms=36_592),
            "✅ Prices: ready, 12,345 records after 37 s",
        ),
        ("ready", Facts(records=1, errors=0), "✅ Prices: ready, 1 record"),
        ("ready", Facts(records=1), "☑️ Prices: ready, 1 record, no number of errors was given"),
        ("ready", Facts(errors=0), "☑️ Prices: ready, no errors, no number of records was given"),
        ("ready", Facts(), "☑️ Prices: ready, no counts were given"),
        (
            "ready",
            Facts(error_codes=(("dead_page", 3),), collection_duration_ms=5_000),
            "⚠️ Prices: ready with errors (dead_page × 3) after 5 s, no counts were given",
        ),
        ("ready", Facts(records=9, errors=1), "⚠️ Prices: ready with errors: 9 records, 1 error"),
        ("ready", Facts(errors=2), "⚠️ Prices: ready with errors: 2 errors"),
        ("ready", Facts(records=0, errors=1), "📭 Prices: ready but empty: no records, 1 error"),
        (
            "failed",
            Facts(error_message="Out of\nmemory", running_time_ms=400),
            "❌ Prices: failed after 0.4 s: Out of memory",
        ),
        ("failed", Facts(), "❌ Prices: failed"),
        ("failed", Facts(error_message="\n\x00 "), "❌ Prices: failed"),
        ("canceled", Facts(), "🚫 Prices: canceled"),
        ("cancelled", Facts(), "🚫 Prices: cancelled"),
        ("missing", Facts(), "❓ Prices: missing, Bright Data does not know this snapshot"),
        ("running", Facts(running_time_ms=125_000), "▶️ Prices: running"),
        ("starting", Facts(), "⏳ Prices: starting"),
        ("digesting", Facts(), "🔔 Prices: digesting"),
        ("stalled", Facts(), "🐌 Prices: stalled, still running"),
        ("expiring", Facts(), "⌛ Prices: expiring, the results are deleted soon"),
    ],
)
def test_the_title_says_what_happened(status: str, known: Facts, title: str) -> None:
    assert message(event(status, known)).title == title


def test_the_body_has_every_fact() -> None:
    known = Facts(
        dataset_id="gd_9",
        records=0,
        errors=1,
        error_message="The site\nis down",
        error_codes=(("dead_page", 1_000), ("timeout", 2)),
        collection_duration_ms=7_200_000,
    )
    told = event_of(
        transition("ready", known, late_by=timedelta(minutes=7)), watch(labels={"team": "growth", "env": "live"})
    )
    assert message(told).body.splitlines() == [
        "Snapshot: s_1",
        "Dataset: gd_9",
        "Result: no records, 1 error",
        "Error codes: dead_page × 1,000, timeout × 2",
        "Reason: The site is down",
        "Took: 2 h",
        "Before: running",
        "Seen: 2026-11-23 12:00:00 UTC, up to 7 min late",
        "Labels: env=live, team=growth",
        f"Event: {told.id}",
    ]


def test_a_body_without_facts_is_short_and_does_not_talk_of_lateness() -> None:
    told = event_of(transition("running", previous="unknown"), watch())
    assert message(told).body.splitlines() == [
        "Snapshot: s_1",
        "Before: not polled yet",
        "Seen: 2026-11-23 12:00:00 UTC",
        f"Event: {told.id}",
    ]


def test_many_error_codes_are_counted_and_not_listed() -> None:
    codes = tuple((f"code_{number}", 1) for number in range(20))
    assert "code_7 × 1 and 12 more" in message(event("ready", Facts(error_codes=codes))).body


def test_stalled_says_what_stands_still_since_when_and_how_far_it_came() -> None:
    known = Facts(dataset_id="gd_1", records=7, running_time_ms=86_400_000)
    stalled = transition("stalled", known, since=START - timedelta(days=1))
    told = event_of(stalled, watch())
    assert message(told).title == "🐌 Prices: stalled, still running after 1 d"
    assert message(told).body.splitlines() == [
        "Snapshot: s_1",
        "Dataset: gd_1",
        "So far: 7 records",
        "Runs for: 1 d",
        "It is still polled, and a message about its end will follow.",
        "Status: running, since 2026-11-22 12:00:00 UTC",
        "Seen: 2026-11-23 12:00:00 UTC",
        f"Event: {told.id}",
    ]


def test_the_same_end_once_more_says_so() -> None:
    told = event_of(transition("ready", Facts(records=7), names=("again",)), watch())
    assert message(told).title == "🔁 Prices: ready again, as before"


def test_what_was_before_has_its_time() -> None:
    told = event_of(transition("ready", since=START - timedelta(minutes=5)), watch())
    assert "Before: running, since 2026-11-23 11:55:00 UTC" in message(told).body


def test_missing_says_what_to_check() -> None:
    assert "that the token belongs to the account" in message(event("missing")).body


@given(st.sampled_from(["ready", "failed", "running", "missing"]) | st.text(min_size=1), facts, anything, anything)
def test_whatever_others_wrote_the_title_is_one_short_printable_line_and_each_fact_has_its_own(
    status: str, known: Facts, name: str, label: str
) -> None:
    told = event_of(transition(status, known, observed_at=START), watch(name=name, labels={"team": label}))
    found = message(told)
    emoji = found.title.split(" ")[0]
    assert all(ord(char) > 0x2000 for char in emoji)
    assert safe(found.title) == found.title
    assert len(found.title) < 400
    *facts_told, last = found.body.split("\n")
    assert last == f"Event: {told.id}"
    assert all(": " in line for line in facts_told if not line.startswith("Check"))
    assert len(facts_told) <= 10
    found.body.encode()  # no lone surrogates


def test_ten_kilobytes_of_anything_still_make_a_short_title() -> None:
    found = message(event("failed", Facts(error_message=NASTY * 1_000), name=NASTY * 1_000))
    assert len(found.title) < 300
    assert found.title.startswith("❌ x")
    assert ": failed: x" in found.title


@pytest.mark.parametrize("name", ["", "\n\t ", "\x00"])
def test_a_name_that_nobody_can_read_gives_way_to_the_snapshots_id(name: str) -> None:
    assert message(event(name=name)).title.startswith("☑️ s_1: ready")


def test_the_title_has_the_most_frequent_error_codes() -> None:
    """A digest has only the title of each: why it is empty has to stand there."""
    codes = (("dead_page", 3), ("no_peers", 2), ("timeout", 1))
    title = message(event("ready", Facts(records=0, errors=6, error_codes=codes))).title
    assert "no records, 6 errors (dead_page × 3, no_peers × 2 and 1 more)" in title
    assert "failed (dead_page × 3" in message(event("failed", Facts(error_codes=codes))).title

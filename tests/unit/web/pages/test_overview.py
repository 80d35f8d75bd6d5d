"""The overview says first whether anything needs a person; its counts and pages keep the filters."""

from dataclasses import replace
from typing import Any

from support.page_world import CHANNELS, CONDITIONS, DATASETS, NOW, SNAPSHOTS

from notifier.core.resource_pages import SnapshotPage
from notifier.web.pages.filters import WatchFilters
from notifier.web.pages.overview import Overview, context, verdict


def found(**given: Any) -> Overview:
    """What the page shows; all is well unless it is given."""
    page = SnapshotPage(snapshots=SNAPSHOTS, next_cursor=None, counts={"running": 3, "failed": 1}, datasets=DATASETS)
    usual: dict[str, Any] = {"page": page, "counts": page.counts, "conditions": (), "channels": CHANNELS}
    return Overview(**{**usual, "dataset_names": {}, "any_watches": True, **given})


def test_a_condition_is_what_needs_a_person() -> None:
    assert verdict(found(channels=())).title == "Nothing needs you"
    assert (verdict(found(conditions=CONDITIONS)).title, verdict(found(conditions=CONDITIONS)).tone) == (
        "One thing needs you",
        "bad",
    )
    assert verdict(found(conditions=CONDITIONS * 3)).title == "3 things need you"


def test_the_verdict_says_in_short_how_it_stands() -> None:
    assert verdict(found()).text == "3 in progress, 1 failed or missing, 2 messages waiting."
    quiet = found(counts={"ready": 4}, channels=())
    assert verdict(quiet).text == "Nothing in progress, nothing failed, no message is waiting."


def test_the_counts_lead_to_their_snapshots_with_the_other_filters_kept() -> None:
    made = context(found(), WatchFilters(q="x", status="failed"), NOW)
    counts = {each["status"]: each for each in made["counts"]}
    assert list(counts) == ["", "failed", "running"]
    assert counts["running"]["href"] == "/?q=x&status=running#watches"
    assert counts["failed"]["current"]
    assert not counts[""]["current"]


def test_the_next_page_keeps_the_filters_and_a_way_back() -> None:
    page = replace(found().page, next_cursor="abc")
    made = context(found(page=page), WatchFilters(sort="name", after="before"), NOW)
    assert made["next_url"] == "/?sort=name&after=abc#watches"
    assert made["first_url"] == "/?sort=name#watches"


def test_while_messages_are_tried_again_the_verdict_is_not_that_all_is_well() -> None:
    made = verdict(found(untold=2))
    assert (made.tone, made.title) == ("warn", "1 message is being tried again")
    assert made.text.endswith("2 failures were told to nobody yet.")
    assert made.href == "/deliveries?state=open"
    assert verdict(found(conditions=CONDITIONS, untold=1)).text.endswith("1 failure was told to nobody yet.")

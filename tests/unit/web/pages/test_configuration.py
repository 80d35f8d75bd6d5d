"""The page of the configuration says what is in effect, and why a reload was refused."""

from dataclasses import replace

import yaml
from support.page_world import CONFIGURATION, NOW

from notifier.web.pages.configuration import MOST_ENTRIES, context, reload_of, sections


def test_all_of_it_is_shown_as_yaml() -> None:
    shown: dict[str, object] = {}
    for section in sections(CONFIGURATION.effective):
        shown |= yaml.safe_load(section.yaml)
    assert shown == CONFIGURATION.effective


def test_what_is_too_long_is_cut_and_says_so() -> None:
    watches = [{"snapshot": f"s_{number}"} for number in range(MOST_ENTRIES + 7)]
    (section,) = sections({"watches": watches})
    assert len(yaml.safe_load(section.yaml)["watches"]) == MOST_ENTRIES
    assert section.more == "7 more are not shown; notifier config show prints all."
    assert section.summary == "207 entries"


def test_a_refused_reload_says_that_the_one_before_stays() -> None:
    refused = replace(CONFIGURATION, refused=("config.yaml:3:5: watches: what is wrong",), reloaded_at=NOW)
    assert "stays in effect" in reload_of(refused).text
    assert reload_of(refused).tone == "bad"
    assert context(refused)["problems"] == refused.refused


def test_a_start_on_the_last_configuration_says_so() -> None:
    assert "started with the configuration" in reload_of(replace(CONFIGURATION, refused=("x",), runs_of=NOW)).text


def test_files_that_did_not_change_are_in_effect() -> None:
    assert reload_of(replace(CONFIGURATION, reloaded_at=None)).title == "In effect since the start"
    assert reload_of(CONFIGURATION).at == CONFIGURATION.reloaded_at

"""A misspelt event name gets a warning with its place, and is never refused."""

from collections.abc import Callable

import pytest

from notifier.config.model import Config
from notifier.core.snapshot.statuses import ENDS, IN_PROGRESS, NAMES

Loader = Callable[..., Config]

LINES = [
    ("defaults: {on: [ready, faild]}", "3:24: defaults.on[1]: 'faild'", "failed"),
    ("defaults: {on: Redy}", "3:16: defaults.on: 'Redy'", "ready"),
    ("watches: [{snapshot: s, notify: ops, on: [done]}]", "3:43: watches[0].on[0]: 'done'", "ready"),
    ("watches: [{snapshot: s, notify: ops, on: timeout}]", "3:42: watches[0].on: 'timeout'", "stalled"),
    ("watches: [{dataset: s, notify: ops, on: started}]", "3:41: watches[0].on: 'started'", "starting"),
    ("defaults: {on: '${WORD}'}", "3:16: defaults.on: '${WORD}'", "stalled"),
    ("templates: {faild: {title: x}}", "3:13: templates.faild: 'faild'", "failed"),
]


@pytest.mark.parametrize(("line", "start", "meant"), LINES, ids=[line for line, _, _ in LINES])
def test_it_is_warned_about_at_its_place(loaded: Loader, root: str, line: str, start: str, meant: str) -> None:
    (warning,) = loaded(root + line + "\n", WORD="stallled").warnings
    text = f"config.yaml:{start} is no known event, and matches only if the API uses this word; did you mean '{meant}'?"
    assert str(warning) == text


def test_known_words_and_words_unlike_them_are_not_warned_of(loaded: Loader, root: str) -> None:
    words = ", ".join([*ENDS, *IN_PROGRESS, *NAMES, "all", "cancelled", "READY", "api:missing", "some_new_word"])
    assert loaded(f"{root}defaults: {{on: [{words}]}}\n").warnings == ()


def test_in_a_channel_too(loaded: Loader) -> None:
    quiet = 'quiet: {from: "22:00", to: "07:00", except: [fialed]}'
    config = loaded(
        f"api: {{token: t}}\nchannels:\n  a: {{url: 'json://localhost', {quiet}, templates: {{emty: {{body: x}}}}}}\n"
    )
    assert [each.key for each in config.warnings] == ["channels.a.quiet.except[0]", "channels.a.templates.emty"]


def test_the_same_typo_in_thousands_of_watches_is_counted(loaded: Loader, root: str) -> None:
    lines = "".join(f"  - {{snapshot: s_{number}, on: faild}}\n" for number in range(200))
    warnings = loaded(f"{root}defaults: {{notify: ops}}\nwatches:\n{lines}").warnings
    assert len(warnings) == 51
    assert warnings[-1].text.startswith("and 150 more of this kind: ")

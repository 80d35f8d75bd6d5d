"""What a reload would change is told in the words of the YAML, completely, and without a secret."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from config.conftest import ROOT, Loader
from notifier.config.diff import MOST_SHOWN, Change, ConfigDiff, diff, plain
from notifier.config.model import Api, Config
from notifier.core.model import Watch

WATCHES = "watches: [{snapshot: a, notify: team}, {snapshot: b, notify: team, every: 30s, id: B}]\n"


def changes_of(found: ConfigDiff) -> dict[str, list[str]]:
    items = (*found.watches.changed, *found.channels.changed)
    return {each.name: [change.key for change in each.changes] for each in items}


def test_nothing_differs_between_two_loads_of_one_text(loaded: Loader) -> None:
    found = diff(loaded(ROOT + WATCHES), loaded("# moved\n" + ROOT + WATCHES))
    assert found == ConfigDiff()
    assert not found


def test_watches_are_known_by_their_ids(loaded: Loader) -> None:
    found = diff(
        loaded(ROOT + WATCHES),
        loaded(ROOT + "watches: [{snapshot: c, notify: ops}, {snapshot: b, notify: [ops], every: 1m, id: B}]\n"),
    )
    assert found.watches.added == ("c",)
    assert found.watches.removed == ("a",)
    assert [each.name for each in found.watches.changed] == ["B"]
    assert found.watches.changed[0].changes == (
        Change(key="notify", before=["team"], after=["ops"]),
        Change(key="every", before="30s", after="1m"),
    )


def test_the_other_sections_are_told_by_their_whole_keys_and_which_of_them_need_a_restart(loaded: Loader) -> None:
    more = "operators: [ops]\nkeep: 7d\nstate: sqlite:///other.db\n"
    found = diff(loaded(ROOT), loaded(ROOT.replace("api: {", "api: {timeout: 20s, ") + more))
    assert [change.key for change in found.keys] == ["api.timeout", "state", "operators", "keep"]
    assert found.restart == ("state",)


def test_a_secret_that_changed_is_told_and_not_shown(loaded: Loader) -> None:
    other = "whsec_b3RoZXItc2VjcmV0LW9mLTI0LWJ5dGVzLW1vcmU="
    text = (
        'api: {{token: "{}"}}\nchannels:\n  hook: {{webhook: "https://example.com/{}", secret: "{}"}}\n'
        '  team: "slack://{}/TokenB456/TokenC789"\n'
    )
    before = loaded(text.format("canary-one", "canary-two", "${SECRET}", "CanaryAA1"))
    after = loaded(text.format("canary-eins", "canary-zwei", other, "CanaryBB2"))
    found = diff(before, after)
    assert [change.key for change in found.keys] == ["api.token"]
    assert changes_of(found) == {"hook": ["webhook", "secret"], "team": ["url"]}
    shown = (json.dumps(plain(found)) + repr(found)).lower()
    assert "canary" not in shown
    assert other.lower() not in shown


@given(st.lists(st.sampled_from("abcdef"), unique=True), st.lists(st.sampled_from("abcdef"), unique=True))
def test_added_and_removed_make_the_one_of_the_other(one: list[str], other: list[str]) -> None:
    found = diff(config_of(one), config_of(other))
    assert {*one, *found.watches.added} - {*found.watches.removed} == {*other}
    assert not found.watches.changed


def test_the_plain_form_is_cut_and_counts(loaded: Loader) -> None:
    empty = replace(loaded(ROOT), watches=())
    many = replace(empty, watches=config_of([str(n) for n in range(1000)]).watches)
    items = plain(diff(empty, many))["watches"]
    assert len(items["added"]) == MOST_SHOWN
    assert items["added_total"] == 1000


def config_of(ids: list[str]) -> Config:
    watches = (
        Watch(id=each, snapshot_id=each, name=each, every=timedelta(seconds=30), notify=("t",), on=("ready",))
        for each in ids
    )
    return Config(
        path=Path("x"), files=(), api=Api(token="t"), database=Path("d"), operators=(), channels={},
        watches=tuple(watches), secrets=frozenset(),
    )  # fmt: skip

"""The difference between two configurations is complete, in the words of the YAML, and without secrets."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from notifier.config.diff import MOST_SHOWN, diff, plain
from notifier.config.model import Api, Config
from notifier.core.config_diff import Change, ConfigDiff
from notifier.core.snapshot.model import Watch
from unit.config.conftest import ROOT, Loader

WATCHES = "watches: [{snapshot: a, notify: team}, {snapshot: b, notify: team, every: 30s, id: B}]\n"


def changes_of(found: ConfigDiff) -> dict[str, list[str]]:
    items = (*found.watches.changed, *found.channels.changed)
    return {each.name: [change.key for change in each.changes] for each in items}


def test_nothing_differs_between_two_loads_of_one_text(loaded: Loader) -> None:
    found = diff(loaded(ROOT + WATCHES), loaded("# moved\n" + ROOT + WATCHES))
    assert found == ConfigDiff()
    assert not found


def test_watches_are_compared_by_their_ids(loaded: Loader) -> None:
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


def test_watches_of_datasets_are_compared_like_those_of_snapshots(loaded: Loader) -> None:
    one = "watches: [{dataset: g, notify: team}, {dataset: h, notify: team}, {snapshot: s, id: x, notify: team}]\n"
    two = (
        "watches: [{dataset: g, notify: team, download: out, results_kept: 30d}, {dataset: n, notify: team}, "
        "{dataset: d, id: x, notify: team}]\n"
    )
    found = diff(loaded(ROOT + one), loaded(ROOT + two))
    assert (found.watches.added, found.watches.removed) == (("n",), ("h",))
    assert changes_of(found) == {"g": ["results_kept", "download"], "x": ["snapshot", "name", "dataset"]}
    assert not found.keys


def test_every_changed_key_of_a_watch_is_listed(loaded: Loader, folder: Path) -> None:
    watch = "watches: [{{snapshot: a, notify: team, {}}}]\n"
    values = {
        "name": "n", "on": "[all]", "every": "7m", "stalled_after": "off", "results_kept": "30d",
        "expiring_before": "5h", "download": "{folder: out, format: csv}", "labels": "{a: b}",
    }  # fmt: skip
    plainly = loaded(ROOT + watch.format("id: a"))
    for key, value in values.items():
        found = diff(plainly, loaded(ROOT + watch.format(f"{key}: {value}")))
        assert changes_of(found) == {"a": [key]}
    found = diff(plainly, loaded(ROOT + watch.format("download: out")))
    download = {"folder": str(folder / "out"), "format": "json"}
    assert found.watches.changed[0].changes == (Change(key="download", before=None, after=download),)


def test_warnings_do_not_count_as_a_difference(loaded: Loader) -> None:
    before = loaded(ROOT + "watches: [{snapshot: a, notify: team, on: [faild]}]\n")
    assert before.warnings
    assert not diff(before, replace(before, warnings=()))


def test_other_sections_are_listed_by_path_with_those_that_need_a_restart(loaded: Loader) -> None:
    more = "operators: [ops]\nkeep: 7d\nstate: sqlite:///other.db\n"
    found = diff(loaded(ROOT), loaded(ROOT.replace("api: {", "api: {timeout: 20s, batch: never, ") + more))
    assert [change.key for change in found.keys] == ["api.timeout", "api.batch", "state", "operators", "keep"]
    assert found.restart == ("state",)


def test_a_changed_secret_is_listed_and_masked(loaded: Loader) -> None:
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


def test_changes_of_the_http_section_are_listed_without_secrets(loaded: Loader) -> None:
    text = "http: {{listen: '{}', token: '{}'}}\nheartbeat: {{url: 'https://example.com/{}', every: {}}}\n"
    before = loaded(ROOT + text.format("[::]:80", "canary-one-0123456", "canary-two", "1m"))
    other = loaded(ROOT + text.format("[::]:80", "canary-eins-012345", "canary-zwei", "1m"))
    found = diff(before, other)
    assert [change.key for change in found.keys] == ["http.token", "heartbeat.url"]
    assert "canary" not in json.dumps(plain(found)) + repr(found)
    assert not found.restart
    found = diff(before, loaded(ROOT + "http: off\n"))
    assert [change.key for change in found.keys] == ["http.listen", "http.token", "heartbeat.url", "heartbeat.every"]


@given(st.lists(st.sampled_from("abcdef"), unique=True), st.lists(st.sampled_from("abcdef"), unique=True))
def test_applying_the_difference_gives_the_new_configuration(one: list[str], other: list[str]) -> None:
    found = diff(config_of(one), config_of(other))
    assert {*one, *found.watches.added} - {*found.watches.removed} == {*other}
    assert not found.watches.changed


def test_the_plain_form_is_cut_and_counts(loaded: Loader) -> None:
    empty = replace(loaded(ROOT), watches=())
    many = replace(empty, watches=config_of([str(n) for n in range(1000)]).watches)
    items = plain(diff(empty, many))["watches"]
    assert len(items["added"]) == MOST_SHOWN
    assert items["added_total"] == 1000


def test_differences_beyond_the_limit_are_counted_only() -> None:
    before = config_of([str(n) for n in range(MOST_SHOWN + 5)])
    after = replace(before, watches=tuple(replace(each, name="other") for each in before.watches))
    changed = diff(before, after).watches.changed
    assert [each.name for each in changed] == [each.id for each in after.watches]
    assert [bool(each.changes) for each in changed] == [True] * MOST_SHOWN + [False] * 5


def config_of(ids: list[str]) -> Config:
    watches = (
        Watch(id=each, snapshot_id=each, name=each, every=timedelta(seconds=30), notify=("t",), on=("ready",))
        for each in ids
    )
    return Config(
        path=Path("x"), files=(), api=Api(token="t"), database=Path("d"), operators=(), channels={},
        watches=tuple(watches), secrets=frozenset(),
    )  # fmt: skip


def test_a_change_of_the_hooks_is_listed_without_their_secret(loaded: Loader) -> None:
    text = "hooks: {{secret: canary-{}-0123456789abcdef, adopt: {}, notify: team}}\n"
    before = loaded(ROOT + text.format("one", "true"))
    found = diff(before, loaded(ROOT + text.format("two", "false")))
    assert [change.key for change in found.keys] == ["hooks.secret", "hooks.adopt"]
    assert "canary" not in json.dumps(plain(found)) + repr(found)
    assert "hooks.notify" in [change.key for change in diff(before, loaded(ROOT)).keys]

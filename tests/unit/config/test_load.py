"""A valid configuration has every default applied and every path absolute."""

import time
import tracemalloc
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from notifier.config import build
from notifier.config.fields import Context
from notifier.config.model import Config
from notifier.config.schema import DefaultsSection, WatchSection
from notifier.core.snapshot.model import Download, Watch

Loader = Callable[..., Config]


def test_a_minimal_configuration_has_every_default(loaded: Loader, folder: Path, root: str) -> None:
    config = loaded(root + "defaults: {notify: team}\nwatches:\n  - snapshot: s_1\n")
    assert config.path == folder / "config.yaml"
    assert config.files == (folder / "config.yaml",)
    assert config.database == folder / "notifier.db"
    assert config.operators == ()
    assert config.api.token == "tok-123"
    assert config.api.token_file is None
    assert config.api.base_url == "https://api.brightdata.com"
    assert config.api.requests_per_second == 10
    assert config.api.timeout == timedelta(seconds=10)
    assert config.watches == (
        Watch(
            id="s_1",
            snapshot_id="s_1",
            name="s_1",
            every=timedelta(seconds=30),
            notify=("team",),
            on=("ready", "failed", "canceled", "stalled", "missing"),
            stalled_after=timedelta(hours=24),
            labels={},
        ),
    )


def test_every_given_key_replaces_its_default(loaded: Loader, folder: Path) -> None:
    config = loaded(
        """
api:
  token: tok
  base_url: http://127.0.0.1:8000/base/
  requests_per_second: 0.5
  timeout: 5s
state: sqlite:////var/lib/notifier/state.db
http: off
operators: [ops, team, ops]
channels:
  team: slack://a/b/c
  ops:
    url: mailtos://user:pass@example.com
defaults: {every: 1m, notify: [team], on: ready, stalled_after: 1h30m}
watches:
  - {snapshot: s_1, id: one, name: First, notify: [ops, team, ops], on: [Ready, EMPTY, on, ready], every: 1s,
     stalled_after: 2d, labels: {team: growth, "cost centre": "12"}}
  - snapshot: s_2
"""
    )
    assert config.api.base_url == "http://127.0.0.1:8000/base"
    assert config.api.requests_per_second == 0.5
    assert config.api.timeout == timedelta(seconds=5)
    assert config.database == Path("/var/lib/notifier/state.db")
    assert config.operators == ("ops", "team")
    assert {name: channel.url for name, channel in config.channels.items()} == {
        "team": "slack://a/b/c",
        "ops": "mailtos://user:pass@example.com",
    }
    first, second = config.watches
    assert (first.id, first.snapshot_id, first.name) == ("one", "s_1", "First")
    assert first.notify == ("ops", "team")
    assert first.on == ("ready", "empty", "on")
    assert (first.every, first.stalled_after) == (timedelta(seconds=1), timedelta(days=2))
    assert first.labels == {"team": "growth", "cost centre": "12"}
    assert (second.every, second.on, second.stalled_after) == (timedelta(minutes=1), ("ready",), timedelta(minutes=90))


def test_a_dataset_is_a_watch_of_its_own_kind(loaded: Loader, folder: Path, root: str) -> None:
    config = loaded(
        root + "defaults: {notify: team, stalled_after: off, results_kept: 30d}\n"
        "watches:\n"
        "  - {dataset: gd_1, name: Profiles, on: failed, stalled_after: 2h, download: results}\n"
        "  - {snapshot: s_1, expiring_before: 5d, download: {folder: /srv/results, format: csv}}\n"
    )
    (profiles,), (watch,) = config.datasets, config.watches
    assert (profiles.id, profiles.dataset_id, profiles.name) == ("gd_1", "gd_1", "Profiles")
    assert (profiles.on, profiles.stalled_after, profiles.results_kept) == (
        ("failed",), timedelta(hours=2), timedelta(days=30),
    )  # fmt: skip
    assert profiles.download == Download(folder=f"{folder}/results", format="json")
    assert (watch.stalled_after, watch.expiring_before) == (None, timedelta(days=5))
    assert watch.download == Download(folder="/srv/results", format="csv")
    assert watch.parent is None


@pytest.mark.parametrize(("batch", "batches"), [("", True), (", batch: auto", True), (", batch: never", False)])
def test_batches_are_on_by_default(loaded: Loader, batch: str, batches: bool) -> None:
    assert loaded(f"api: {{token: t{batch}}}\n").api.batches is batches


def test_a_hundred_thousand_watches_share_what_is_equal_in_them() -> None:
    context = Context(channels=None, check_url=lambda _: None, check_template=lambda _: None)
    defaults = DefaultsSection.model_validate({"notify": ["team"]}, context=context)
    said = {"notify": ["team", "ops"], "on": ["ready"], "every": "1m", "labels": {"team": "growth"}, "download": "r"}
    sections = [
        WatchSection.model_validate({"snapshot": f"sd_mu3j5zf4i64vu5{number:06}", **said}, context=context)
        for number in range(1_000)
    ]
    tracemalloc.start()
    shared_values = build.Interned()
    watches = [build.watch(section, defaults, Path("/"), shared_values) for section in sections]
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used / len(watches) < 614 - 150  # 0.6 KiB, of which its strings, made before, take 150 bytes
    shared = ("notify", "on", "every", "labels", "download", "stalled_after", "results_kept")
    assert all(len({id(getattr(watch, name)) for watch in watches}) == 1 for name in shared)


@pytest.mark.parametrize("key", ["operators", "defaults", "watches", "include"])
def test_a_section_whose_lines_are_all_commented_out_is_empty(loaded: Loader, root: str, key: str) -> None:
    assert loaded(f"{root}{key}:\n  # all commented out\n").watches == ()


def test_channels_are_optional_while_no_watch_needs_one(loaded: Loader) -> None:
    assert loaded("api: {token: t}\nchannels:\n").channels == {}


def test_a_relative_state_is_beside_the_configuration(loaded: Loader, folder: Path, root: str) -> None:
    assert loaded(root + "state: sqlite:///data/n.db\n").database == folder / "data/n.db"


def test_variables_work_in_every_text_and_stay_texts(loaded: Loader, root: str) -> None:
    config = loaded(
        root + "defaults: {notify: '${CHANNEL:-team}', every: '${EVERY}'}\n"
        "watches: [{snapshot: '${ID}', name: '${NAME}', labels: {a: 'x${PLAIN}', b: '$${ID}'}}]\n",
        EVERY="5m",
        ID="0123",
        NAME="[a, b]: *c",
    )
    (watch,) = config.watches
    assert (watch.id, watch.name, watch.every) == ("0123", "[a, b]: *c", timedelta(minutes=5))
    assert watch.labels == {"a": "xplain", "b": "${ID}"}
    assert type(watch.name) is type(watch.snapshot_id) is str


def test_a_number_can_come_from_a_variable(loaded: Loader) -> None:
    assert loaded("api: {token: t, requests_per_second: '${RPS}'}", RPS="2.5").api.requests_per_second == 2.5


def test_a_byte_order_mark_and_the_line_ends_of_windows_are_fine(loaded: Loader, root: str) -> None:
    text = root + "defaults: {notify: team}\nwatches:\n  - snapshot: s_1\n    name: Prüfung\n"
    assert loaded(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()).watches[0].name == "Prüfung"


def test_anchors_and_aliases_work(loaded: Loader, root: str) -> None:
    config = loaded(
        root + "watches:\n  - {snapshot: s_1, notify: &both [team, ops]}\n  - {snapshot: s_2, notify: *both}\n"
    )
    assert [watch.notify for watch in config.watches] == [("team", "ops")] * 2


def test_the_configuration_cannot_be_changed(loaded: Loader, root: str) -> None:
    config = loaded(root)
    with pytest.raises(TypeError):
        config.channels["x"] = config.channels["team"]  # type: ignore[index]


def test_a_repr_shows_no_secret(loaded: Loader, root: str) -> None:
    shown = repr(loaded(root))
    assert "tok-123" not in shown
    assert "TokenA123" not in shown


def test_ten_thousand_watches_load_in_seconds(loaded: Loader, root: str) -> None:
    lines = [
        f"  - {{snapshot: s_{number}, name: Watch {number}, every: 1m, on: [ready], labels: {{team: growth}}}}\n"
        for number in range(10_000)
    ]
    begin = time.perf_counter()
    config = loaded(f"{root}defaults: {{notify: team}}\nwatches:\n{''.join(lines)}")
    assert len(config.watches) == 10_000
    assert time.perf_counter() - begin < 30  # It takes 1.3 s; this is for a very slow machine.

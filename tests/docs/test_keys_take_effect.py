"""Every key of the YAML takes effect: `config show` says what the file says, where the two differ from the default."""

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from docs.test_configuration_is_documented import ENVIRON, SECTIONS, heading_of, keys
from notifier.app.loading.load import load_config
from notifier.config import schema
from notifier.config.effective import as_dict
from notifier.config.model import Config
from notifier.core.snapshot.model import AdoptingWatch, DatasetWatch, WatchOptions

EVERY_KEY = """\
api: {token_file: brightdata.token, base_url: "http://localhost:1", requests_per_second: 5, timeout: 15s, batch: never}
state: sqlite:////tmp/other.db
http: {listen: "127.0.0.1:9", token: page-t0ken-0123456789, public_url: "https://notifier.example.com"}
hooks:
  secret: h00k-s3cret-0123456789abcdef
  adopt: true
  notify: [hook]
  "on": [failed, ready]
  every: 3m
  stalled_after: 8h
  results_kept: 29d
  expiring_before: 4d
  labels: {found: hint}
  download: {folder: /tmp, format: ndjson}
heartbeat: {url: "https://hc-ping.com/4b2f9c1d", every: 2m}
operators: [mail]
channels:
  mail:
    url: json://localhost/secret
    fallback: hook
    fallback_after: 30m
    pace: 20/m
    quiet: {from: "22:00", to: "07:00", timezone: Europe/Berlin, except: [failed]}
    on_uncertain: hold
    give_up_after: 1d
    templates: {ready: {title: own}}
  hook: {webhook: "https://example.com/hooks/secret", secret: QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB, allow_private: true}
templates: {ready: {body: general}}
watches:
- snapshot: s_1
  id: prices
  name: Prices
  notify: [mail]
  "on": [failed]
  every: 1m
  stalled_after: 6h
  results_kept: 30d
  expiring_before: 1d
  labels: {team: growth}
  download: {folder: /tmp, format: csv}
- {dataset: gd_1}
defaults: {notify: [hook], "on": [empty], every: 2m, stalled_after: 7h, results_kept: 31d, expiring_before: 3d}
keep: 30d
include: []
"""
"""A value other than the default for every key, in the form in which `config show` prints it."""

WRITTEN: dict[str, Any] = yaml.safe_load(EVERY_KEY)
PLACES: dict[type[BaseModel], list[dict[str, Any]]] = {
    schema.MainFile: [WRITTEN],
    schema.ApiSection: [WRITTEN["api"], {"token": "one of the two"}],
    schema.HttpSection: [WRITTEN["http"]],
    schema.HooksSection: [WRITTEN["hooks"]],
    schema.HeartbeatSection: [WRITTEN["heartbeat"]],
    schema.ChannelSection: [*WRITTEN["channels"].values()],
    schema.QuietSection: [WRITTEN["channels"]["mail"]["quiet"]],
    schema.TemplateSection: [WRITTEN["templates"]["ready"], WRITTEN["channels"]["mail"]["templates"]["ready"]],
    schema.DefaultsSection: [WRITTEN["defaults"]],
    schema.WatchSection: WRITTEN["watches"],
    schema.DownloadSection: [WRITTEN["watches"][0]["download"], WRITTEN["hooks"]["download"]],
}
"""Where the sections stand in it."""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """The file above, loaded."""
    for name in ENVIRON:
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "brightdata.token").write_text("t0ken")
    (tmp_path / "config.yaml").write_text(EVERY_KEY)
    return load_config(tmp_path / "config.yaml")


@pytest.fixture
def shown(config: Config) -> dict[str, Any]:
    """What `config show` prints of it."""
    return as_dict(config)


@pytest.mark.parametrize("section", SECTIONS, ids=heading_of)
def test_the_file_above_has_every_key(section: type[BaseModel]) -> None:
    has = set().union(*PLACES[section])
    assert has == keys(section).keys(), "give EVERY_KEY the new key, with another value than its default"


def differences(written: Any, shown: Any, place: str = "") -> Iterator[str]:
    """Where a value is not shown as it is written; secrets are masked."""
    if isinstance(written, dict) and isinstance(shown, dict):
        for key, value in written.items():
            yield from differences(value, shown.get(key), f"{place}.{key}")
    elif written != shown and "***" not in str(shown):
        yield f"{place}: {written} is shown as {shown}"


def test_every_key_is_shown_as_it_is_written(shown: dict[str, Any], tmp_path: Path) -> None:
    """A key that is missing here is forgotten in `config/build.py` or `config/show.py`."""
    general = WRITTEN.keys() & shown.keys() - {"api", "watches"}
    assert list(differences({key: WRITTEN[key] for key in general}, shown)) == []
    token_file = {"token_file": str(tmp_path / "brightdata.token")}
    assert list(differences(WRITTEN["api"] | token_file, shown["api"])) == []
    assert list(differences(WRITTEN["watches"][0], shown["watches"][0])) == []


def test_what_a_section_leaves_out_comes_from_the_one_that_holds_for_all(shown: dict[str, Any]) -> None:
    assert list(differences(WRITTEN["defaults"], shown["watches"][1])) == []
    assert shown["channels"]["mail"]["templates"] == {"ready": {"title": "own", "body": "general"}}


def test_a_snapshot_found_in_a_dataset_has_every_option_of_its_watch(config: Config) -> None:
    """An option that is missing here is forgotten in `DatasetWatch.watch_for`."""
    options = {field.name: getattr(config.watches[0], field.name) for field in fields(WatchOptions)}
    for parent in (DatasetWatch(dataset_id="gd_1", **options), AdoptingWatch(**options)):
        found = parent.watch_for("s_2")
        assert {name: getattr(found, name) for name in options} == options | {"id": found.id, "name": found.name}

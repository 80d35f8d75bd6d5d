"""The effective configuration has every value and no secret; the commented configuration has every key."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest
import yaml
from pydantic import BaseModel

from notifier.config.edit.initial import INITIAL
from notifier.config.effective import as_dict
from notifier.config.model import Config, HeartbeatSettings, Http
from notifier.config.schema import MainFile
from notifier.core.delivery.channel_policy import ChannelPolicy
from notifier.core.errors import ConfigurationRefused

Loader = Callable[..., Config]

REPOSITORY = Path(__file__).parents[3]
OF_PAGES = {
    "NOTIFIER_HTTP_TOKEN": "p4ge-t0ken-0123456789",
    "HEARTBEAT_URL": "https://hc-ping.com/4b2f-9c1d-77",
    "NOTIFIER_HOOKS_SECRET": "h00k-s3cret-0123456789abcdef",
}
VARIABLES = {"BRIGHTDATA_API_KEY": "key-0123456789", "SLACK_URL": "slack://TokenA123/TokenB456/TokenC789"}


def test_everything_in_effect_is_shown_in_the_shape_of_the_yaml(loaded: Loader, folder: Path) -> None:
    config = loaded(
        "api: {token: tok-123, timeout: 90s}\n"
        "operators: ops\n"
        "channels: {team: '${TEAM_URL}', ops: {url: 'mailtos://u:password@example.com'}}\n"
        "watches:\n"
        "- {dataset: gd_1, name: Profiles, notify: team, on: failed, stalled_after: off, results_kept: 30d,\n"
        "   download: {folder: results, format: csv}}\n"
        "- {snapshot: s_1, notify: team, stalled_after: 36h, labels: {a: b}}\n"
    )
    assert as_dict(config) == {
        "api": {
            "token": "***",
            "base_url": "https://api.brightdata.com",
            "requests_per_second": 10,
            "timeout": "1m30s",
            "batch": "auto",
        },
        "state": f"sqlite:///{folder}/notifier.db",
        "http": {"listen": "127.0.0.1:8787"},
        "operators": ["ops"],
        "channels": {
            "team": {"url": "slack://***", "on_uncertain": "resend", "give_up_after": "3d"},
            "ops": {"url": "mailtos://***", "on_uncertain": "resend", "give_up_after": "3d"},
        },
        "watches": [
            {
                "snapshot": "s_1",
                "id": "s_1",
                "name": "s_1",
                "notify": ["team"],
                "on": ["ready", "failed", "canceled", "stalled", "missing"],
                "every": "30s",
                "stalled_after": "1d12h",
                "results_kept": "16d",
                "expiring_before": "2d",
                "labels": {"a": "b"},
            },
            {
                "dataset": "gd_1",
                "id": "gd_1",
                "name": "Profiles",
                "notify": ["team"],
                "on": ["failed"],
                "every": "30s",
                "stalled_after": "off",
                "results_kept": "30d",
                "expiring_before": "2d",
                "download": {"folder": f"{folder}/results", "format": "csv"},
                "labels": {},
            },
        ],
        "keep": "90d",
    }


CHANNELS = """\
api: {token: tok-123}
keep: 30d
templates: {Cancelled: {title: "{{ name }}"}}
channels:
  team:
    url: ${TEAM_URL}
    fallback: hook
    fallback_after: 90m
    pace: 20/m
    quiet: {from: "22:00", to: 7:00, timezone: Europe/Berlin, except: failed}
    on_uncertain: hold
    give_up_after: 12h
    templates: {canceled: {body: x}}
  hook:
    webhook: https://example.com/T0pS3cretToken?key=T0pS3cretKey
    secret: ${SECRET}
    quiet: {from: 1:00, to: 2:00}
  two:
    webhook: http://10.0.0.1/x
    secret: ["${SECRET}", QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB]
    allow_private: true
    pace: 5/h
"""


def test_every_option_of_a_channel_is_shown(loaded: Loader) -> None:
    shown = as_dict(loaded(CHANNELS))
    assert shown["keep"] == "30d"
    assert shown["channels"] == {
        "team": {
            "url": "slack://***",
            "fallback": "hook",
            "fallback_after": "1h30m",
            "pace": "20/m",
            "quiet": {"from": "22:00", "to": "07:00", "timezone": "Europe/Berlin", "except": ["failed"]},
            "on_uncertain": "hold",
            "give_up_after": "12h",
            "templates": {"canceled": {"title": "{{ name }}", "body": "x"}},
        },
        "hook": {
            "webhook": "https://***",
            "secret": "***",
            "allow_private": False,
            "pace": "10/s",
            "quiet": {"from": "01:00", "to": "02:00", "timezone": "UTC"},
            "on_uncertain": "resend",
            "give_up_after": "3d",
        },
        "two": {
            "webhook": "http://***",
            "secret": ["***", "***"],
            "allow_private": True,
            "pace": "5/h",
            "on_uncertain": "resend",
            "give_up_after": "3d",
        },
    }


def test_nothing_secret_of_a_webhook_is_shown(loaded: Loader) -> None:
    config = loaded(CHANNELS)
    text = json.dumps(as_dict(config)) + repr(config)
    for secret in ("T0pS3cretToken", "T0pS3cretKey", "MDEyMzQ1", "QUFBQUFB", "10.0.0.1"):
        assert secret not in text


def test_no_secret_is_shown_and_json_and_yaml_can_print_it(loaded: Loader, folder: Path) -> None:
    (folder / "token").write_text("tok-from-file")
    config = loaded("api: {token_file: token}\nchannels: {team: '${TEAM_URL}'}\n")
    for text in (json.dumps(as_dict(config)), yaml.safe_dump(as_dict(config))):
        assert not [secret for secret in config.secrets if secret in text]
        assert str(folder / "token") in text


def test_the_output_loads_again_once_the_secrets_are_filled_in(loaded: Loader, folder: Path) -> None:
    first = loaded(INITIAL + "  #\n", **VARIABLES)
    shown = as_dict(first)
    second = loaded(yaml.safe_dump({**shown, "channels": {"team": "${SLACK_URL}"}}), **VARIABLES)
    assert as_dict(second) == shown
    assert second.channels["team"].policy == first.channels["team"].policy


def test_the_secrets_of_http_hooks_and_heartbeat_are_masked_and_secret(loaded: Loader, root: str) -> None:
    text = "http: {listen: '[::]:80', token: '${NOTIFIER_HTTP_TOKEN}'}\nheartbeat: '${HEARTBEAT_URL}'\n"
    text += "hooks: {secret: '${NOTIFIER_HOOKS_SECRET}'}\n"
    config = loaded(root + text, **OF_PAGES)
    assert config.http == Http(host="::", port=80, token=OF_PAGES["NOTIFIER_HTTP_TOKEN"])
    shown = as_dict(config)
    assert shown["http"] == {"listen": "[::]:80", "token": "***"}
    assert shown["heartbeat"] == {"url": "https://***", "every": "1m"}
    assert isinstance(shown["hooks"], dict)
    assert shown["hooks"]["secret"] == "***"
    assert {*OF_PAGES.values(), "/4b2f-9c1d-77"} <= config.secrets
    assert not [secret for secret in OF_PAGES.values() if secret in repr(config)]


@pytest.mark.parametrize("text", ["http: off\n", "http: {listen: off}\n", "http: '${UNSET:-off}'\n"])
def test_http_can_be_off(loaded: Loader, root: str, text: str) -> None:
    config = loaded(root + text)
    assert config.http is None
    assert as_dict(config)["http"] == {"listen": "off"}


def test_the_template_loads_as_it_is(loaded: Loader) -> None:
    config = loaded(INITIAL, **VARIABLES)
    assert list(config.channels) == ["team"]
    assert config.operators == ("team",)
    assert config.watches == ()


def test_the_examples_of_the_template_load_too(loaded: Loader) -> None:
    text = re.sub(r"^( *)#(?! [^ ])", r"\1", INITIAL, flags=re.MULTILINE)
    config = loaded(text, **VARIABLES, SMTP_PASSWORD="password", PIPELINE_SECRET="QUFB" * 8, **OF_PAGES)
    assert [watch.id for watch in config.watches] == ["s_m4x7enmven8djfqak", "prices"]
    assert list(config.channels) == ["team", "mail", "pipeline"]
    assert config.http is not None
    assert config.http.token == OF_PAGES["NOTIFIER_HTTP_TOKEN"]
    assert config.heartbeat == HeartbeatSettings(url=OF_PAGES["HEARTBEAT_URL"], every=timedelta(minutes=1))
    # What stands there is what holds without it, where there is such a value.
    assert config.keep == Config.__dataclass_fields__["keep"].default
    mail = config.channels["mail"].policy
    assert mail == ChannelPolicy(quiet=mail.quiet, fallback="team", stretches=False)


def keys_of(model: type[BaseModel]) -> set[str]:
    """The keys of a section and of all sections in it, as they are written."""
    found = {field.alias or name for name, field in model.model_fields.items()}
    return found.union(*(keys_of(section) for section in sections_in(model)))


def sections_in(model: type[BaseModel]) -> set[type[BaseModel]]:
    """The models in the types of a model's fields, however deep."""
    found: set[type[BaseModel]] = set()
    kinds: list[object] = [field.annotation for field in model.model_fields.values()]
    while kinds:
        kind = kinds.pop()
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found.add(kind)
        kinds += get_args(kind)
    return found


@pytest.mark.parametrize("key", sorted(keys_of(MainFile)))
def test_every_key_is_in_the_template(key: str) -> None:
    assert re.search(rf"(^|[ #{{`]){key}:", INITIAL, re.MULTILINE)


@pytest.mark.parametrize("variable", VARIABLES)
def test_the_template_needs_its_variables(loaded: Loader, variable: str) -> None:
    with pytest.raises(ConfigurationRefused, match=f"the environment variable {variable} is not set"):
        loaded(INITIAL, **{name: value for name, value in VARIABLES.items() if name != variable})


def test_the_example_in_the_repository_is_the_template() -> None:
    assert (REPOSITORY / "config.example.yaml").read_text("utf-8") == INITIAL

"""The effective configuration as plain data, and the texts that ship."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from notifier.config.model import Config
from notifier.config.show import as_dict
from notifier.config.template import INITIAL
from notifier.core.errors import ConfigurationRefused

Loader = Callable[..., Config]

REPOSITORY = Path(__file__).parents[3]
VARIABLES = {"BRIGHTDATA_API_KEY": "key-0123456789", "SLACK_URL": "slack://TokenA123/TokenB456/TokenC789"}


def test_everything_in_effect_is_shown_in_the_shape_of_the_yaml(loaded: Loader, folder: Path) -> None:
    config = loaded(
        "api: {token: tok-123, timeout: 90s}\n"
        "operators: ops\n"
        "channels: {team: '${TEAM_URL}', ops: {url: 'mailtos://u:password@example.com'}}\n"
        "watches: [{snapshot: s_1, notify: team, stalled_after: 36h, labels: {a: b}}]\n"
    )
    assert as_dict(config) == {
        "api": {
            "token": "***",
            "base_url": "https://api.brightdata.com",
            "requests_per_second": 10,
            "timeout": "1m30s",
        },
        "state": f"sqlite:///{folder}/notifier.db",
        "operators": ["ops"],
        "channels": {"team": {"url": "slack://***"}, "ops": {"url": "mailtos://***"}},
        "watches": [
            {
                "snapshot": "s_1",
                "id": "s_1",
                "name": "s_1",
                "notify": ["team"],
                "on": ["ready", "failed", "canceled", "stalled", "missing"],
                "every": "30s",
                "stalled_after": "1d12h",
                "labels": {"a": "b"},
            }
        ],
    }


def test_no_secret_is_shown_and_json_and_yaml_can_print_it(loaded: Loader, folder: Path) -> None:
    (folder / "token").write_text("tok-from-file")
    config = loaded("api: {token_file: token}\nchannels: {team: '${TEAM_URL}'}\n")
    for text in (json.dumps(as_dict(config)), yaml.safe_dump(as_dict(config))):
        assert not [secret for secret in config.secrets if secret in text]
        assert str(folder / "token") in text


def test_what_is_shown_loads_again_once_the_secrets_are_there(loaded: Loader, folder: Path) -> None:
    first = loaded(INITIAL + "  #\n", **VARIABLES)
    shown = as_dict(first)
    second = loaded(yaml.safe_dump({**shown, "channels": {"team": "${SLACK_URL}"}}), **VARIABLES)
    assert as_dict(second) == shown


def test_the_template_loads_as_it_is(loaded: Loader) -> None:
    config = loaded(INITIAL, **VARIABLES)
    assert list(config.channels) == ["team"]
    assert config.operators == ("team",)
    assert config.watches == ()


def test_the_examples_of_the_template_load_too(loaded: Loader) -> None:
    text = re.sub(r"^( *)#(?! [^ ])", r"\1", INITIAL, flags=re.MULTILINE)
    config = loaded(text, **VARIABLES, SMTP_PASSWORD="password")
    assert [watch.id for watch in config.watches] == ["s_m4x7enmven8djfqak", "prices"]
    assert list(config.channels) == ["team", "mail"]


@pytest.mark.parametrize("variable", VARIABLES)
def test_the_template_needs_its_variables(loaded: Loader, variable: str) -> None:
    with pytest.raises(ConfigurationRefused, match=f"the environment variable {variable} is not set"):
        loaded(INITIAL, **{name: value for name, value in VARIABLES.items() if name != variable})


def test_the_example_in_the_repository_is_the_template() -> None:
    assert (REPOSITORY / "config.example.yaml").read_text("utf-8") == INITIAL

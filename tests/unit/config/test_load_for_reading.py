"""Commands that only read the database need neither the token nor the channels' secrets."""

from pathlib import Path

import pytest

from notifier.config.load import Checks, load
from notifier.config.model import Config
from notifier.core.errors import ConfigurationRefused

TEXT = """\
api: {token: "${NOBODY_SET_THIS}"}
channels: {team: "${NOR_THIS}"}
defaults: {notify: team, every: "${EVERY:-45s}"}
watches: [{snapshot: s_1}]
"""


def read(path: Path, text: str) -> Config:
    """The configuration as a command reads it that will send nothing."""
    path.write_text(text, encoding="utf-8")
    return load(path, environ={}, checks=Checks(url=lambda _: None), secrets_needed=False)


def test_an_unset_variable_is_no_error_and_defaults_still_hold(tmp_path: Path) -> None:
    config = read(tmp_path / "config.yaml", TEXT)
    assert config.channels["team"].url == "unset://NOR_THIS"
    assert config.watches[0].every.total_seconds() == 45


def test_a_missing_token_is_no_error(tmp_path: Path) -> None:
    text = TEXT.replace('api: {token: "${NOBODY_SET_THIS}"}\n', "")
    assert read(tmp_path / "config.yaml", text).api.token is None
    assert read(tmp_path / "config.yaml", "api: {token_file: gone}\n" + text).api.token_file is None


def test_a_webhook_whose_address_and_secret_are_not_known_is_no_error(tmp_path: Path) -> None:
    hooks = (
        "channels:\n  team: {webhook: '${URL}', secret: '${SECRET}'}\n"
        "  ops: {webhook: 'http://${HOST}:${PORT}/x', secret: ['whsec_${SECRET}']}\n"
    )
    config = read(tmp_path / "config.yaml", hooks)
    assert [channel.webhook is not None for channel in config.channels.values()] == [True, True]


def test_every_other_error_is_still_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationRefused, match="evry"):
        read(tmp_path / "config.yaml", TEXT.replace("every", "evry"))

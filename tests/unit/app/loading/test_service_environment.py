"""A command that root types beside the service has the service's credentials; another user is told how."""

import os
from pathlib import Path

import pytest

from notifier.app.loading import service_environment
from notifier.app.loading.load import load_config
from notifier.cli.api_session import access_of
from notifier.config.sources import systemd_unit
from notifier.core.errors import ConfigurationRefused, UsageError

UNIT = """\
[Unit]
Description=LoadCredential=not:this
[Service]
ExecStart=/opt/notifier/bin/notifier run \\
  --config {folder}/{instance}config.yaml
LoadCredential=brightdata-token:{folder}/{instance}brightdata-token
# LoadCredential=odd:/nowhere
LoadCredential=secret:{folder}/{instance}secrets
LoadCredential=missing:{folder}/none
EnvironmentFile=-{folder}/{instance}environment
"""
MAIN = 'channels: {team: "${TEAM}", two: "json://${HOST}/x"}\ndefaults: {notify: [team]}\nwatches: [{snapshot: s_1}]\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What systemd/README.md lays out, for a service and for an instance `acme`, in another place."""
    units = tmp_path / "units"
    units.mkdir()
    for name, instance in (("notifier.service", ""), ("notifier@.service", "%i/")):
        (units / name).write_text(UNIT.format(folder=tmp_path, instance=instance))
    for where, url in ((tmp_path, "single"), (tmp_path / "acme", "many")):
        (where / "secrets").mkdir(parents=True)
        (where / "config.yaml").write_text(MAIN)
        (where / "brightdata-token").write_text("t0ken\n")
        (where / "secrets" / "TEAM").write_text(f"json://localhost/{url}\n")
        (where / "environment").write_text("# comment\nHOST=h\nTEAM=\nQUOTED='a b'\nnonsense\n")
    monkeypatch.setattr(systemd_unit, "FOLDERS", (tmp_path / "none", units))
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    service_environment._unit.cache_clear()
    return tmp_path


@pytest.mark.parametrize(("instance", "url"), [("", "single"), ("acme", "many")])
def test_secrets_and_token_are_those_of_the_unit_with_this_main_file(folder: Path, instance: str, url: str) -> None:
    main = folder / instance / "config.yaml"
    config = load_config(main)
    assert config.channels["team"].url == f"json://localhost/{url}"
    assert config.channels["two"].url == "json://h/x"
    access = access_of(main, os.environ)
    assert access.api.token_file is not None
    assert access.api.token_file.read_text() == "t0ken\n"
    assert access.api.token_file.is_symlink(), "nothing is copied"
    assert access.api.token_file.parent.stat().st_mode & 0o077 == 0


def test_another_main_file_has_none_of_it_and_the_environment_comes_first(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "other.yaml").write_text(MAIN)
    with pytest.raises(ConfigurationRefused):
        load_config(folder / "other.yaml")
    monkeypatch.setenv("TEAM", "json://localhost/mine")
    assert load_config(folder / "config.yaml").channels["team"].url == "json://localhost/mine"
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder / "none"))
    with pytest.raises(ConfigurationRefused):
        load_config(folder / "config.yaml")


def test_who_may_not_read_them_is_told_what_to_type(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    may = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: "brightdata-token" not in str(path) and may(path, mode))
    with pytest.raises(ConfigurationRefused) as refusal:
        load_config(folder / "config.yaml")
    words = f"notifier.service has its secrets from {folder}/brightdata-token, which this user may not read: "
    assert refusal.value.__notes__ == [words + "run this command with sudo."]
    with pytest.raises(UsageError, match="which this user may not read: run this command with sudo"):
        access_of(folder / "config.yaml", os.environ)


def test_a_drop_in_of_the_unit_counts_and_one_that_cannot_be_read_is_passed_over(folder: Path) -> None:
    more = folder / "units" / "notifier.service.d"
    more.mkdir()
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "TEAM").write_text("json://localhost/elsewhere")
    (folder / "token").write_text("t1ken")
    text = "[Service]\nLoadCredential=\n"
    text += f"LoadCredential=brightdata-token:{folder}/token\nLoadCredential=secret:{folder}/elsewhere\n"
    (more / "a.conf").write_text(text)
    os.mkfifo(more / "b.conf")
    assert load_config(folder / "config.yaml").channels["team"].url == "json://localhost/elsewhere"

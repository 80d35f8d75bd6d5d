"""Where the daemon is to be found is known from its file, however wrong that is otherwise."""

from pathlib import Path

import pytest

from notifier.app.loading.fallback import database_of
from notifier.core.errors import ConfigurationRefused


@pytest.mark.parametrize(
    ("text", "file"),
    [
        ("wathces: []\nstate: sqlite:///a/b.db\n", "a/b.db"),
        ("wathces: []\n", "notifier.db"),
        ("api: {\nstate: 'sqlite:///a/b.db'\n", "a/b.db"),
        ("api: {\n", "notifier.db"),
        ('state: "sqlite:///${FOLDER}/b.db"  # there\nwatches: [\n', "c/b.db"),
        ("state: sqlite:////var/b.db\n\tx: [", "/var/b.db"),
    ],
)
def test_a_file_with_errors_or_no_yaml_at_all_still_says_where(
    text: str, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOLDER", "c")
    path = tmp_path / "config.yaml"
    path.write_text(text)
    assert database_of(path) == tmp_path / file


@pytest.mark.parametrize("text", [None, "state: nowhere\n", "state: nowhere\napi: {\n"])
def test_without_a_file_or_with_a_wrong_state_it_is_refused(text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigurationRefused):
        database_of(path)

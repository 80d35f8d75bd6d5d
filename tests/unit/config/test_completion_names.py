"""Completion finds the names in files whatever errors they have, and never raises."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.config import completion_names
from notifier.config.completion_names import ConfiguredNames, configured_names

CONFIG = """\
channels: {team: "${TEAM_URL}", ops-mail: json://localhost}
state: sqlite:///state/${PLACE:-here}.db
defaults: {on: all, evry: nonsense}
include: more/*.yaml
watches:
  - {snapshot: s_1, name: Amazon products, on: [ready, digesting]}
  - {dataset: gd_1, id: profiles}
  - {snapshot: "${UNSET}", name: nobody knows}
  - 7
"""


def written(folder: Path, text: str = CONFIG) -> Path:
    (folder / "config.yaml").write_text(text)
    (folder / "more").mkdir()
    (folder / "more/a.yaml").write_text("watches: [{snapshot: s_2, nmae: x}]")
    (folder / "more/broken.yaml").write_text("watches: [{snapshot: s_3")
    return folder / "config.yaml"


def test_the_names_of_all_files_are_found_whatever_else_is_wrong_in_them(tmp_path: Path) -> None:
    assert configured_names(written(tmp_path), {}) == ConfiguredNames(
        watches={"s_1": "Amazon products", "profiles": "", "s_2": ""},
        snapshots=["s_1", "s_2"],
        datasets=["gd_1"],
        channels=["team", "ops-mail"],
        words=["all", "ready", "digesting"],
        database=tmp_path / "state/here.db",
    )


def test_the_bytes_that_are_read_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path)
    monkeypatch.setattr(completion_names, "MOST_READ", path.stat().st_size + 10)
    found = configured_names(path, {})
    assert (found.snapshots, found.cut) == (["s_1"], True)


def test_a_main_file_that_is_too_large_is_read_without_its_watches(tmp_path: Path) -> None:
    many = "".join(f"- {{snapshot: s_{number}}}\n" for number in range(completion_names.MOST_READ // 20))
    written(tmp_path, f"channels: {{team: json://a}}\nwatches:\n{many}# all\nstate: sqlite:///here.db\n")
    found = configured_names(tmp_path / "config.yaml", {})
    assert (found.channels, found.snapshots, found.cut) == (["team"], [], True)
    assert found.database == tmp_path / "here.db"


@pytest.mark.parametrize("text", ["", "# nothing", "watches: [", "\t", "- 1", "7", "channels: 7\nwatches: x\nstate: 1"])
def test_an_invalid_file_has_no_names(text: str, tmp_path: Path) -> None:
    found = configured_names(written(tmp_path, text), {})
    assert (found.watches, found.channels, found.words) == ({}, [], [])


@given(st.binary(max_size=200) | st.text("[]{}:-&*!|>'\"\n ${}swatchenlid1", max_size=80).map(str.encode))
def test_no_content_of_a_file_raises(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(content)
    assert configured_names(path, {}).snapshots is not None

"""The valid parts of a configuration load, whatever errors the others have."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.config.load_partial import load_valid_parts
from notifier.core.errors import ConfigurationRefused

MAIN = """\
api: {{token: t0ken, base_url: "http://127.0.0.1:1"}}
state: sqlite:///a/b.db
channels:
  team: json://localhost
  odd: {odd}
defaults: {{notify: [team], every: {every}}}
watches:
  - {{snapshot: s_1, {first}}}
  - {{snapshot: s_2, notify: [odd]}}
  - {{dataset: gd_1}}
include: [w/*.yaml]
{more}
"""


def main(
    folder: Path, *, odd: str = "json://x", every: str = "1m", first: str = "name: A", more: str = "", drop: str = ""
) -> Path:
    path = folder / "config.yaml"
    path.write_text(MAIN.format(odd=odd, every=every, first=first, more=more))
    (folder / "w").mkdir(exist_ok=True)
    (folder / "w" / "a.yaml").write_text(drop or "watches: [{snapshot: s_3}, {snapshot: s_4}]")
    (folder / "w" / "b.yaml").write_text("watches: [{snapshot: s_5}]")
    return path


ALL = ["s_1", "s_2", "gd_1", "s_3", "s_4", "s_5"]


@pytest.mark.parametrize(
    ("change", "left_out"),
    [
        ({}, []),
        ({"first": "evry: 5s"}, ["s_1"]),
        ({"first": "notify: [nobody]"}, ["s_1"]),
        ({"odd": "{url: 5}"}, []),
        ({"odd": "{fallback: odd, fallback_after: 1m}"}, []),
        ({"every": "5"}, []),
        ({"more": "zzz: 1"}, []),
        ({"more": "http: {listen: 3}\nkeep: 1\noperators: [nobody]"}, []),
        ({"more": "}"}, []),
        ({"more": "keep: {"}, []),
        ({"drop": "watches: [{snapshot: s_3, x: 1}, {snapshot: s_4}]"}, ["s_3"]),
        ({"drop": "watches: [{snapshot: s_1}, {snapshot: s_4}, {snapshot: s_5}]"}, ["s_3"]),
        ({"drop": "watches: ["}, ["s_3", "s_4"]),
        ({"drop": "nonsense"}, ["s_3", "s_4"]),
        ({"drop": "watches: {a: 1}"}, ["s_3", "s_4"]),
    ],
)
def test_only_what_has_errors_is_left_out(tmp_path: Path, change: dict[str, str], left_out: list[str]) -> None:
    found = load_valid_parts(main(tmp_path, **change), environ={})
    subjects = [watch.snapshot_id for watch in found.watches] + [watch.dataset_id for watch in found.datasets]
    expected = [each for each in ALL if each not in left_out]
    assert sorted(subjects) == sorted(expected)
    assert found.database == tmp_path / "a" / "b.db"
    assert found.api.base_url == "http://127.0.0.1:1"
    assert "team" in found.channels


@pytest.mark.parametrize(
    ("state", "right"),
    [("state: nowhere\n", False), ("state: 5\n", False), ("state: sqlite:///x.db\nstate: sqlite:///y.db\n", False)],
)
def test_an_invalid_state_is_refused(tmp_path: Path, state: str, right: bool) -> None:
    path = main(tmp_path)
    path.write_text(path.read_text().replace("state: sqlite:///a/b.db\n", state))
    with pytest.raises(ConfigurationRefused):
        load_valid_parts(path, environ={})


def test_a_main_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationRefused):
        load_valid_parts(tmp_path / "none.yaml", environ={})


LINES = MAIN.format(odd="json://x", every="1m", first="name: A", more="").splitlines()


@given(st.integers(0, len(LINES) - 1), st.text(st.sampled_from("{}[]:- \t\"'#&*!|>%@`,ax1\n$"), max_size=20))
def test_any_line_is_loaded_or_refused(tmp_path_factory: pytest.TempPathFactory, number: int, text: str) -> None:
    path = main(tmp_path_factory.mktemp("any"))
    path.write_text("\n".join([*LINES[:number], text, *LINES[number + 1 :]]))
    try:
        found = load_valid_parts(path, environ={})
    except ConfigurationRefused:
        return
    assert found.path == path

"""A pattern finds what `glob` finds, within bounds, whatever links there are."""

import glob
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.config.sources import bounded_glob, files
from notifier.config.sources.bounded_glob import TooMuch, Walk

NAMES = ("a", "b", ".a", "a.yaml", "ab.yaml", "[x]")
STEPS = ("a", "b", ".a", "*", "**", "a*", "*.yaml", ".*", "[ab]*", "?", "[[]x]", "..", "")
trees = st.lists(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4), max_size=8)
MOST_STEPS = 4
patterns = (
    st.lists(st.sampled_from(STEPS), min_size=1, max_size=MOST_STEPS)
    .filter(lambda steps: steps[0] != "")  # `/**` is the whole machine: `glob` follows its links for minutes
    .map("/".join)
)


def plant(folder: Path, tree: list[list[str]]) -> None:
    for path in tree:
        try:
            folder.joinpath(*path[:-1]).mkdir(parents=True, exist_ok=True)
            folder.joinpath(*path).touch()
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            continue


@given(trees, patterns, st.booleans())
def test_it_finds_the_files_that_glob_finds(
    tmp_path_factory: pytest.TempPathFactory, tree: list[list[str]], pattern: str, is_absolute: bool
) -> None:
    """However often it says `..`, a pattern stays in the folders of this example, which have no links in circles."""
    folder = tmp_path_factory.mktemp("walk").joinpath(*["up"] * MOST_STEPS)
    folder.mkdir(parents=True)
    plant(folder, tree)
    if is_absolute:
        pattern = f"{folder}/{pattern}"
    expected = {
        os.path.realpath(folder / each)
        for each in glob.glob(pattern, root_dir=folder, recursive=True)  # noqa: PTH207 - what is compared
        if (folder / each).is_file() and not each.endswith("/")  # `a/**` finds the file `a` as `a/`
    }
    found = {
        os.path.realpath(folder / each) for each in Walk(pattern, str(folder)).paths() if (folder / each).is_file()
    }
    assert found == expected


@pytest.mark.parametrize("pattern", ["**/*.yaml", "**/**/**/*.yaml", "*/*/*/*/*/*/*/*/*/*/*/*.yaml", "**/*/**/*/**"])
def test_circular_links_are_followed_once(tmp_path: Path, pattern: str) -> None:
    for name in "abcdef":
        (tmp_path / name).symlink_to(".")
    (tmp_path / "x.yaml").touch()
    began = time.monotonic()
    assert [path.name for path in files.included(pattern, tmp_path)] == ["x.yaml"]
    assert files.present(pattern, tmp_path)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("bound", "value", "words"),
    [
        ("MOST_FILES", 3, "it matches more than 3 files: put several watches into one file"),
        ("MOST_FOLDERS", 3, "it leads through more than 3 folders: name the one with the files"),
        ("MOST_ENTRIES", 3, "it leads to more than 3 files and folders: name a folder that has only the files"),
        ("DEEPEST", 2, "nested more than 2 levels deep: name the one with the files"),
    ],
)
def test_the_search_is_bounded_with_an_explanation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str, value: int, words: str
) -> None:
    plant(tmp_path, [["a", "b", "c", "d.yaml"], *([f"{number}.yaml"] for number in range(4))])
    monkeypatch.setattr(bounded_glob, bound, value)
    with pytest.raises(TooMuch, match=words):
        files.included("**/*.yaml", tmp_path)
    assert files.present("**/*.yaml", tmp_path) == []


def test_a_pattern_over_the_whole_machine_is_refused(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(TooMuch):
        files.included("/**/*.yaml", tmp_path)
    assert time.monotonic() - began < 30

# ruff: noqa: E501 (in the tables, one row is one rule)
"""Included files are read once each, and their errors have their own places."""

from collections.abc import Callable
from pathlib import Path

import pytest

from notifier.config.model import Config

Loader = Callable[..., Config]
Refusal = Callable[..., list[str]]


@pytest.fixture
def main(root: str) -> str:
    """A main file that includes `watches.d/*.yaml`."""
    return root + "defaults: {notify: team}\nwatches: [{snapshot: s_main}]\ninclude: [watches.d/*.yaml]\n"


def drop_in(folder: Path, name: str, text: str | bytes) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def snapshots(config: Config) -> list[str]:
    return [watch.snapshot_id for watch in config.watches]


def test_included_watches_follow_those_of_the_main_file_by_the_names_of_the_files(
    loaded: Loader, folder: Path, main: str
) -> None:
    drop_in(folder, "watches.d/b.yaml", "watches: [{snapshot: s_b, name: B}]")
    drop_in(folder, "watches.d/a.yaml", "watches:\n  - snapshot: s_a1\n  - snapshot: s_a2\n")
    config = loaded(main)
    assert snapshots(config) == ["s_main", "s_a1", "s_a2", "s_b"]
    assert config.watches[3].notify == ("team",)
    assert config.files == tuple(folder / name for name in ("config.yaml", "watches.d/a.yaml", "watches.d/b.yaml"))


def test_a_pattern_without_matches_is_fine(loaded: Loader, main: str) -> None:
    assert snapshots(loaded(main)) == ["s_main"]


@pytest.mark.parametrize("name", [".a.yaml", "a.yaml~", ".a.yaml.swp", "#a.yaml#", "a.yaml.tmp", "a.yaml.bak"])
def test_files_left_by_editors_are_skipped(loaded: Loader, folder: Path, root: str, name: str) -> None:
    drop_in(folder, f"watches.d/{name}", "nonsense")
    (folder / "watches.d/folder").mkdir()
    assert loaded(root + "include: watches.d/*\n").watches == ()


def test_a_file_is_included_once(loaded: Loader, folder: Path, root: str) -> None:
    drop_in(folder, "watches.d/a.yaml", "watches: [{snapshot: s_a, notify: ops}]")
    (folder / "watches.d/link.yaml").symlink_to("a.yaml")
    config = loaded(root + f"include: [watches.d/a.yaml, 'watches.d/*', '*.yaml', '{folder}/**/*.yaml']\n")
    assert snapshots(config) == ["s_a"]


def test_patterns_start_at_the_folder_of_the_main_file_whatever_its_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch, loaded: Loader, main: str
) -> None:
    odd = folder / "[x]*"
    odd.mkdir()
    monkeypatch.chdir(odd)
    drop_in(odd, "watches.d/a.yaml", "watches: [{snapshot: s_a}]")
    (folder / "config.yaml").symlink_to(odd / "config.yaml")
    assert snapshots(loaded(main)) == ["s_main", "s_a"]


@pytest.mark.parametrize("text", ["watches:\n", "watches: []", "# all commented out\n", "{}"])
def test_a_drop_in_may_have_no_watches(loaded: Loader, folder: Path, main: str, text: str) -> None:
    drop_in(folder, "watches.d/a.yaml", text)
    assert snapshots(loaded(main)) == ["s_main"]


BAD = [
    ("", "a.yaml: the file is empty: write a `watches:` list into it, or remove it"),
    ("- snapshot: s_a", "a.yaml:1:1: the file must be a mapping (lines of `key: value`), not a list"),
    ("watches: []\nchannels: {}", "a.yaml:2:1: channels: an included file has only `watches:`: move this to the main file"),
    ("watchs: []", "a.yaml:1:1: watchs: unknown key; did you mean 'watches'?"),
    ("zzz: []", "a.yaml:1:1: zzz: unknown key; an included file has only `watches:`"),
    ("watches: [{snapshot: s_a, every: 5}]", "a.yaml:1:34: watches[0].every: a duration needs its unit: write `5s`"),
    ("watches: [{snapshot: s_a, notify: tem}]", "a.yaml:1:35: watches[0].notify: there is no channel 'tem'; did you mean 'team'?"),
    ("watches: [{snapshot: s_main}]", "a.yaml:1:22: watches[0].snapshot: this snapshot is already watched at config.yaml:4:22: remove one of the two"),
    ("watches: [{snapshot: '${NONE}'}]", "a.yaml:1:22: watches[0].snapshot: the environment variable NONE is not set: set it where notifier is started, or give it a default, `${NONE:-default}`"),
    ("watches: [{name: gd}]", "a.yaml:1:11: watches[0]: nothing to watch: write `snapshot:` with the id of one, or `dataset:` for every snapshot of a dataset"),
    ("a: 'b", "a.yaml:1:4: not YAML: the quote that opens here is never closed"),
    (b"\xff", "a.yaml:1:1: the byte 0xff at offset 0 is not UTF-8: save the file as UTF-8"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "error"), BAD, ids=[repr(text) for text, _ in BAD])
def test_an_error_in_an_included_file_is_reported_at_its_place(
    refused: Refusal, folder: Path, main: str, text: str | bytes, error: str
) -> None:
    drop_in(folder, "watches.d/a.yaml", text)
    assert refused(main) == [f"watches.d/{error}"]


def test_the_errors_of_all_files_are_reported_the_main_file_first(refused: Refusal, folder: Path, main: str) -> None:
    drop_in(folder, "watches.d/b.yaml", "watches: [{snapshot: s_b, x: 1}]")
    drop_in(folder, "watches.d/a.yaml", "nonsense: @")
    places = [line.split(": ")[0] for line in refused(main + "zzz: 1\n")]
    assert places == ["config.yaml:6:1", "watches.d/a.yaml:1:11", "watches.d/b.yaml:1:27"]


def test_a_link_to_itself_is_reported(refused: Refusal, folder: Path, main: str) -> None:
    (folder / "watches.d").mkdir()
    (folder / "watches.d/a.yaml").symlink_to("a.yaml")
    assert refused(main) == [
        "watches.d/a.yaml: the file cannot be read: Too many levels of symbolic links",
    ]


def test_a_broken_link_is_reported(refused: Refusal, folder: Path, main: str) -> None:
    (folder / "watches.d").mkdir()
    (folder / "watches.d/a.yaml").symlink_to("nowhere")
    assert refused(main) == ["watches.d/a.yaml: there is no such file"]


@pytest.mark.parametrize(
    ("pattern", "error"),
    [
        ("none.yaml", "there is no such file (a relative path starts at the folder of the main file)"),
        ("sub", "this is a folder: write `FOLDER/*.yaml` for the files in it"),
        ("config.yaml/*.yaml", "the files cannot be listed: Not a directory"),
        ("a" * 5_000, "the files cannot be listed: File name too long"),
        ("''", "empty: give it a value, or remove the key"),
    ],
)
def test_a_pattern_that_cannot_be_followed_is_refused(
    refused: Refusal, folder: Path, root: str, pattern: str, error: str
) -> None:
    (folder / "sub").mkdir()
    assert refused(f"{root}include: [{pattern}]") == [f"config.yaml:3:11: include[0]: {error}"]
    assert refused(f"{root}include: {pattern}") == [f"config.yaml:3:10: include: {error}"]

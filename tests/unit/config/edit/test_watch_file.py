"""A watch is written into a file of its own, which `include:` matches, and loads with the same values."""

import os
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.config.edit.watch_file import NewWatch, WatchFolder, removing
from notifier.config.load import Checks, load
from notifier.config.model import Config
from notifier.config.sources import files
from notifier.core.errors import NotifierError, UsageError

MAIN = """\
api: {{token: abcdefghijkl}}
channels: {{team: "json://localhost", other: "json://localhost/x"}}
defaults: {{notify: [team]}}
include: {include}
"""


def main(folder: Path, include: str = "[watches.d/*.yaml]") -> Path:
    path = folder / "config.yaml"
    path.write_text(MAIN.format(include=include), encoding="utf-8")
    return path


def loaded(path: Path) -> Config:
    return load(path, environ={}, checks=Checks(url=lambda _: None))


def test_the_watch_is_loaded_as_it_was_meant(tmp_path: Path) -> None:
    path = main(tmp_path)
    written, _ = WatchFolder(path, {}).write(
        NewWatch(snapshot_id="sd_1", name="Prices: nightly #1", notify=["other"], on=["all"])
    )
    assert written == tmp_path / "watches.d" / "sd_1.yaml"
    (watch,) = loaded(path).watches
    assert (watch.snapshot_id, watch.name, watch.notify, watch.on) == (
        "sd_1",
        "Prices: nightly #1",
        ("other",),
        ("all",),
    )
    assert [each.name for each in written.parent.iterdir()] == ["sd_1.yaml"]


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40))
def test_any_id_that_a_watch_can_have_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, snapshot_id: str
) -> None:
    folder = tmp_path_factory.mktemp("any")
    path = main(folder)
    try:
        load_by_hand = NewWatch(snapshot_id=snapshot_id).text()
        (folder / "watches.d").mkdir()
        (folder / "watches.d" / "hand.yaml").write_text(load_by_hand, encoding="utf-8")
        loaded(path)
    except NotifierError:
        return  # no id of a watch at all
    (folder / "watches.d" / "hand.yaml").unlink()
    WatchFolder(path, {}).write(NewWatch(snapshot_id=snapshot_id))
    assert [watch.snapshot_id for watch in loaded(path).watches] == [snapshot_id]


@pytest.mark.parametrize("include", ["watches.d/*.yaml", "[a.yaml, conf/w-*.yml, x/sd_*.yml]", "['**/*.yaml']"])
def test_the_folder_is_that_of_the_first_matching_pattern(tmp_path: Path, include: str) -> None:
    (tmp_path / "a.yaml").write_text("watches: []\n")
    path = main(tmp_path, include)
    if "sd_" in include:
        with pytest.raises(UsageError):
            WatchFolder(path, {})
        return
    WatchFolder(path, {}).write(NewWatch(snapshot_id="sd_1"))
    assert [watch.snapshot_id for watch in loaded(path).watches] == ["sd_1"]


@pytest.mark.parametrize("include", ["[]", "[one.yaml]", "", "['*/x.yaml']"])
def test_without_a_folder_it_says_what_to_add(tmp_path: Path, include: str) -> None:
    with pytest.raises(UsageError, match=re.escape("add the line `include: [watches.d/*.yaml]`")):
        WatchFolder(main(tmp_path, include), {})


def test_the_same_watch_is_accepted_and_other_content_is_not_changed(tmp_path: Path) -> None:
    folder = WatchFolder(main(tmp_path), {})
    first, _ = folder.write(NewWatch(snapshot_id="sd_1"))
    text = first.read_text()
    folder.write(NewWatch(snapshot_id="sd_1"))
    with pytest.raises(NotifierError, match="not changed"):
        folder.write(NewWatch(snapshot_id="sd_1", name="Other"))
    assert first.read_text() == text


@pytest.mark.parametrize("odd", [os.mkfifo, Path.mkdir, lambda path: path.write_bytes(b"\xff")], ids=range(3))
def test_an_existing_file_that_is_no_text_is_not_changed(tmp_path: Path, odd: Callable[[Path], object]) -> None:
    folder = WatchFolder(main(tmp_path), {})
    (tmp_path / "watches.d").mkdir()
    odd(tmp_path / "watches.d" / "sd_1.yaml")
    with pytest.raises(NotifierError, match="not changed"):
        folder.write(NewWatch(snapshot_id="sd_1"))


def test_the_time_of_a_change_is_after_all_that_comes_before_it_and_before_it_can_be_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a reload that began while the file was being written would count as one that has read it."""
    seen: dict[str, datetime] = {}

    def noting(name: str, call: Callable[..., object]) -> Callable[..., object]:
        def called(*arguments: object) -> object:
            seen[name] = datetime.now(UTC)
            return call(*arguments)

        return called

    for name in ("fsync", "link"):
        monkeypatch.setattr(os, name, noting(name, getattr(os, name)))
    file, appeared = WatchFolder(main(tmp_path), {}).write(NewWatch(snapshot_id="sd_1"))
    assert appeared <= seen["link"]
    monkeypatch.setattr(Path, "rename", noting("rename", Path.rename))
    before = datetime.now(UTC)
    with removing(file) as gone:
        assert before <= gone <= seen["rename"]


def test_a_removed_file_is_restored_if_the_block_raises(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("watches: []\n")
    inode = path.stat().st_ino
    with suppress(ZeroDivisionError), removing(path):
        assert not files.included("*.yaml", tmp_path)
        raise ZeroDivisionError
    assert (path.read_text(), path.stat().st_ino, list(tmp_path.iterdir())) == ("watches: []\n", inode, [path])
    with removing(path):
        pass
    assert not list(tmp_path.iterdir())
    with pytest.raises(NotifierError, match="cannot be removed: No such file"), removing(path):
        pass


def test_a_file_written_meanwhile_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("old")
    with suppress(ZeroDivisionError), removing(path):
        path.write_text("new")
        raise ZeroDivisionError
    assert [each.read_text() for each in tmp_path.iterdir()] == ["new"]

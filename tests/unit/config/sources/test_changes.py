"""Every change of the files is reported once, when it has settled, and nothing else is."""

import asyncio
import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.config.sources.changes import MOST_UNSETTLED, SCAN_INTERVAL, SETTLE, FileChanges, Settling, settle
from notifier.config.sources.digests import ConfigFiles, Digests, FileScanner

contents = st.dictionaries(st.sampled_from("abc"), st.sampled_from("123"))


@given(contents, st.lists(contents, max_size=30))
def test_a_change_is_reported_once_two_scans_agree_and_none_is_lost(start: Digests, looks: list[Digests]) -> None:
    state = Settling(start)
    for before, seen in zip([start, *looks], looks, strict=False):
        earlier = state
        state, changed = settle(state, seen)
        assert bool(changed) == (state.reported != earlier.reported)
        if changed:
            assert state.reported == seen
            assert seen == before or earlier.scans == MOST_UNSETTLED - 1
            assert all(earlier.reported.get(path) != seen.get(path) for path in changed)
    last = looks[-1] if looks else start
    state, _ = settle(state, last)
    assert settle(state, last) == (Settling(last), frozenset())


def test_a_file_that_never_settles_is_reported_all_the_same() -> None:
    state, told = Settling({}), 0
    for number in range(MOST_UNSETTLED):
        state, changed = settle(state, {"a": str(number)})
        told += bool(changed)
    assert told == 1


def test_a_change_that_is_undone_is_none() -> None:
    state, _ = settle(Settling({"a": "1"}), {})
    assert settle(state, {"a": "1"}) == (Settling({"a": "1"}), frozenset())


def test_a_change_of_a_small_configuration_is_live_within_two_seconds() -> None:
    assert timedelta(seconds=1) > SCAN_INTERVAL + SETTLE


Edit = Callable[[Path], object]


def write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def rename_over(folder: Path) -> None:
    write(folder / ".new", "watches: [] # 2")
    (folder / ".new").replace(folder / "watches.d" / "a.yaml")


def same_size_and_time(folder: Path) -> None:
    file = folder / "watches.d" / "a.yaml"
    before = file.stat()
    file.write_text("watches: []#2")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def mounted_anew(folder: Path) -> None:
    """As Kubernetes swaps a ConfigMap: `..data` leads to another folder, and nothing else changes."""
    (folder / "..new").symlink_to("..second")
    (folder / "..new").rename(folder / "..data")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "config.yaml", "include: x")
    write(tmp_path / "watches.d" / "a.yaml", "watches: []#1")
    write(tmp_path / "..first" / "m.yaml", "one")
    write(tmp_path / "..second" / "m.yaml", "two")
    (tmp_path / "..data").symlink_to("..first")
    (tmp_path / "m.yaml").symlink_to("..data/m.yaml")
    return tmp_path


def sources(folder: Path) -> ConfigFiles:
    return ConfigFiles(main=folder / "config.yaml", include=("watches.d/*.yaml", "later.d/*.yaml", "m.yaml", "no.yaml"))


@pytest.mark.parametrize(
    ("edit", "changed"),
    [
        (lambda folder: write(folder / "config.yaml", "include: y"), {"config.yaml"}),
        (lambda folder: (folder / "config.yaml").unlink(), {"config.yaml"}),
        (lambda folder: write(folder / "watches.d" / "b.yaml", "new"), {"watches.d/b.yaml"}),
        (lambda folder: write(folder / "later.d" / "c.yaml", "new"), {"later.d/c.yaml"}),
        (lambda folder: write(folder / "no.yaml", "new"), {"no.yaml"}),
        (rename_over, {"watches.d/a.yaml"}),
        (same_size_and_time, {"watches.d/a.yaml"}),
        (mounted_anew, {"m.yaml"}),
        (lambda folder: (folder / "watches.d" / "a.yaml").rename(folder / "a"), {"watches.d/a.yaml"}),
        (lambda folder: os.utime(folder / "config.yaml"), set()),
        (lambda folder: write(folder / "watches.d" / ".a.yaml.swp", "x"), set()),
        (lambda folder: write(folder / "watches.d" / "#a.yaml", "x"), set()),
        (lambda folder: write(folder / "watches.d" / "a.yaml~", "x"), set()),
        (lambda folder: (folder / "watches.d" / "folder.yaml").mkdir(), set()),
        # The next two are refused by a load: it has to be seen when they come, and when they are taken away.
        (lambda folder: os.mkfifo(folder / "watches.d" / "pipe.yaml"), {"watches.d/pipe.yaml"}),
        (lambda folder: (folder / "watches.d" / "link.yaml").symlink_to("nowhere"), {"watches.d/link.yaml"}),
    ],
)
@pytest.mark.parametrize("age", [0, 3600], ids=["fresh", "old"])
def test_a_scan_sees_every_change_of_content_and_no_other(
    folder: Path, edit: Edit, changed: set[str], age: int
) -> None:
    scanner, now = FileScanner(), time.time_ns() + age * 10**9
    before = scanner.scan(sources(folder), now)
    edit(folder)
    after = scanner.scan(sources(folder), now)
    differing = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert differing == {str(folder / name) for name in changed}


def test_an_old_file_is_not_read_twice(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scanner, now = FileScanner(), time.time_ns() + 10**13
    before = scanner.scan(sources(folder), now)
    monkeypatch.setattr("notifier.config.sources.files.digest", lambda path: pytest.fail("it is read"))
    assert scanner.scan(sources(folder), now) == before


async def test_changes_are_reported_and_loaded_content_is_none(folder: Path) -> None:
    pause = timedelta(milliseconds=2)
    changes = FileChanges(sources=sources(folder), interval=pause, settle=pause)
    read = {Path(path): digest for path, digest in FileScanner().scan(sources(folder), 0).items()}
    changes.loaded(sources(folder), read)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(changes.next(), 0.05)
    write(folder / "watches.d" / "b.yaml", "new")
    assert await asyncio.wait_for(changes.next(), 5) == {folder / "watches.d" / "b.yaml"}


async def test_after_a_refusal_its_files_are_scanned_too(folder: Path) -> None:
    pause = timedelta(milliseconds=2)
    changes = FileChanges(sources=ConfigFiles(main=folder / "config.yaml"), interval=pause, settle=pause)
    assert await asyncio.wait_for(changes.next(), 5) == {folder / "config.yaml"}
    changes.refused(("watches.d/*.yaml",))
    assert await asyncio.wait_for(changes.next(), 5) == {folder / "watches.d" / "a.yaml"}

"""Results in a folder where somebody else puts things: nothing outside of it is written, read or waited for."""

import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from notifier.core.errors import DownloadError, DownloadTrouble
from notifier.downloads.atomic_file import AtomicFile

NAME = "s_1.json"
HIDDEN, JOURNAL, NEW = f".{NAME}.part", f".{NAME}.part.json", f".{NAME}.part.json.new"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    folder.mkdir()
    return folder


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Path]:
    """A file outside of the folder, which nothing may change."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    yield victim
    assert victim.read_text() == "precious"


def land(folder: Path, *, force: bool = False, content: bytes = b"[\n]\n") -> bool:
    with AtomicFile(folder, NAME, compress=False) as file:
        file.resume("all")
        file.write(content)
        file.complete_part(records=1)
        return file.publish(end=b"", force=force)


def link(place: Path, victim: Path) -> None:
    place.symlink_to(victim)


def dangling(place: Path, victim: Path) -> None:
    place.symlink_to(victim.with_name("not there"))


def hard_link(place: Path, victim: Path) -> None:
    place.hardlink_to(victim)


def fifo(place: Path, _: Path) -> None:
    os.mkfifo(place)


TRAPS = [link, dangling, hard_link, fifo]


@pytest.mark.parametrize("trap", TRAPS)
@pytest.mark.parametrize("name", [HIDDEN, JOURNAL, NEW])
def test_a_file_planted_under_a_temporary_name_is_removed_unread(
    folder: Path, victim: Path, name: str, trap: Callable[[Path, Path], None]
) -> None:
    trap(folder / name, victim)
    assert land(folder)
    assert [path.name for path in folder.iterdir()] == [NAME]
    assert stat.S_ISREG((folder / NAME).lstat().st_mode)
    assert not victim.with_name("not there").exists()


@pytest.mark.parametrize("trap", [link, dangling, fifo])
def test_what_was_planted_under_the_final_name_is_neither_read_nor_followed(
    folder: Path, victim: Path, trap: Callable[[Path, Path], None]
) -> None:
    """Without force it stays, and the download says so; with it the file takes its place."""
    trap(folder / NAME, victim)
    with pytest.raises(DownloadError, match=r"no regular file$") as caught:
        land(folder, content=b"precious")
    assert caught.value.trouble is DownloadTrouble.EXISTS
    assert land(folder, force=True)
    assert (folder / NAME).read_bytes() == b"[\n]\n"
    assert not (folder / NAME).is_symlink()


def test_a_hard_link_under_the_final_name_is_replaced_and_its_file_kept(folder: Path, victim: Path) -> None:
    (folder / NAME).hardlink_to(victim)
    with pytest.raises(DownloadError, match="another content"):
        land(folder)
    assert land(folder, force=True)


@pytest.mark.parametrize("name", [HIDDEN, JOURNAL, NEW, NAME])
@pytest.mark.parametrize("force", [False, True])
def test_a_folder_in_the_way_is_named(folder: Path, name: str, force: bool) -> None:
    (folder / name).mkdir()
    with pytest.raises(DownloadError, match=name.replace(".", r"\.")) as caught:
        land(folder, force=force)
    assert "remove it" in str(caught.value)
    assert (folder / name).is_dir()


def test_a_folder_replaced_by_a_link_meanwhile_gets_nothing(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with AtomicFile(folder, NAME, compress=False) as file:
        file.resume("all")
        file.write(b"{}")
        folder.rename(tmp_path / "moved")
        folder.symlink_to(elsewhere)
        file.complete_part(records=1)
        with pytest.raises(DownloadError, match="replaced during the download") as caught:
            file.publish(end=b"", force=False)
    assert caught.value.trouble is DownloadTrouble.FOLDER
    assert list(elsewhere.iterdir()) == []


def test_a_hidden_file_replaced_meanwhile_is_not_published(folder: Path, victim: Path) -> None:
    with AtomicFile(folder, NAME, compress=False) as file:
        file.resume("all")
        file.write(b"{}")
        file.complete_part(records=1)
        (folder / HIDDEN).unlink()
        (folder / HIDDEN).symlink_to(victim)
        with pytest.raises(DownloadError, match="replaced"):
            file.publish(end=b"", force=True)
    assert not (folder / NAME).exists()


@pytest.mark.parametrize("trap", [fifo, dangling, link])
def test_a_path_that_is_no_folder_is_reported_at_once(
    tmp_path: Path, victim: Path, trap: Callable[[Path, Path], None]
) -> None:
    trap(tmp_path / "no folder", victim)
    with pytest.raises(DownloadError, match="the folder does not exist") as caught:
        land(tmp_path / "no folder")
    assert caught.value.trouble is DownloadTrouble.FOLDER


def test_a_folder_that_its_user_names_through_a_link_is_written_to(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    assert land(tmp_path / "link")
    assert (folder / NAME).exists()


def test_parts_that_somebody_else_has_left_in_a_shared_folder_are_not_gone_on_with(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.chmod(0o777)
    with AtomicFile(folder, NAME, compress=False) as file:
        file.resume("all")
        file.write(b"{}")
        file.complete_part(records=1)
    ours = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: ours + 1)
    with AtomicFile(folder, NAME, compress=False) as file:
        assert file.journal.parts == 0
    monkeypatch.undo()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    "journal",
    [b"[" * 100_000, b"{}", b"\xff", b"[1]", b'{"parts":"x"}', json.dumps({"parts": 1, "size": "1"}).encode(), b"1"],
)
def test_a_journal_that_makes_no_sense_is_as_none(folder: Path, journal: bytes) -> None:
    (folder / HIDDEN).write_bytes(b"what somebody left")
    (folder / JOURNAL).write_bytes(journal)
    assert land(folder)
    assert (folder / NAME).read_bytes() == b"[\n]\n"


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_new_files_obey_the_umask(folder: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        land(folder)
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / NAME).stat().st_mode) == mode

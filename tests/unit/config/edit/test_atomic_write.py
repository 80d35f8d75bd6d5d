"""Files are written atomically, with the access rights of the main file."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.config.edit.atomic_write import FileAccess, make_folder, replace_file, write_new


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o600, 0o444, 0o755])
def test_a_new_file_has_the_mode_of_the_other_whatever_the_umask_is(tmp_path: Path, umask: int, mode: int) -> None:
    main = tmp_path / "config.yaml"
    main.touch()
    main.chmod(mode)
    before = os.umask(umask)
    try:
        make_folder(tmp_path / "a" / "b", FileAccess.of(main))
        write_new(tmp_path / "a" / "b" / "c.yaml", "x", FileAccess.of(main))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a" / "b" / "c.yaml").stat().st_mode) == mode & 0o666 | 0o600
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == (mode & 0o666) | 0o700 | (mode & 0o044) >> 2


@given(st.integers(0, 0o777), st.booleans(), st.booleans())
def test_if_owner_or_group_cannot_be_set_others_may_read(
    tmp_path_factory: pytest.TempPathFactory, mode: int, owner: bool, group: bool
) -> None:
    file = tmp_path_factory.mktemp("access") / "file"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT)
    own, free = os.fstat(descriptor), 2**32 - 1  # the number that the kernel gives to nobody
    access = FileAccess(owner=own.st_uid if owner else free, group=own.st_gid if group else free, mode=mode & 0o666)
    try:
        access.apply(descriptor)
        given_mode = os.fstat(descriptor).st_mode
    finally:
        os.close(descriptor)
    if not owner:
        assert given_mode & 0o004 == 0o004
    if not group and mode & 0o040:
        assert given_mode & 0o004
    assert given_mode & 0o022 == mode & 0o022, "nobody may write who may not write the other"


def test_an_existing_file_is_not_changed_and_no_temporary_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("theirs")
    with pytest.raises(FileExistsError):
        write_new(path, "ours", FileAccess.of(path))
    assert [each.read_text() for each in tmp_path.iterdir()] == ["theirs"]


def test_a_replaced_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("before")
    path.chmod(0o644)
    replace_file(path, b"after")
    assert [(each.read_text(), stat.S_IMODE(each.stat().st_mode)) for each in tmp_path.iterdir()] == [("after", 0o600)]
    with pytest.raises(FileNotFoundError):
        replace_file(tmp_path / "none" / "a", b"")

"""Whatever a path leads to, reading it never waits, and only regular files are read."""

import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from notifier.config.model import Config
from notifier.config.sources import files
from notifier.config.sources.digests import ConfigFiles, FileScanner
from notifier.config.sources.environment import with_credentials
from notifier.config.sources.regular_file import NotRegular, read_regular

Refusal = Callable[..., list[str]]
Loader = Callable[..., Config]


def pipe(path: Path) -> None:
    os.mkfifo(path)


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


ODD = [
    (pipe, "this is a FIFO (a named pipe), and only a regular file is read: remove it, or name another file"),
    (listening, "this is a socket, and only a regular file is read: remove it, or name another file"),
    (endless, "this is a device, and only a regular file is read: remove it, or name another file"),
]


@pytest.mark.parametrize(("make", "words"), ODD)
def test_an_irregular_included_file_is_refused(
    refused: Refusal, folder: Path, root: str, make: Callable[[Path], None], words: str
) -> None:
    (folder / "watches.d").mkdir()
    make(folder / "watches.d" / "a.yaml")
    (folder / "watches.d" / "b.yaml").write_text("watches: [{snapshot: s_b, notify: team, x: 1}]")
    told = refused(f"{root}include: [watches.d/*.yaml]\n")
    assert told[0] == f"watches.d/a.yaml: {words}"
    assert told[1].startswith("watches.d/b.yaml:1:"), "the others are told, too"


@pytest.mark.parametrize(("make", "words"), ODD)
def test_an_irregular_main_file_or_token_file_is_refused(
    refused: Refusal, loaded: Loader, folder: Path, make: Callable[[Path], None], words: str
) -> None:
    make(folder / "token")
    (line,) = refused("api: {token_file: token}\n")
    assert line.startswith(f"config.yaml:1:19: api.token_file: the file cannot be read: {words.partition(':')[0]}")
    with pytest.raises(files.Unreadable, match=words.partition(" (")[0]):
        files.read(folder / "token")


def test_a_credential_that_is_a_pipe_is_ignored(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "A")
    (tmp_path / "B").write_text("b\n")
    assert with_credentials({"CREDENTIALS_DIRECTORY": str(tmp_path)})["B"] == "b"
    assert "A" not in with_credentials({"CREDENTIALS_DIRECTORY": str(tmp_path)})


def test_removing_an_irregular_file_is_a_change(tmp_path: Path) -> None:
    """Who only looks at what can be read would never notice that it was mended."""
    sources, scanner = ConfigFiles(main=tmp_path / "config.yaml", include=("*.yaml",)), FileScanner()
    os.mkfifo(tmp_path / "a.yaml")
    (tmp_path / "b.yaml").write_text("b")
    (tmp_path / "c.yaml").symlink_to("nowhere")
    (tmp_path / "d.yaml").mkdir()
    seen = [scanner.scan(sources, 0)]
    for name in ("a.yaml", "c.yaml"):
        (tmp_path / name).unlink()
        seen.append(scanner.scan(sources, 0))
    assert [sorted(Path(path).name for path in each) for each in seen] == [
        ["a.yaml", "b.yaml", "c.yaml"],
        ["b.yaml", "c.yaml"],
        ["b.yaml"],
    ]


def test_a_file_replaced_during_the_read_gives_one_of_both(tmp_path: Path) -> None:
    path, stop = tmp_path / "a", threading.Event()
    contents = [letter * 3_000_000 for letter in (b"a", b"b")]
    path.write_bytes(contents[0])

    def replace() -> None:
        while not stop.is_set():
            for content in contents:
                (tmp_path / "new").write_bytes(content)
                (tmp_path / "new").replace(path)

    thread = threading.Thread(target=replace)
    thread.start()
    try:
        assert all(read_regular(path, 10_000_000) in contents for _ in range(30))
    finally:
        stop.set()
        thread.join()


def test_the_bytes_are_bounded_and_exact(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(range(256)) * 20_000)
    assert read_regular(path, 10**9) == path.read_bytes()
    assert read_regular(path, 1_000_001) == path.read_bytes()[:1_000_001]
    with pytest.raises(NotRegular):
        read_regular(Path("/dev/null"), 1)


def test_files_that_are_too_large_together_are_refused(
    refused: Refusal, folder: Path, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LARGEST_TOGETHER", 3 * 1024**2)
    for name in "ab":
        (folder / f"{name}.yml").write_text("#" * 2 * 1024**2)
    assert refused(f"{root}include: ['*.yml']\n") == [
        "config.yaml:3:11: include[0]: the files have more than 3 MiB together: are these the right ones?"
    ]


def test_a_folder_that_cannot_be_listed_below_a_wildcard_is_a_warning(
    loaded: Loader, folder: Path, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "secrets").mkdir()
    real = os.scandir

    def denied(path: str | Path) -> object:
        if str(path).endswith("secrets"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", denied)
    config = loaded(root + "defaults: {notify: team}\nwatches: [{snapshot: s}]\ninclude: ['**/*.yml']\n")
    assert ["secrets cannot be listed by this user, and is passed over" in str(each) for each in config.warnings] == [
        True
    ]

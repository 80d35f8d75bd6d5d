"""A small disk that can be filled, for tests that need one."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk() -> Iterator[Path]:
    """A disk of eight megabytes; the test is skipped where none can be mounted."""
    folder = Path(tempfile.mkdtemp())
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    try:
        mounted = os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        folder.rmdir()
        pytest.skip("no disk can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
        folder.rmdir()


def fill(folder: Path) -> Path:
    """Leave no room on the disk; remove the file to make some."""
    file = folder / "ballast"
    with file.open("wb", buffering=0) as ballast:
        for size in (65_536, 4_096, 1):
            while True:
                try:
                    if ballast.write(bytes(size)) < size:
                        break
                except OSError:
                    break
    return file

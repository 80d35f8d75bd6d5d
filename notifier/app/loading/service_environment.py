"""The environment of a command, with the credentials and variables that systemd gives to the service."""

import atexit
import shutil
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from notifier.config.sources.systemd_unit import SystemdUnit, unit_of


def service_environment(main: Path, environ: Mapping[str, str]) -> Mapping[str, str]:
    """The environment, with `CREDENTIALS_DIRECTORY` and the unit's variables where a unit has this main file.

    The folder has links to the files of the credentials, never copies, and is removed when the process ends. The
    environment comes first; if it has `CREDENTIALS_DIRECTORY`, nothing is added.
    """
    unit = None if "CREDENTIALS_DIRECTORY" in environ else _unit(main.absolute())
    if unit is None or not (unit.credentials or unit.variables):
        return environ
    found = {**unit.variables, **environ}
    if unit.credentials:
        found["CREDENTIALS_DIRECTORY"] = _linked(tuple(unit.credentials.items()))
    return found


def hint(main: Path, environ: Mapping[str, str]) -> str:
    """Return what to type if a unit has secrets that this user may not read; else an empty text."""
    unit = None if "CREDENTIALS_DIRECTORY" in environ else _unit(main.absolute())
    if unit is None or unit.denied is None:
        return ""
    return f"{unit.name} has its secrets from {unit.denied}, which this user may not read: run this command with sudo."


@cache
def _unit(main: Path) -> SystemdUnit | None:
    return unit_of(main)


@cache
def _linked(credentials: tuple[tuple[str, Path], ...]) -> str:
    folder = tempfile.mkdtemp(prefix="notifier-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name, file in credentials:
        (Path(folder) / name).symlink_to(file)
    return folder

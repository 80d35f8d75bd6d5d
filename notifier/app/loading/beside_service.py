"""The environment of a command that is typed beside the service, with what systemd gives to that."""

import atexit
import shutil
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from notifier.config.sources.systemd_unit import SystemdUnit, unit_of


def service_environment(main: Path, environ: Mapping[str, str]) -> Mapping[str, str]:
    """The environment, with `CREDENTIALS_DIRECTORY` and the unit's variables where a unit has this main file.

    The folder holds links to the credentials' files, never copies, and goes when the process ends. What is set in the
    environment comes first; where it has `CREDENTIALS_DIRECTORY` nothing is added.
    """
    unit = None if "CREDENTIALS_DIRECTORY" in environ else _unit(main.absolute())
    if unit is None or not (unit.credentials or unit.variables):
        return environ
    found = {**unit.variables, **environ}
    if unit.credentials:
        found["CREDENTIALS_DIRECTORY"] = _linked(tuple(unit.credentials.items()))
    return found


def hint(main: Path, environ: Mapping[str, str]) -> str:
    """What to type where a unit has what is missing here, but this user may not read it; else nothing."""
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

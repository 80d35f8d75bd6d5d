"""Finds the credentials and the environment of the service, for commands that run beside it.

`$CREDENTIALS_DIRECTORY` is set for the service only. A command finds the unit that runs the notifier with the same
configuration, and reads the files that `LoadCredential=` and `EnvironmentFile=` name (systemd.exec(5)), if it may.
"""

import os
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from notifier.config.sources.regular_file import read_regular

FOLDERS = tuple(map(Path, ("/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system")))
"""The folders of installed units, by precedence (systemd.unit(5))."""

_LARGEST = 1024 * 1024
_CONFIG = re.compile(r"(?:--config|-c)[ =](\S+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class SystemdUnit:
    """A unit that runs the notifier.

    Attributes:
        name: the name of the unit.
        credentials: the files of its credentials, by their names in the service.
        variables: the variables that its environment files set.
        denied: the first file that this user may not read.
    """

    name: str
    credentials: Mapping[str, Path] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    denied: Path | None = None


def unit_of(main: Path, folders: tuple[Path, ...] | None = None) -> SystemdUnit | None:
    """Return the unit whose `ExecStart=` names this main file; None if no readable one does."""
    seen: set[str] = set()
    for folder in FOLDERS if folders is None else folders:
        for file in _listed(folder, "notifier*.service"):
            if file.name in seen:
                continue
            seen.add(file.name)
            settings = _settings([file, *_listed(file.with_name(file.name + ".d"), "*.conf")])
            if (instance := _instance(settings, main)) is not None:
                name = file.name.replace("@.", f"@{instance}.")
                return _unit(name, [(key, value.replace("%i", instance)) for key, value in settings])
    return None


def _listed(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(folder.glob(pattern))
    except OSError:
        return []


def _settings(files: list[Path]) -> list[tuple[str, str]]:
    """Return the assignments under [Service], in their order."""
    found = []
    for file in files:
        section = ""
        for line in _text(file).replace("\\\n", " ").splitlines():
            if line.startswith("["):
                section = line.strip()
            elif section == "[Service]" and line[:1] not in ("#", ";") and "=" in line:
                key, _, value = line.partition("=")
                found.append((key.strip(), value.strip()))
    return found


def _text(file: Path) -> str:
    try:
        return read_regular(file, _LARGEST).decode(errors="replace")
    except OSError:
        return ""


def _instance(settings: list[tuple[str, str]], main: Path) -> str | None:
    """Return the instance (`%i`) with this main file: empty for a unit without instances, None for another file."""
    for key, value in settings:
        if key == "ExecStart" and (config := _CONFIG.search(value)):
            pattern = re.escape(config[1]).replace("%i", "(?P<i>[^/]+)", 1).replace("%i", "(?P=i)")
            if match := re.fullmatch(pattern, str(main.absolute())):
                return match.groupdict().get("i", "")
    return None


def _unit(name: str, settings: list[tuple[str, str]]) -> SystemdUnit:
    credentials: dict[str, Path] = {}
    variables: dict[str, str] = {}
    denied: list[Path] = []
    for key, value in settings:
        if key == "LoadCredential" and not value:
            credentials.clear()
        elif key == "LoadCredential":
            credential, _, path = value.partition(":")
            for given, file in _files_of(credential, Path(path), denied):
                if os.access(file, os.R_OK):
                    credentials[given] = file
                else:
                    denied.append(file)
        elif key == "EnvironmentFile":
            variables |= _variables(_text(Path(value.removeprefix("-"))))
    return SystemdUnit(name=name, credentials=credentials, variables=variables, denied=denied[0] if denied else None)


def _files_of(credential: str, path: Path, denied: list[Path]) -> Iterator[tuple[str, Path]]:
    """Yield a file with the name of its credential; for a folder each file, its name appended."""
    try:
        if not path.is_absolute() or not path.exists():
            return
        if not path.is_dir():
            yield credential, path
            return
        yield from ((f"{credential}_{file.name}", file) for file in sorted(path.iterdir()) if file.is_file())
    except PermissionError:
        denied.append(path)


def _variables(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and name.isidentifier():
            try:
                yield name, "".join(shlex.split(value)) if value[:1] in ("'", '"') else value
            except ValueError:
                continue

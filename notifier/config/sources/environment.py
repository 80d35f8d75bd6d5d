"""What `${NAME}` may stand for: the environment, and the credentials that systemd gave to the service.

A credential is a file in `$CREDENTIALS_DIRECTORY` (systemd.exec(5)). One named `NAME`, or `secret_NAME`, which is what
`LoadCredential=secret:FOLDER` makes of the file `NAME` in that folder, is the value of `${NAME}` where the environment
has none. What is given so stands in no process's environment, which its children would get and root could list.
"""

from collections.abc import Mapping
from pathlib import Path

from notifier.config.sources.regular_file import read_regular

PREFIX = "secret_"
"""Before the name of a file, when systemd was given its folder under this id."""

_LARGEST = 1024 * 1024
"""Bytes of all credentials together, as systemd allows them; what a longer file has beyond them is not read."""


def with_credentials(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment with the credentials beside it. A variable that is set, and not empty, comes first.

    The line's end after a value is not part of it. A credential that cannot be read is none, and what is not UTF-8
    makes a value that `interpolate` refuses.
    """
    directory = environ.get("CREDENTIALS_DIRECTORY")
    if not directory:
        return dict(environ)
    found = {}
    for prefix in (PREFIX, ""):  # what was given under the name itself goes before what stood in a folder
        for file in _files(Path(directory)):
            name = file.name.removeprefix(prefix) if file.name.startswith(prefix) else ""
            if name.isascii() and name.isidentifier() and (value := _value(file)) is not None:
                found[name] = value
    return found | {name: value for name, value in environ.items() if value or name not in found}


def _files(directory: Path) -> list[Path]:
    try:
        return sorted(directory.iterdir())
    except OSError:
        return []


def _value(file: Path) -> str | None:
    try:
        return read_regular(file, _LARGEST).decode(errors="surrogateescape").rstrip("\r\n")
    except OSError:
        return None

"""The variables for `${NAME}`: the environment, and the credentials that systemd passes to the service.

A credential is a file in `$CREDENTIALS_DIRECTORY` (systemd.exec(5)). One named `NAME`, or `secret_NAME`, which is what
`LoadCredential=secret:FOLDER` makes of the file `NAME` in that folder, is the value of `${NAME}` where the environment
has none. Credentials are not in the environment of a process, which its children inherit and root can list.
"""

from collections.abc import Mapping
from pathlib import Path

from notifier.config.sources.regular_file import read_regular

PREFIX = "secret_"
"""The prefix of a file whose folder was passed to systemd under this id."""

_LARGEST = 1024 * 1024
"""Bytes of all credentials together, the limit of systemd. Longer files are cut."""


def with_credentials(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment and the credentials. A variable that is set and not empty comes first.

    A line break at the end of a credential is removed. Unreadable credentials are skipped; one that is not UTF-8 gives
    a value that `interpolate` refuses.
    """
    directory = environ.get("CREDENTIALS_DIRECTORY")
    if not directory:
        return dict(environ)
    found = {}
    for prefix in (PREFIX, ""):  # a credential passed under its own name comes before one from a folder
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

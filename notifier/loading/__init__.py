"""Reads a configuration with the checks that only other rooms can make, for all who need one.

Everything heavy is imported by its first use: Apprise alone takes longer than all else that a small configuration
needs, and a daemon that has its configuration read by another process (`apart`) needs none of it.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from notifier.config.environment import with_credentials
from notifier.config.model import Config
from notifier.config.parts import Known, Parts

if TYPE_CHECKING:
    from notifier.config.load import Checks


def load_config(path: Path, *, secrets_needed: bool = True) -> Config:
    """Read and check a configuration as the daemon would.

    Args:
        path: the main file.
        secrets_needed: whether the token and the channels will be used. Commands that only read the database are
            run by people who have neither the service's credentials nor its environment; for them an unset variable
            is no error, and channel URLs are not tried.

    Raises:
        ConfigurationRefused: with all its errors.
    """
    from notifier.config.load import load

    return load(
        path, environ=with_credentials(os.environ), checks=_checks(secrets_needed), secrets_needed=secrets_needed
    )


def load_config_parts(path: Path, environ: Mapping[str, str], known: Known) -> Parts:
    """Read and check a configuration as the daemon would, file by file; none that is known is parsed again.

    Raises:
        ConfigurationRefused: with all its errors.
    """
    from notifier.config.load import load_parts

    return load_parts(path, environ=with_credentials(environ), checks=_checks(True), known=known)


def _checks(secrets_needed: bool) -> "Checks":
    from notifier.config.load import Checks

    if not secrets_needed:
        return Checks(url=lambda _: None)
    return Checks(url=_check_url, template=_check_template, webhook=_check_webhook)


def _check_url(url: str) -> str | None:
    from notifier.channels.apprise_channel import check_url

    return check_url(url)


def _check_template(source: str) -> str | None:
    from notifier.templates.render import check_template

    return check_template(source)


def _check_webhook(url: str, private: bool) -> str | None:
    from notifier.config.webhook import is_plain

    if is_plain(url):
        return None
    from notifier.channels.webhook import check_webhook_url

    return check_webhook_url(url, allow_private=private)


def database_of(path: Path) -> Path:
    """Where a daemon with this configuration has its database, whatever else is wrong in the files now.

    Where the main file is no YAML at all just now, the line counts that begins with `state:`.

    Raises:
        ConfigurationRefused: there is no main file, or what it says of the state is wrong.
    """
    from notifier.config import document, values
    from notifier.core.errors import ConfigurationRefused

    try:
        return load_config(path, secrets_needed=False).database
    except ConfigurationRefused:
        main = document.read(path, with_credentials(os.environ), main=True)
        data = main.data if main.root is not None else _state_line(path)
        if data is None:
            raise
        try:
            return path.absolute().parent / values.state(data.get("state", "sqlite:///notifier.db"))
        except ValueError:
            pass
        raise


def _state_line(path: Path) -> Mapping[str, object] | None:
    """What the line says of a file that cannot be parsed; None if its text cannot even be had."""
    from notifier.config import files, tree
    from notifier.config.interpolate import plain_data
    from notifier.config.nodes import MappingNode

    try:
        lines = files.read(path).text.splitlines()
    except files.Unreadable:
        return None
    for line in lines:
        root = tree.parse(line)[0] if line.startswith("state:") else None
        if isinstance(root, MappingNode):
            data, _ = plain_data(root, with_credentials(os.environ))
            assert isinstance(data, dict)
            return data
    return {}

"""Loads a configuration with the checks of channels and templates, for the daemon and for every command.

Heavy modules are imported at their first use: Apprise alone takes longer than everything else that a small
configuration needs, and a daemon whose configuration is read by another process (`loading_process`) needs none of them.
"""

import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from notifier.app.loading.service_environment import hint, service_environment
from notifier.config.incremental import ConfigParts, KnownFiles
from notifier.config.model import Channel, Config
from notifier.config.sources.environment import with_credentials
from notifier.core.errors import ConfigurationRefused, NotifierError
from notifier.telemetry.redaction import EVERY_SECRET

if TYPE_CHECKING:
    from notifier.config.load import Checks
    from notifier.config.sources.origin import Origin


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

    try:
        config = load(path, environ=environ_of(path), checks=all_checks(secrets_needed), secrets_needed=secrets_needed)
    except ConfigurationRefused as error:
        if secrets_needed and (hint := secrets_hint(path)):
            error.add_note(hint)
        raise
    EVERY_SECRET.add(config.secrets)
    return config


def environ_of(path: Path) -> dict[str, str]:
    """Return the environment, with what the service with this main file has."""
    return with_credentials(service_environment(path, os.environ))


def secrets_hint(path: Path) -> str:
    """Return what to type if the service has secrets that this user may not read; else an empty text."""
    return hint(path, os.environ)


def load_config_parts(path: Path, environ: Mapping[str, str], known: KnownFiles, origin: "Origin") -> ConfigParts:
    """Read and check a configuration as the daemon would, file by file; none that is known is parsed again.

    Args:
        path: the main file.
        environ: the variables for `${NAME}`.
        known: what need not be parsed again.
        origin: gives the texts.

    Raises:
        ConfigurationRefused: with all its errors.
    """
    from notifier.config.load import load_parts

    return load_parts(path, environ=with_credentials(environ), checks=all_checks(True), known=known, origin=origin)


def all_checks(secrets_needed: bool) -> "Checks":
    from notifier.config.load import Checks

    if not secrets_needed:
        return Checks(url=lambda _: None)
    return Checks(url=_check_url, template=_check_template, webhook=_check_webhook, template_fit=_check_template_fit)


def _check_url(url: str) -> str | None:
    from notifier.channels.apprise.url_check import check_url

    return check_url(url)


def _check_template(source: str) -> str | None:
    from notifier.channels.templates.render import check_template

    return check_template(source)


def _check_template_fit(channel: Channel) -> Iterable[tuple[str, str]]:
    if channel.url is None or not channel.templates:
        return ()
    from notifier.delivery.senders import templates_without_room

    return templates_without_room(channel)


def _check_webhook(url: str, private: bool) -> str | None:
    from notifier.config.values.webhook import is_plain

    if is_plain(url):
        return None
    from notifier.channels.webhook.channel import check_webhook_url

    return check_webhook_url(url, allow_private=private)


class NothingKept(NotifierError):
    """No configuration was loaded before."""


def load_last(path: Path, environ: Mapping[str, str]) -> tuple[ConfigParts, datetime]:
    """Return the configuration that the daemon loaded last, with its references resolved now, and when it was read.

    Raises:
        NothingKept: there is none.
        NotifierError: there is none that can be used; the text says why.
    """
    from notifier.config.load import load_parts
    from notifier.config.sources import last_config

    environ = with_credentials(environ)
    try:
        copy = last_config.find(path, database_in(path, environ), environ)
    except last_config.NoCopy as error:
        raise NothingKept(str(error)) from error
    except last_config.UnusableCopy as error:
        raise NotifierError(f"the last configuration cannot be used: {error}") from error
    try:
        parts = load_parts(path, environ=environ, checks=all_checks(True), origin=copy, token_may_wait=True)
    except ConfigurationRefused as error:
        text = f"the configuration that was loaded last, of {copy.read_at:%Y-%m-%d %H:%M} UTC, cannot be used either:"
        raise NotifierError("\n".join([text, *map(str, error.problems)])) from error
    return parts, copy.read_at


def database_in(path: Path, environ: Mapping[str, str]) -> Path | None:
    """Return where the database is, as far as the main file says."""
    from notifier.config import load_partial
    from notifier.config.documents.document import database_in

    return database_in(load_partial.read_main(path, environ))

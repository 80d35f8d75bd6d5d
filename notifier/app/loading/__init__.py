"""Loads a configuration with the checks of channels and templates, for the daemon and for every command.

Heavy modules are imported at their first use: Apprise alone takes longer than everything else that a small
configuration needs, and a daemon whose configuration is read by another process (`apart`) needs none of them.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from notifier.app.loading.beside_service import hint, service_environment
from notifier.config.incremental import ConfigParts, KnownFiles
from notifier.config.model import Channel, Config
from notifier.config.sources.environment import with_credentials
from notifier.core.errors import ConfigurationRefused, NotifierError, Problem
from notifier.core.words import count
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
        config = load(path, environ=_environ(path), checks=_checks(secrets_needed), secrets_needed=secrets_needed)
    except ConfigurationRefused as error:
        if secrets_needed and (hint := how_to_have_secrets(path)):
            error.add_note(hint)
        raise
    EVERY_SECRET.add(config.secrets)
    return config


def _environ(path: Path) -> dict[str, str]:
    """Return the environment, with what the service with this main file has."""
    return with_credentials(service_environment(path, os.environ))


def how_to_have_secrets(path: Path) -> str:
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

    return load_parts(path, environ=with_credentials(environ), checks=_checks(True), known=known, origin=origin)


def _checks(secrets_needed: bool) -> "Checks":
    from notifier.config.load import Checks

    if not secrets_needed:
        return Checks(url=lambda _: None)
    return Checks(url=_check_url, template=_check_template, webhook=_check_webhook, template_fit=_check_template_fit)


def _check_url(url: str) -> str | None:
    from notifier.channels.apprise.channel import check_url

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
    """No configuration was taken up before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Leniently:
    """A configuration as far as it could be had.

    `refusal` is what is wrong with the files, None if nothing is. Then `config` is the one that the daemon took up
    last, at `kept_at`, or, with None, what is right of the files.
    """

    config: Config
    refusal: ConfigurationRefused | None = None
    kept_at: datetime | None = None

    @property
    def warning(self) -> str:
        """What is wrong with the files and what is used instead, in one line; empty if nothing is wrong."""
        if self.refusal is None:
            return ""
        first, *others = self.refusal.problems
        more = f" and {count(len(others), 'more error')} (`notifier config check` shows all)" if others else ""
        whence = "what is right of the files"
        if self.kept_at is not None:
            whence = f"the configuration that the daemon took up last, of {self.kept_at:%Y-%m-%d %H:%M} UTC"
        return f"{first}{more}; going on with {whence}"


def load_leniently(path: Path) -> Leniently:
    """Read a configuration for a command that needs no secrets; if it has errors, use as much as can be had.

    Raises:
        ConfigurationRefused: nothing can be had: not even where the database is.
    """
    from notifier.config import load_partial
    from notifier.config.load import load
    from notifier.config.sources import last_config

    try:
        return Leniently(config=load_config(path, secrets_needed=False))
    except ConfigurationRefused as error:
        refusal = error
    environ = _environ(path)
    with suppress(last_config.UnusableCopy, ConfigurationRefused):
        copy = last_config.find(path, _database_in(path, environ), environ)
        config = load(path, environ=environ, checks=_checks(False), secrets_needed=False, origin=copy)
        return Leniently(config=config, refusal=refusal, kept_at=copy.read_at)
    with suppress(ConfigurationRefused):
        return Leniently(config=load_partial.load_valid_parts(path, environ=environ), refusal=refusal)
    raise refusal


def problems_in(path: Path) -> Sequence[Problem]:
    """Return what is wrong with a configuration, for a command that needs no secrets."""
    try:
        load_config(path, secrets_needed=False)
    except ConfigurationRefused as error:
        return error.problems
    return ()


def load_for_channel(path: Path, name: str) -> Leniently:
    """Read a configuration with its secrets, for a command that needs this channel, whatever else has errors.

    Raises:
        ConfigurationRefused: the channel, or the main file as a whole, has errors.
    """
    from notifier.config import load_partial

    try:
        return Leniently(config=load_config(path))
    except ConfigurationRefused as error:
        refusal = error
    with suppress(ConfigurationRefused):
        config = load_partial.load_valid_parts(path, environ=_environ(path), checks=_checks(True))
        if name in config.channels:
            EVERY_SECRET.add(config.secrets)
            return Leniently(config=config, refusal=refusal)
    raise refusal


def load_last(path: Path, environ: Mapping[str, str]) -> tuple[ConfigParts, datetime]:
    """Return the configuration that the daemon took up last, with its references resolved now, and when it was read.

    Raises:
        NothingKept: there is none.
        NotifierError: there is none that can be used; the text says why.
    """
    from notifier.config.load import load_parts
    from notifier.config.sources import last_config

    environ = with_credentials(environ)
    try:
        copy = last_config.find(path, _database_in(path, environ), environ)
    except last_config.NoCopy as error:
        raise NothingKept(str(error)) from error
    except last_config.UnusableCopy as error:
        raise NotifierError(f"the configuration taken up last cannot be used: {error}") from error
    try:
        parts = load_parts(path, environ=environ, checks=_checks(True), origin=copy, token_may_wait=True)
    except ConfigurationRefused as error:
        text = f"the configuration taken up last, of {copy.read_at:%Y-%m-%d %H:%M} UTC, cannot be used either:"
        raise NotifierError("\n".join([text, *map(str, error.problems)])) from error
    return parts, copy.read_at


def database_of(path: Path) -> Path:
    """Return where a daemon with this configuration has its database, whatever else is wrong in the files.

    Raises:
        ConfigurationRefused: there is no main file, or what it says of the state is wrong.
    """
    environ = _environ(path)
    return _database_in(path, environ) or load_leniently(path).config.database


def _database_in(path: Path, environ: Mapping[str, str]) -> Path | None:
    """Return where the database is, as far as the main file says."""
    from notifier.config import load_partial
    from notifier.config.documents.document import database_in

    return database_in(load_partial.read_main(path, environ))

"""Loads a configuration for a command that must work although the files have errors: with what else can be had."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from notifier.app.loading.load import all_checks, database_in, environ_of, load_config
from notifier.config.model import Config
from notifier.core.errors import ConfigurationRefused, Problem
from notifier.core.words import count
from notifier.telemetry.redaction import EVERY_SECRET


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigWithFallback:
    """A configuration, or what stands in for it while the files have errors.

    `refusal` has the errors, None if there are none. With errors, `config` is the one that the daemon loaded last,
    read at `kept_at`, or, if that is None, the valid parts of the files.
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
        source = "what is right of the files"
        if self.kept_at is not None:
            source = f"the configuration that the daemon loaded last, of {self.kept_at:%Y-%m-%d %H:%M} UTC"
        return f"{first}{more}; going on with {source}"


def load_with_fallback(path: Path) -> ConfigWithFallback:
    """Read a configuration for a command that needs no secrets; if it has errors, use as much as can be had.

    Raises:
        ConfigurationRefused: nothing can be had: not even where the database is.
    """
    from notifier.config import load_partial
    from notifier.config.load import load
    from notifier.config.sources import last_config

    try:
        return ConfigWithFallback(config=load_config(path, secrets_needed=False))
    except ConfigurationRefused as error:
        refusal = error
    environ = environ_of(path)
    with suppress(last_config.UnusableCopy, ConfigurationRefused):
        copy = last_config.find(path, database_in(path, environ), environ)
        config = load(path, environ=environ, checks=all_checks(False), secrets_needed=False, origin=copy)
        return ConfigWithFallback(config=config, refusal=refusal, kept_at=copy.read_at)
    with suppress(ConfigurationRefused):
        return ConfigWithFallback(config=load_partial.load_valid_parts(path, environ=environ), refusal=refusal)
    raise refusal


def problems_in(path: Path) -> Sequence[Problem]:
    """Return what is wrong with a configuration, for a command that needs no secrets."""
    try:
        load_config(path, secrets_needed=False)
    except ConfigurationRefused as error:
        return error.problems
    return ()


def load_for_channel(path: Path, name: str) -> ConfigWithFallback:
    """Read a configuration with its secrets, for a command that needs this channel, whatever else has errors.

    Raises:
        ConfigurationRefused: the channel, or the main file as a whole, has errors.
    """
    from notifier.config import load_partial

    try:
        return ConfigWithFallback(config=load_config(path))
    except ConfigurationRefused as error:
        refusal = error
    with suppress(ConfigurationRefused):
        config = load_partial.load_valid_parts(path, environ=environ_of(path), checks=all_checks(True))
        if name in config.channels:
            EVERY_SECRET.add(config.secrets)
            return ConfigWithFallback(config=config, refusal=refusal)
    raise refusal


def database_of(path: Path) -> Path:
    """Return where a daemon with this configuration has its database, whatever else is wrong in the files.

    Raises:
        ConfigurationRefused: there is no main file, or what it says of the state is wrong.
    """
    environ = environ_of(path)
    return database_in(path, environ) or load_with_fallback(path).config.database

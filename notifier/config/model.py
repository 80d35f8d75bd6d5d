"""The configuration as the rest of the house sees it: frozen, complete, every default applied."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from notifier.core.model import Watch


@dataclass(frozen=True, kw_only=True, slots=True)
class Api:
    """How to reach Bright Data. The token stands in `token`, or in a file that is read again when it is refused.

    `timeout` is for one answer as a whole.
    """

    token: str | None = field(default=None, repr=False)
    token_file: Path | None = None
    base_url: str = "https://api.brightdata.com"
    requests_per_second: float = 10.0
    timeout: timedelta = timedelta(seconds=10)


@dataclass(frozen=True, kw_only=True, slots=True)
class Channel:
    """A named destination. Its Apprise URL is a secret as a whole."""

    name: str
    url: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """A whole configuration.

    `path` is the main file and `files` all that were read, the main one first. `database` is the SQLite file.
    `secrets` are the values that may never be shown: tokens, channel URLs and what stands secret inside them.
    """

    path: Path
    files: tuple[Path, ...]
    api: Api
    database: Path
    operators: tuple[str, ...]
    channels: Mapping[str, Channel]
    watches: tuple[Watch, ...]
    secrets: frozenset[str] = field(repr=False)

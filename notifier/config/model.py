"""The configuration as the rest of the house sees it: frozen, complete, every default applied."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

from notifier.core.delivery.policy import ChannelPolicy
from notifier.core.errors import Problem
from notifier.core.model import DatasetWatch, Watch

AnyWatch = Watch | DatasetWatch
"""What one entry of `watches:` becomes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Api:
    """How to reach Bright Data. The token stands in `token`, or in a file that is read again when it is refused.

    `timeout` is for one answer as a whole. With `batches` many snapshots of a dataset may be polled in one request.
    """

    token: str | None = field(default=None, repr=False)
    token_file: Path | None = None
    base_url: str = "https://api.brightdata.com"
    requests_per_second: float = 10.0
    timeout: timedelta = timedelta(seconds=10)
    batches: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Template:
    """The Jinja2 source of a message's title and body; None where the plain text stays."""

    title: str | None = None
    body: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Webhook:
    """A signed webhook: its address and its secrets (base64 after `whsec_`), the newest first.

    `allow_private` lets it connect to loopback, link-local and private addresses.
    """

    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    allow_private: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Channel:
    """A named destination: either an Apprise URL, a secret as a whole, or a signed webhook.

    `templates` are by event name: the channel's own, and where it has none the configuration's.
    """

    name: str
    url: str | None = field(default=None, repr=False)
    webhook: Webhook | None = None
    policy: ChannelPolicy = field(default_factory=ChannelPolicy)
    templates: Mapping[str, Template] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, kw_only=True, slots=True)
class Http:
    """Where health, metrics and the page are to be had. Port 0 is one that the system chooses.

    With a `token` nobody is answered who does not know it, but for `/healthz`.
    """

    host: str
    port: int
    token: str | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        """The host and the port, as a user writes them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Heartbeat:
    """The address that is asked `every` so often while all is well; it is a secret as a whole."""

    url: str = field(repr=False)
    every: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """A whole configuration.

    `path` is the main file, `files` are all that were read, the main one first, and `include` the patterns they were
    found by. `database` is the SQLite file. `watches` are those of snapshots, `datasets` those of datasets; no two have
    the same id. `keep` is how long what has ended is remembered. `http` is where the daemon listens
    and `heartbeat` what it asks while all is well; None is nowhere, and nothing. `warnings` are what works, but perhaps
    not as it was meant. `secrets` are the values that may never be shown: tokens, channel URLs and what stands secret
    inside them, the secrets of webhooks, the heartbeat's address.
    """

    path: Path
    files: tuple[Path, ...]
    api: Api
    database: Path
    operators: tuple[str, ...]
    channels: Mapping[str, Channel]
    watches: tuple[Watch, ...]
    datasets: tuple[DatasetWatch, ...] = ()
    keep: timedelta = timedelta(days=90)
    http: Http | None = None
    heartbeat: Heartbeat | None = None
    include: tuple[str, ...] = ()
    warnings: tuple[Problem, ...] = ()
    secrets: frozenset[str] = field(repr=False)

"""The configuration as values: frozen, complete, with every default applied."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

from notifier.core.delivery.channel_policy import ChannelPolicy
from notifier.core.errors import Problem
from notifier.core.snapshot.model import AdoptingWatch, DatasetWatch, Watch

AnyWatch = Watch | DatasetWatch
"""The value of one entry of `watches:`."""

NOTHING_ADOPTED = AdoptingWatch(every=timedelta(seconds=30), notify=(), on=())
"""Stands where no file was read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Api:
    """How to reach Bright Data.

    Attributes:
        token: the token; None if it is in `token_file`.
        token_file: a file that has the token. It is read again when Bright Data refuses the token.
        base_url: the address of the API.
        requests_per_second: the request rate of the limiter.
        timeout: the limit for one complete answer.
        batches: many snapshots of a dataset may be polled in one request.
    """

    token: str | None = field(default=None, repr=False)
    token_file: Path | None = None
    base_url: str = "https://api.brightdata.com"
    requests_per_second: float = 10.0
    timeout: timedelta = timedelta(seconds=10)
    batches: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Template:
    """The Jinja2 sources of a message's title and body. None keeps the default text."""

    title: str | None = None
    body: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Webhook:
    """A signed webhook.

    Attributes:
        url: its address.
        secrets: base64 after `whsec_`, the newest first.
        allow_private: it may connect to loopback, link-local and private addresses.
    """

    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    allow_private: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Channel:
    """A named destination: an Apprise URL, all of which is secret, or a signed webhook.

    `templates` are by event name. The channel's own come before those of the configuration.
    """

    name: str
    url: str | None = field(default=None, repr=False)
    webhook: Webhook | None = None
    policy: ChannelPolicy = field(default_factory=ChannelPolicy)
    templates: Mapping[str, Template] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, kw_only=True, slots=True)
class Http:
    """The address of the status page, health and metrics. Port 0 lets the system choose one.

    With a `token`, every request except `/healthz` must have it. `public_url` is the address at which other machines
    reach the daemon, without a slash at its end; None if none is known.
    """

    host: str
    port: int
    token: str | None = field(default=None, repr=False)
    public_url: str | None = None

    @property
    def address(self) -> str:
        """The host and the port, as users write them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Hooks:
    """The hints that Bright Data sends when a collection ends.

    `secrets` is the last part of the path that takes them, the newest first. Each is accepted; the first is passed on.
    """

    secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class HeartbeatSettings:
    """A URL that the daemon requests at the interval `every` while it is healthy. All of the URL is secret."""

    url: str = field(repr=False)
    every: timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """A whole configuration.

    Attributes:
        path: the main file.
        files: all files that were read, the main one first.
        api: how to reach Bright Data.
        database: the SQLite file.
        operators: the channels for problems of the notifier itself.
        channels: the channels by their names.
        watches: the watches of snapshots. No two watches have the same id.
        datasets: the watches of datasets.
        keep: how long ended snapshots are kept in the database.
        http: where the daemon listens; None if it does not.
        hooks: the hints that are taken; None if none are.
        adopting: the options of adopted snapshots, also of those that were adopted before and go on.
        heartbeat: the URL of the heartbeat; None if there is none.
        include: the patterns that the files were found by.
        warnings: what works, but perhaps not as its author meant it.
        secrets: the values that must never be shown: tokens, channel URLs and the secret parts of them, the secrets
            of webhooks and hooks, the heartbeat's URL.
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
    hooks: Hooks | None = None
    adopting: AdoptingWatch = NOTHING_ADOPTED
    heartbeat: HeartbeatSettings | None = None
    include: tuple[str, ...] = ()
    warnings: tuple[Problem, ...] = ()
    secrets: frozenset[str] = field(repr=False)

    def sample_watch(self, watch_id: str) -> Watch | None:
        """Return the watch of a snapshot for a test message: for a dataset, of one that it found or could find."""
        own = next((each for each in self.watches if each.id == watch_id), None)
        parent, _, snapshot_id = watch_id.partition("/")
        dataset = next((each for each in self.datasets if each.id == parent), None)
        return own if own is not None or dataset is None else dataset.watch_for(snapshot_id or "sd_test")

"""Builds the frozen `Config` from validated sections, with every default applied. Nothing here can fail."""

from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from notifier.config.model import AnyWatch, Api, Channel, HeartbeatSettings, Hooks, Http, Template, Webhook
from notifier.config.schema import (
    ApiSection,
    ChannelSection,
    DefaultsSection,
    HeartbeatSection,
    HooksSection,
    HttpSection,
    MainFile,
    QuietSection,
    TemplateSection,
    WatchSection,
)
from notifier.config.sources.token import TokenLocation
from notifier.config.values import listen
from notifier.config.values.times import zone
from notifier.core.delivery.channel_policy import WEBHOOK_PACE, ChannelPolicy, OnUncertain, Quiet
from notifier.core.snapshot.model import AdoptingWatch, DatasetWatch, Download, Watch
from notifier.core.snapshot.statuses import canonical

Value = TypeVar("Value", bound=Hashable)

_POLICY = ChannelPolicy()


def api(section: ApiSection, source: TokenLocation) -> Api:
    """Build the settings of the API."""
    return Api(
        token=source.token,
        token_file=source.file,
        base_url=section.base_url,
        requests_per_second=section.requests_per_second,
        timeout=section.timeout,
        batches=section.batch == "auto",
    )


def channels(main: MainFile) -> dict[str, Channel]:
    """Build the channels, by their names."""
    return {name: _channel(name, section, main.templates) for name, section in main.channels.items()}


def _channel(name: str, section: ChannelSection, templates: Mapping[str, TemplateSection]) -> Channel:
    if section.webhook is None:
        merged = _templates(templates, section.templates)
        return Channel(name=name, url=section.url, policy=_policy(section), templates=merged)
    secrets = _once(section.secret or ())
    webhook = Webhook(url=section.webhook, secrets=secrets, allow_private=section.allow_private)
    return Channel(name=name, webhook=webhook, policy=_policy(section))


def _policy(section: ChannelSection) -> ChannelPolicy:
    is_webhook = section.webhook is not None
    return ChannelPolicy(
        pace=section.pace or (WEBHOOK_PACE if is_webhook else _POLICY.pace),
        stretches=section.pace is None and not is_webhook,
        merges=not is_webhook,
        quiet=_quiet(section.quiet) if section.quiet else None,
        fallback=section.fallback,
        fallback_after=section.fallback_after,
        on_uncertain=OnUncertain(section.on_uncertain),
        give_up_after=section.give_up_after,
    )


def _quiet(section: QuietSection) -> Quiet:
    return Quiet(
        start=section.start, end=section.end, zone=zone(section.timezone), exceptions=_once(section.exceptions or ())
    )


def _templates(general: Mapping[str, TemplateSection], own: Mapping[str, TemplateSection]) -> Mapping[str, Template]:
    """Return the templates by canonical event name. A channel's own title or body replaces the general one."""
    merged: dict[str, Template] = {}
    for word, section in (*general.items(), *own.items()):
        name = canonical(word)
        before = merged.get(name, Template())
        merged[name] = Template(title=section.title or before.title, body=section.body or before.body)
    return MappingProxyType(merged)


def database(main: MainFile, folder: Path) -> Path:
    """Return the SQLite file. A relative path starts at the folder of the main file."""
    return folder / main.state


def http(section: HttpSection) -> Http | None:
    """Build the settings of the HTTP server; None if it is off."""
    if section.listen == listen.OFF:
        return None
    host, port = listen.parse(section.listen)
    return Http(host=host, port=port, token=section.token, public_url=section.public_url)


def heartbeat(section: HeartbeatSection | None) -> HeartbeatSettings | None:
    """Build the settings of the heartbeat; None without one."""
    return None if section is None else HeartbeatSettings(url=section.url, every=section.every)


class Interned:
    """Interns values, because the options of a hundred thousand watches have few distinct values."""

    def __init__(self) -> None:
        self._known: dict[Any, Any] = {}

    def one(self, value: Value) -> Value:
        """Return the first value seen that is equal and of the same type."""
        known: Value = self._known.setdefault((type(value), value), value)
        return known

    def labels(self, labels: Mapping[str, str]) -> Mapping[str, str]:
        """Return the labels as a frozen mapping, in their order."""
        key = tuple(labels.items())
        if key not in self._known:
            self._known[key] = MappingProxyType(dict(labels))
        known: Mapping[str, str] = self._known[key]
        return known


def watch(section: WatchSection, defaults: DefaultsSection, folder: Path, interned: Interned) -> AnyWatch:
    """Build the watch of a snapshot or a dataset, with the defaults for missing options.

    Args:
        section: the entry, which has a snapshot or a dataset.
        defaults: the `defaults:` of the main file.
        folder: the folder of the main file, where relative paths start.
        interned: interns the values of options.
    """
    subject = section.snapshot or section.dataset
    assert subject is not None
    named: dict[str, Any] = {"id": section.id or subject, "name": section.name or subject}
    options = _options(section, defaults, folder, interned)
    if section.snapshot is not None:
        return Watch(snapshot_id=subject, **named, **options)
    return DatasetWatch(dataset_id=subject, **named, **options)


def hooks(section: HooksSection | None) -> Hooks | None:
    """Build the settings of the hints; None without any."""
    return None if section is None else Hooks(secrets=_once(section.secret))


def adopting(section: HooksSection | None, defaults: DefaultsSection, folder: Path) -> AdoptingWatch:
    """Build the options of adopted snapshots: those under `hooks:`, then the defaults."""
    enabled = section is not None and section.adopt
    return AdoptingWatch(enabled=enabled, **_options(section or WatchSection(), defaults, folder, Interned()))


def _options(
    section: WatchSection | HooksSection, defaults: DefaultsSection, folder: Path, interned: Interned
) -> dict[str, Any]:
    """Return the values of `WatchOptions` except the id and the name."""
    stalled_after = section.stalled_after or defaults.stalled_after
    download = section.download
    return {
        "every": interned.one(section.every or defaults.every),
        "notify": interned.one(_once(section.notify or defaults.notify or ())),
        "on": interned.one(_once(section.on or defaults.on)),
        "stalled_after": None if stalled_after == "off" else interned.one(stalled_after),
        "results_kept": interned.one(section.results_kept or defaults.results_kept),
        "expiring_before": interned.one(section.expiring_before or defaults.expiring_before),
        "labels": interned.labels(section.labels),
        "download": download and interned.one(Download(folder=str(folder / download.folder), format=download.format)),
    }


def _once(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))

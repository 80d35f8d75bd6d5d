"""From checked sections to the frozen `Config`, with every default applied. Nothing can fail here."""

from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from notifier.config.clock import zone
from notifier.config.model import Api, Channel, Template, Webhook
from notifier.config.schema import (
    ApiSection,
    ChannelSection,
    DefaultsSection,
    MainFile,
    QuietSection,
    TemplateSection,
    WatchSection,
)
from notifier.config.token_source import TokenSource
from notifier.core.model import DatasetWatch, Download, Watch
from notifier.core.policy import WEBHOOK_PACE, ChannelPolicy, OnUncertain, Quiet
from notifier.core.transitions import canonical

_POLICY = ChannelPolicy()

H = TypeVar("H", bound=Hashable)


def api(section: ApiSection, source: TokenSource) -> Api:
    """How to reach Bright Data."""
    return Api(
        token=source.token,
        token_file=source.file,
        base_url=section.base_url,
        requests_per_second=section.requests_per_second,
        timeout=section.timeout,
        batches=section.batch == "auto",
    )


def channels(main: MainFile) -> dict[str, Channel]:
    """The channels by their names."""
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
    """The templates by event name, as transitions spell it. For each title and each body the channel's own wins."""
    merged: dict[str, Template] = {}
    for word, section in (*general.items(), *own.items()):
        name = canonical(word)
        before = merged.get(name, Template())
        merged[name] = Template(title=section.title or before.title, body=section.body or before.body)
    return MappingProxyType(merged)


def database(main: MainFile, folder: Path) -> Path:
    """The SQLite file; a relative one stands in the folder of the main file."""
    return folder / main.state


def watches(
    sections: Iterable[WatchSection], defaults: DefaultsSection, folder: Path
) -> tuple[tuple[Watch, ...], tuple[DatasetWatch, ...]]:
    """The watches of snapshots and those of datasets, with the defaults for what they do not say.

    What is equal in them is one object: of 100,000 watches nearly all say the same.
    """
    shared = _Shared()
    snapshots: list[Watch] = []
    datasets: list[DatasetWatch] = []
    for section in sections:
        names: dict[str, Any]
        common = _common(section, defaults, folder, shared)
        if section.snapshot is not None:
            subject = section.snapshot
            names = {"id": section.id or subject, "name": section.name or subject}
            snapshots.append(Watch(snapshot_id=subject, **names, **common))
        elif section.dataset is not None:
            subject = section.dataset
            names = {"id": section.id or subject, "name": section.name or subject}
            datasets.append(DatasetWatch(dataset_id=subject, **names, **common))
    return tuple(snapshots), tuple(datasets)


def _common(section: WatchSection, defaults: DefaultsSection, folder: Path, shared: "_Shared") -> dict[str, Any]:
    stalled_after = section.stalled_after or defaults.stalled_after
    download = section.download
    return {
        "every": shared.one(section.every or defaults.every),
        "notify": shared.one(_once(section.notify or defaults.notify or ())),
        "on": shared.one(_once(section.on or defaults.on)),
        "stalled_after": None if stalled_after == "off" else shared.one(stalled_after),
        "results_kept": shared.one(section.results_kept or defaults.results_kept),
        "expiring_before": shared.one(section.expiring_before or defaults.expiring_before),
        "labels": shared.labels(section.labels),
        "download": download and shared.one(Download(folder=str(folder / download.folder), format=download.format)),
    }


class _Shared:
    """Keeps one object of all that are equal."""

    def __init__(self) -> None:
        self._known: dict[Any, Any] = {}

    def one(self, value: H) -> H:
        """The first value that was equal to this one."""
        known: H = self._known.setdefault((type(value), value), value)
        return known

    def labels(self, labels: Mapping[str, str]) -> Mapping[str, str]:
        """The first labels that were equal to these, and in the same order."""
        key = tuple(labels.items())
        if key not in self._known:
            self._known[key] = MappingProxyType(dict(labels))
        known: Mapping[str, str] = self._known[key]
        return known


def _once(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))

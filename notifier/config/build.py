"""From checked sections to the frozen `Config`, with every default applied. Nothing can fail here."""

from collections.abc import Iterable
from pathlib import Path
from types import MappingProxyType

from notifier.config.model import Api, Channel
from notifier.config.schema import ApiSection, DefaultsSection, MainFile, WatchSection
from notifier.config.token_source import TokenSource
from notifier.core.model import Watch


def api(section: ApiSection, source: TokenSource) -> Api:
    """How to reach Bright Data."""
    return Api(
        token=source.token,
        token_file=source.file,
        base_url=section.base_url,
        requests_per_second=section.requests_per_second,
        timeout=section.timeout,
    )


def channels(main: MainFile) -> dict[str, Channel]:
    """The channels by their names."""
    return {name: Channel(name=name, url=section.url) for name, section in main.channels.items()}


def database(main: MainFile, folder: Path) -> Path:
    """The SQLite file; a relative one stands in the folder of the main file."""
    return folder / main.state


def watch(section: WatchSection, defaults: DefaultsSection) -> Watch:
    """A watch, with the defaults for what it does not say."""
    return Watch(
        id=section.id or section.snapshot,
        snapshot_id=section.snapshot,
        name=section.name or section.snapshot,
        every=section.every or defaults.every,
        notify=_once(section.notify or defaults.notify or ()),
        on=_once(section.on or defaults.on),
        stalled_after=section.stalled_after or defaults.stalled_after,
        labels=MappingProxyType(dict(section.labels)),
    )


def _once(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))

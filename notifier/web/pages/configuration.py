"""The page of the configuration: what is in effect, its files, and the last reload."""

from collections.abc import Iterator, Mapping, Sized
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from notifier.config.effective import as_yaml
from notifier.core.resources import ConfigurationResource
from notifier.core.words import count

MOST_ENTRIES = 200
"""Entries of a list or mapping that the page shows; `notifier config show` prints all."""

_PARTS = ("channels", "watches")
"""The keys that have a part of their own; the others are shown together."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reload:
    """The last reload in words."""

    tone: str
    icon: str
    title: str
    text: str
    at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A part of the configuration as YAML; `more` says what is left out."""

    key: str
    title: str
    summary: str
    yaml: str
    open: bool
    more: str = ""


def context(found: ConfigurationResource) -> dict[str, Any]:
    """Return what the template `configuration` needs."""
    return {
        "path": "/configuration",
        "reload": reload_of(found),
        "problems": found.refused,
        "warnings": found.warnings,
        "files": found.files,
        "sections": list(sections(found.effective)),
    }


def reload_of(found: ConfigurationResource) -> Reload:
    """Say how the last reload went."""
    at = found.reloaded_at
    if found.runs_of is not None:
        text = "The files have errors. The notifier started with the configuration that it took up last."
        return Reload(tone="bad", icon="failed", title="The files have errors", text=text, at=found.runs_of)
    if found.refused:
        text = "The configuration before stays in effect. The reload was refused:"
        return Reload(tone="bad", icon="failed", title="The last reload was refused", text=text, at=at)
    if at is None:
        text = "The files have not changed since the start. What you save takes effect within two seconds."
        return Reload(tone="good", icon="ready", title="In effect since the start", text=text, at=None)
    text = "What you save takes effect within two seconds. Last reload:"
    return Reload(tone="good", icon="ready", title="The files are in effect", text=text, at=at)


def sections(effective: Mapping[str, object]) -> Iterator[Section]:
    """Yield the parts of the configuration: the settings, then the channels and the watches."""
    settings = {key: value for key, value in effective.items() if key not in _PARTS}
    if settings:
        yield Section(key="settings", title="Settings", summary="", yaml=as_yaml(settings), open=True)
    for key in _PARTS:
        value = effective.get(key)
        if not value:
            continue
        shown, left_out = _shortened(value)
        yield Section(
            key=key,
            title=key.capitalize(),
            summary=count(len(value), "entry", "entries") if isinstance(value, Sized) else "",
            yaml=as_yaml({key: shown}),
            open=key != "watches",
            more=f"{left_out:,} more are not shown; notifier config show prints all." if left_out else "",
        )


def _shortened(value: object) -> tuple[object, int]:
    if isinstance(value, list):
        return value[:MOST_ENTRIES], max(len(value) - MOST_ENTRIES, 0)
    if isinstance(value, Mapping):
        return dict(list(value.items())[:MOST_ENTRIES]), max(len(value) - MOST_ENTRIES, 0)
    return value, 0
